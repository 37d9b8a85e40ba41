"""``python -m tools.normal_quantile``: make src/clearprop/random/quantile_coefficients.py.

With L = -log(2p), the number that a standard normal one exceeds with probability p is L P(s) / Q(s), where
s = √(L + log 2): the quotient is smooth, and about √2 / s for large s. P and Q are those with the smallest
sum of squared relative errors at points that are denser where p is near one half; since an error of
P - f Q is weighted by 1 / Q, of the round before, a few rounds settle it. In 100 digits, then rounded.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mpmath import mp, mpf

from tools.coefficients import Fit, fitted

TARGET = Path(__file__).parent.parent / "src" / "clearprop" / "random" / "quantile_coefficients.py"
BITS = {np.float32: 31, np.float64: 63}
"""Probabilities are multiples of 2^-BITS, halved."""
DEGREES = {np.float32: (3, 4), np.float64: (9, 10)}
TINY = mpf(10) ** -20
LOG_DEGREES = {np.float32: 2, np.float64: 6}

HEAD = '''"""Polynomials of the normal distribution's quantiles; made by ``python -m tools.normal_quantile``.

By dtype, starting with the coefficient of x^0. The comments give the largest relative error of what each
approximates, in units of half a unit in the last place of 1.
"""

from typing import Any

import numpy as np

'''


def exceeded(L: Any) -> Any:
    """Return what a standard normal number exceeds with probability exp(-L) / 2, by Newton's method."""
    p = mp.exp(-L) / 2
    z = min(L * mp.sqrt(mp.pi / 2), mp.sqrt(2 * L))
    for _ in range(100):
        tail = mp.erfc(z / mp.sqrt(2)) / 2
        step = mp.log(tail / p) * tail * mp.sqrt(2 * mp.pi) * mp.exp(z * z / 2)
        z += step
        if abs(step) < mpf(10) ** -60 * z:
            break
    return z


def quotient(s: Any) -> Any:
    """Return the function that P / Q approximates."""
    L = s * s - mp.log(2)
    return exceeded(L) / L if L > TINY else mp.sqrt(mp.pi / 2)


def value(coefficients: Sequence[Any], x: Any) -> Any:
    return mp.polyval(list(coefficients)[::-1], x)


def points(bits: int, count: int) -> list[Any]:
    low, high = mp.sqrt(mp.log(2)), mp.sqrt((bits + 1) * mp.log(2))
    places = [(1 - mp.cos(mp.pi * (2 * i + 1) / (2 * count))) / 2 for i in range(count)]
    return [low + (high - low) * place ** mpf("1.7") for place in places]


def rational(xs: Sequence[Any], ys: Sequence[Any], above: int, below: int) -> tuple[Any, Any]:
    """Return the coefficients of P and Q, that of Q's x^0 being 1."""
    weights = [1 / y for y in ys]
    P: list[Any] = []
    Q: list[Any] = []
    for _ in range(5):
        rows = mp.matrix(len(xs), above + below + 1)
        right = mp.matrix(len(xs), 1)
        for i, (x, y, w) in enumerate(zip(xs, ys, weights, strict=True)):
            for k in range(above + 1):
                rows[i, k] = w * x**k
            for k in range(1, below + 1):
                rows[i, above + k] = -w * y * x**k
            right[i] = w * y
        found = list(mp.lu_solve(rows.T * rows, rows.T * right))
        P, Q = found[: above + 1], [mpf(1), *found[above + 1 :]]
        weights = [1 / (y * value(Q, x)) for x, y in zip(xs, ys, strict=True)]
    return P, Q


def rounded(numbers: Sequence[Any], dtype: type) -> list[float]:
    return [float(dtype(float(n))) for n in numbers]


def entry(dtype: type, numbers: Sequence[float], error: Any = None) -> str:
    units = (
        "" if error is None else f"  # error {float(error) * 2 ** (np.finfo(dtype).nmant + 1):.2g}"
    )
    rows = "".join(f"        {n!r},\n" for n in numbers)
    return f"    np.dtype(np.{dtype.__name__}): ({units}\n{rows}    ),\n"


def text() -> str:
    """Return the module."""
    tables: dict[str, list[str]] = {"ABOVE": [], "BELOW": [], "LOG_OF_QUOTIENT": []}
    end = ((mp.sqrt(2) * mpf("1.0001") - 1) / (mp.sqrt(2) * mpf("1.0001") + 1)) ** 2
    log = Fit(
        lambda t: (2 * mp.atanh(mp.sqrt(t)) / mp.sqrt(t) - 2) / t,
        lambda t: t / 2,
        mpf(0),
        end,
        LOG_DEGREES,
    )
    for dtype, bits in BITS.items():
        with mp.workdps(100):
            xs = points(bits, 80)
            P, Q = rational(xs, [quotient(x) for x in xs], *DEGREES[dtype])
            others = points(bits, 131)
            error = max(abs(value(P, x) / value(Q, x) / quotient(x) - 1) for x in others)
        tables["ABOVE"].append(entry(dtype, rounded(P, dtype), error))
        tables["BELOW"].append(entry(dtype, rounded(Q, dtype)))
        tables["LOG_OF_QUOTIENT"].append(entry(dtype, *fitted(log, dtype)))
    blocks = [
        f"{name}: dict[np.dtype[Any], tuple[float, ...]] = {{\n{''.join(entries)}}}\n"
        for name, entries in tables.items()
    ]
    return HEAD + "\n".join(blocks)


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
