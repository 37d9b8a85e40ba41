"""Polynomials of the normal distribution's quantiles; made by ``python -m tools.normal_quantile``.

By dtype, starting with the coefficient of x^0. The comments give the largest relative error of what each
approximates, in units of half a unit in the last place of 1.
"""

from typing import Any

import numpy as np

ABOVE: dict[np.dtype[Any], tuple[float, ...]] = {
    np.dtype(np.float32): (  # error 0.035
        4.904141902923584,
        31.801767349243164,
        20.386573791503906,
        2.3843331336975098,
    ),
    np.dtype(np.float64): (  # error 0.002
        5.932692317613297,
        241.97071941010023,
        2059.9625258200604,
        5640.884197127839,
        5847.266900312011,
        3081.15522089229,
        899.2811566599803,
        129.15044128135506,
        7.469701884791845,
        0.12215249753503411,
    ),
}

BELOW: dict[np.dtype[Any], tuple[float, ...]] = {
    np.dtype(np.float32): (
        1.0,
        11.870101928710938,
        25.070873260498047,
        14.453537940979004,
        1.6854357719421387,
    ),
    np.dtype(np.float64): (
        1.0,
        56.6146912775935,
        669.7848535713682,
        2802.0098955773024,
        5116.720207359299,
        4618.495152490359,
        2281.7066826816113,
        644.536021885825,
        91.53393497435604,
        5.282238949348951,
        0.086373663762264,
    ),
}

LOG_OF_QUOTIENT: dict[np.dtype[Any], tuple[float, ...]] = {
    np.dtype(np.float32): (  # error 0.015
        0.6666677594184875,
        0.3997751772403717,
        0.29872459173202515,
    ),
    np.dtype(np.float64): (  # error 0.017
        0.6666666666666735,
        0.3999999999941263,
        0.28571428742886384,
        0.22222198517914424,
        0.1818356739692518,
        0.15313967192124195,
        0.14796829540949694,
    ),
}
