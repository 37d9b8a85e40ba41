"""scipy.special's families: slopes by parameters, and where SciPy's values are too rough to test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
from mpmath import mp
from scipy import special as sp

import clearprop
from clearprop import grad
from clearprop.errors import UnsupportedError
from clearprop.scipy import special as ours
from clearprop.scipy.primitives import moments
from tests.numeric import slopes


@pytest.fixture(autouse=True)
def many_digits() -> Any:
    with mpmath.workdps(40):
        yield


# ---- by parameters


@pytest.mark.parametrize(
    ("a", "x"),
    [(0.01, 1e-5), (0.5, 0.7), (3.0, 2.0), (3.0, 15.0), (30.0, 20.0), (100.0, 90.0)],
)
def test_incomplete_gamma_by_its_parameter(a: float, x: float) -> None:
    expected = float(mp.diff(lambda a: mp.gammainc(a, 0, x, regularized=True), a))
    assert grad(lambda a: sp.gammainc(a, x))(a) == pytest.approx(expected, rel=1e-9, abs=1e-14)
    assert grad(lambda a: sp.gammaincc(a, x))(a) == pytest.approx(-expected, rel=1e-9, abs=1e-14)


@pytest.mark.parametrize(
    ("a", "b", "x"),
    [(0.5, 0.7, 0.3), (0.01, 3, 0.9), (2.0, 3.0, 0.999), (100.0, 50.0, 0.7), (5.0, 0.2, 0.5)],
)
def test_incomplete_beta_by_its_parameters(a: float, b: float, x: float) -> None:
    def theirs(a: Any, b: Any) -> Any:
        return mp.betainc(a, b, 0, x, regularized=True)

    found = grad(lambda a, b: sp.betainc(a, b, x), (0, 1))(float(a), float(b))
    expected = [mp.diff(lambda a: theirs(a, b), a), mp.diff(lambda b: theirs(a, b), b)]
    for one, other in zip(found, expected, strict=True):
        assert one == pytest.approx(float(other), rel=1e-9, abs=1e-13)


@pytest.mark.parametrize("a", [1e3, 1e5])
@pytest.mark.parametrize("deviations", [-3.0, 0.0, 3.0, 30.0])
def test_sums_find_narrow_hills(a: float, deviations: float) -> None:
    x = a + deviations * np.sqrt(a)
    assert moments.gamma_moment(a, x, logs=0) == pytest.approx(sp.gammainc(a, x), rel=1e-9)
    share = np.clip(0.25 + deviations * np.sqrt(0.75 / a) / 4, 0.01, 0.99)
    found = moments.beta_moment(a, 3 * a, share, logs=0, others=0)
    assert found == pytest.approx(sp.betainc(a, 3 * a, share), rel=1e-8)


def test_students_t_in_the_middle_and_far_out() -> None:
    assert grad(sp.stdtr)(3.0, 0.0) == 0
    assert grad(lambda t: sp.stdtr(3.0, t))(0.0) == pytest.approx(2 / (np.pi * np.sqrt(3)))
    for df, t in ((3.0, 2.0), (3.0, -2.0), (40.0, 0.1)):
        step = slopes(lambda df, t=t: sp.stdtr(df, t), df)
        assert grad(sp.stdtr)(df, t) == pytest.approx(step, rel=1e-8)


# ---- what solves for something keeps the probability


@pytest.mark.parametrize(
    ("inverse", "function", "at", "place", "probability"),
    [
        # SciPy's are off by 1e-6 in the probability, which is what the tolerance is for
        (sp.ncfdtrinc, sp.ncfdtr, (3.0, 4.0, 0.3, 1.5), 2, 2),
        (sp.nctdtrinc, sp.nctdtr, (3.0, 0.6, 1.5), 1, 1),
        (sp.chndtrinc, sp.chndtr, (3.0, 1.0, 0.6), 2, 2),
    ],
)
def test_noncentralities(
    inverse: Any, function: Any, at: tuple[float, ...], place: int, probability: int
) -> None:
    solved = float(inverse(*at))
    there = [solved if i == place else x for i, x in enumerate(at)]

    def alone(i: int) -> Any:
        return slopes(
            lambda x: function(*(x if i == j else y for j, y in enumerate(there))), there[i]
        )

    last = len(at) - 1 if place != len(at) - 1 else 0  # the variable
    found = grad(inverse, (probability, last))(*at)
    assert found[0] == pytest.approx(1 / alone(place), rel=1e-7)
    assert found[1] == pytest.approx(-alone(last) / alone(place), rel=1e-7)


# ---- functions whose values are rough, by the differential equation


def test_the_second_oblate_radial_function() -> None:
    m, n, c, x = 0, 2, 1.5, 1.4
    y, slope = sp.obl_rad2(m, n, c, x)
    rest, value = 1 + x * x, sp.obl_cv(m, n, c)
    assert grad(lambda x: sp.obl_rad2(m, n, c, x)[0])(x) == slope
    second = grad(lambda x: sp.obl_rad2(m, n, c, x)[1])(x)
    assert second * rest + 2 * x * slope == pytest.approx((value - c * c * x * x) * y, rel=1e-12)


@pytest.mark.parametrize(("x", "which"), [(2.0, 0), (2.0, 1), (2.0, 2), (2.0, 3)])
def test_integrals_of_airy_functions(x: float, which: int) -> None:
    expected = [mp.airyai(x), mp.airybi(x), mp.airyai(-x), mp.airybi(-x)][which]
    assert grad(lambda x: sp.itairy(x)[which])(x) == pytest.approx(float(expected), rel=1e-13)


# ---- places where a formula might be 0/0, or lose its digits


# name: ours, theirs, places, and the tolerance
PLACES: dict[str, tuple[Callable[..., Any], Callable[[Any], Any], list[float], float]] = {
    "boxcox by its exponent": (
        lambda p: sp.boxcox(3.0, p),
        lambda p: (mp.mpf(3) ** p - 1) / p if p else mp.log(3),
        [-1.0, 1e-9, 0.3, 2],
        1e-12,
    ),
    "inv_boxcox by its exponent": (
        lambda p: sp.inv_boxcox(0.7, p),
        lambda p: mp.exp(mp.log1p(p * mp.mpf(0.7)) / p),
        [-1.0, 1e-9, 0.05, 0.2, 2],
        1e-12,
    ),
    "agm": (lambda a: sp.agm(a, 2.0), lambda a: mp.agm(a, 2), [1e-10, 0.5, 1.999, 2, 1e5], 1e-12),
    "ellipkinc by m": (
        lambda m: sp.ellipkinc(0.7, m),
        lambda m: mp.ellipf(mp.mpf(0.7), m),
        [-5.0, 0, 1e-9, 0.9, 1, 1.5],
        1e-11,
    ),
    "ellipkinc beyond a turn": (
        lambda m: sp.ellipkinc(7.7, m),
        lambda m: mp.ellipf(mp.mpf(7.7), m),
        [-5.0, 1e-9, 0.9],
        1e-11,
    ),
    "ellipeinc by m": (
        lambda m: sp.ellipeinc(0.7, m),
        lambda m: mp.ellipe(mp.mpf(0.7), m),
        [-5.0, 0, 1e-9, 0.9, 1],
        1e-11,
    ),
    "ber'": (sp.berp, lambda x: mp.diff(lambda x: mp.ber(0, x), x), [1e-6, 0.3, 0.6, 4], 1e-10),
    "bei'": (sp.beip, lambda x: mp.diff(lambda x: mp.bei(0, x), x), [1e-6, 0.3, 0.6, 4], 1e-10),
    "owens_t by a": (
        lambda a: sp.owens_t(0.5, a),
        lambda a: mp.quad(lambda t: mp.exp(-(1 + t * t) / 8) / (1 + t * t) / (2 * mp.pi), [0, a]),
        [-2.0, 0, 0.5, 10],
        1e-12,
    ),
    "kolmogorov": (
        sp.kolmogorov,
        lambda y: 2 * sum((-1) ** (k - 1) * mp.exp(-2 * k * k * y * y) for k in range(1, 60)),
        [0.3, 0.79, 0.81, 3],
        1e-11,
    ),
    "voigt_profile by sigma": (
        lambda s: sp.voigt_profile(2.0, s, 0.5),
        lambda s: mp.quad(
            lambda t: mp.npdf(t, 0, s) * mp.mpf(0.5) / mp.pi / ((2 - t) ** 2 + mp.mpf(0.25)),
            [-12 * s, 0, 1, 2, 3, 12 * s] if s > 0.3 else [-12 * s, 0, 12 * s],
        ),
        [0.01, 0.065, 0.07, 1, 4],
        1e-9,
    ),
    "hyp2f1": (
        lambda z: sp.hyp2f1(0.5, 1.5, 2.5, z),
        lambda z: mp.hyp2f1(0.5, 1.5, 2.5, z),
        [-3.0, 0, 0.9],
        1e-11,
    ),
    "nctdtr with a large center": (
        lambda t: sp.nctdtr(5.0, 4.0, t),
        lambda t: mp.quad(
            lambda s: (
                mp.ncdf(t * s / mp.sqrt(5) - 4)
                * s**4
                * mp.exp(-s * s / 2)
                / (mp.mpf(2) ** 1.5 * mp.gamma(2.5))
            ),
            [0, 1, 2, 3, 5, 12],
        ),
        [-1.0, 0.5, 4, 9],
        1e-7,
    ),
}


@pytest.mark.parametrize("name", PLACES)
def test_slopes_at_places(name: str) -> None:
    f, theirs, places, rtol = PLACES[name]
    for x in map(float, places):
        expected = float(mp.diff(theirs, mp.mpf(x)))
        assert grad(f)(x) == pytest.approx(expected, rel=rtol, abs=1e-13), x


def test_kolmogorov_is_flat_where_nothing_is_left() -> None:
    assert [grad(sp.kolmogorov)(y) for y in (-1.0, 0.0, 0.01, 30.0)] == [0, 0, 0, 0]


def test_kelvin_functions_at_zero() -> None:
    assert grad(grad(sp.bei))(0.0) == 0.5
    assert grad(grad(sp.ber))(0.0) == 0


@pytest.mark.parametrize("f", [sp.eval_legendre, sp.eval_chebyt, sp.eval_hermite, sp.eval_laguerre])
def test_polynomials_to_any_order(f: Any) -> None:
    n, slope = 3, lambda x: f(3, x)
    for _ in range(n):
        slope = grad(slope)
    leading = {"eval_legendre": 15, "eval_chebyt": 24, "eval_hermite": 48, "eval_laguerre": -1}
    assert slope(0.3) == pytest.approx(leading[f.__name__], rel=1e-12)
    assert grad(slope)(0.3) == 0


def test_derivatives_that_have_none() -> None:
    with pytest.raises(UnsupportedError, match=r"mathieu_a has no gradient .* q more than once"):
        grad(grad(lambda q: sp.mathieu_a(2, q)))(1.5)
    assert clearprop.jvp(lambda q: sp.mathieu_a(2, q), (1.5,), (1.0,))[1] == pytest.approx(
        grad(lambda q: sp.mathieu_a(2, q))(1.5), rel=1e-15
    )
    with pytest.raises(UnsupportedError, match=r"smirnov has no gradient .* d more than twice"):
        grad(grad(grad(lambda d: sp.smirnov(5, d))))(0.3)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: ours.comb(x, 2, exact=True),
        lambda x: ours.perm(x, 2, exact=True),
        lambda x: ours.factorial(x, exact=True),
        lambda x: ours.factorial(x, extend="complex"),
        lambda x: ours.legendre_p(2, x, diff_n=1),
        lambda x: ours.pbdv_seq(0.5, x),
        lambda x: sp.airye(x + 1j)[2].real,
    ],
)
def test_what_is_refused(f: Callable[..., Any]) -> None:
    with pytest.raises(UnsupportedError):
        grad(f)(2.0)


def test_counting_beyond_its_triangle() -> None:
    assert [float(g) for g in grad(ours.comb, (0, 1))(2.0, 3.0)] == [0, 0]
    assert [float(g) for g in grad(ours.perm, (0, 1))(2.0, 3.0)] == [0, 0]
    assert grad(ours.factorial)(-1.5) == 0
