"""``python -m tools.coefficients``: make native/math/coefficients.py, and scipy/native/erf_coefficients.py.

Each polynomial is the best one for its degree: E. Remes' exchange, on a fine grid, in 50 digits. What is made
small is the largest weighted error, the weight being what an error of the polynomial does to the result of
the function that uses it. Coefficients are then rounded to the dtype: as the functions are written, with
their first terms exact, that does no harm, which the errors given in the file include.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mpmath import mp, mpf

SOURCE = Path(__file__).parent.parent / "src" / "clearprop"
mp.dps = 50

Real = Callable[[Any], Any]

HEAD = '''"""Constants and polynomials of the elementary functions; made by ``python -m tools.coefficients``.

By dtype: a polynomial's coefficients start with that of x^0, and a constant that comes in parts has the
largest first, none of them negative. Polynomials are minimax; the comments give the largest error that each,
as rounded here, makes in the result of its function, in units of half a unit in the last place of 1.
"""
'''
HEAD_OF_SPECIAL = '''"""Polynomials of SciPy's functions; made by ``python -m tools.coefficients``, too."""
'''
IMPORTS = """
from typing import Any

import numpy as np

"""


@dataclass(frozen=True)
class Fit:
    """A polynomial to be found."""

    function: Real
    weight: Real
    """Of an error, relative to the result that matters."""
    low: Any
    high: Any
    degree: dict[type, int]
    """By dtype."""


def _grid(low: Any, high: Any, count: int) -> list[Any]:
    """Denser to the ends, where the error of a best polynomial turns faster."""
    return [
        (low + high) / 2 - (high - low) / 2 * mp.cos(mp.pi * (i + mpf(1) / 2) / count)
        for i in range(count)
    ]


def _turning(errors: list[Any], wanted: int) -> list[int]:
    """Return where the error is largest between its changes of sign: `wanted` places, signs alternating."""
    found: list[int] = []
    for i, e in enumerate(errors):
        if found and (errors[found[-1]] > 0) == (e > 0):
            if abs(e) > abs(errors[found[-1]]):
                found[-1] = i
        else:
            found.append(i)
    while len(found) > wanted:  # the smaller end can go, and the others still alternate
        found.pop(0 if abs(errors[found[0]]) < abs(errors[found[-1]]) else -1)
    return found


def _value(coefficients: Sequence[Any], x: Any) -> Any:
    """Return a polynomial's value; its coefficients start with that of x^0."""
    total = mpf(0)
    for c in reversed(coefficients):
        total = total * x + c
    return total


def minimax(points: list[Any], values: list[Any], weights: list[Any], degree: int) -> list[Any]:
    """Return the coefficients with the smallest largest error: weights · (polynomial - values)."""
    count = degree + 2
    chosen = [(len(points) - 1) * i // (count - 1) for i in range(count)]
    coefficients: list[Any] = []
    for _ in range(30):
        matrix, right = mp.matrix(count, count), mp.matrix(count, 1)
        for row, i in enumerate(chosen):
            for power in range(degree + 1):
                matrix[row, power] = points[i] ** power
            matrix[row, count - 1] = (-1) ** row / weights[i]
            right[row] = values[i]
        solved = mp.lu_solve(matrix, right)
        coefficients, level = [solved[i] for i in range(degree + 1)], abs(solved[count - 1])
        errors = [
            w * (_value(coefficients, x) - y)
            for x, y, w in zip(points, values, weights, strict=True)
        ]
        turning = _turning(errors, count)
        if len(turning) < count or max(map(abs, errors)) < level * mpf("1.001"):
            break
        chosen = turning
    return coefficients


def fitted(fit: Fit, dtype: type) -> tuple[list[float], float]:
    """Return rounded coefficients, and their largest weighted error."""
    degree = fit.degree[dtype]
    points = _grid(fit.low, fit.high, 30 * (degree + 2))
    values = [fit.function(x) for x in points]
    weights = [abs(fit.weight(x)) for x in points]
    found = [_rounded(c, dtype) for c in minimax(points, values, weights, degree)]
    error = max(
        w * abs(_value(found, x) - y) for x, y, w in zip(points, values, weights, strict=True)
    )
    return found, float(error)


def _rounded(x: Any, dtype: type) -> float:
    if dtype is np.float64:
        return float(x)
    return float(mp.ldexp(mp.nint(mp.ldexp(x, 24 - mp.frexp(x)[1])), mp.frexp(x)[1] - 24))


def parts(value: Any, bits: Sequence[int]) -> list[float]:
    """Return a positive number as a sum of numbers of so many bits, each cut off, so none is negative."""
    found = []
    for count in bits:
        exponent = int(mp.frexp(value)[1])
        part = mp.ldexp(mp.floor(mp.ldexp(value, count - exponent)), exponent - count)
        found.append(float(part))
        value -= part
    return found


def _degrees(single: int, double: int) -> dict[type, int]:
    return {np.float32: single, np.float64: double}


def _odd_part(f: Real) -> Real:
    """(f(s) / s - f'(0)) / s² of an odd function with f'(0) = 1, as a function of s²."""
    return lambda t: (f(mp.sqrt(t)) / mp.sqrt(t) - 1) / t


def _of_odd(f: Real) -> Real:
    """Return the weight of an error of `_odd_part`."""
    return lambda t: t * mp.sqrt(t) / f(mp.sqrt(t))


def fits() -> dict[str, Fit]:
    """By name."""
    half_log_2 = mp.log(2) / 2 * mpf("1.001")
    root = mp.sqrt(2) * mpf("1.0001")
    eighth_turn = (mp.pi / 4 * mpf("1.002")) ** 2
    tangent_end = mpf("0.5626") ** 2
    quotient = ((root - 1) / (root + 1)) ** 2  # of f / (2 + f), squared
    return {
        # exp(r) = 1 + r + r² P(r)
        "EXP": Fit(
            lambda r: (mp.expm1(r) - r) / r**2,
            lambda r: r**2 / mp.exp(r),
            -half_log_2,
            half_log_2,
            _degrees(4, 9),
        ),
        # log(1 + f) = f - f²/2 + f³ P(f)
        "LOG": Fit(
            lambda f: (mp.log1p(f) - f + f * f / 2) / f**3,
            lambda f: f**3 / mp.log1p(f),
            1 / root - 1,
            root - 1,
            {np.float32: 7},
        ),
        # log((1 + s) / (1 - s)) = 2 s + s t P(t), t = s²
        "LOG_OF_QUOTIENT": Fit(
            lambda t: (2 * mp.atanh(mp.sqrt(t)) / mp.sqrt(t) - 2) / t,
            lambda t: t / 2,
            mpf(0),
            quotient,
            {np.float64: 6},
        ),
        # log((1 + s) / (1 - s)) = 2 s + 2/3 s³ + s⁵ P(t); more digits are wanted of it, for powers
        "LOG_OF_QUOTIENT_TAIL": Fit(
            lambda t: ((2 * mp.atanh(mp.sqrt(t)) / mp.sqrt(t) - 2) / t - mpf(2) / 3) / t,
            lambda t: t * t / 2,
            mpf(0),
            quotient,
            _degrees(2, 6),
        ),
        # sin(r) = r + r t P(t), t = r²
        "SIN": Fit(_odd_part(mp.sin), _of_odd(mp.sin), mpf(0), eighth_turn, _degrees(2, 5)),
        # cos(r) = 1 - t/2 + t² P(t)
        "COS": Fit(
            lambda t: (mp.cos(mp.sqrt(t)) - 1 + t / 2) / t**2,
            lambda t: t**2 / mp.cos(mp.sqrt(t)),
            mpf(0),
            eighth_turn,
            _degrees(2, 5),
        ),
        # tanh(x) = x + x t P(t), t = x²
        "TANH": Fit(_odd_part(mp.tanh), _of_odd(mp.tanh), mpf(0), tangent_end, _degrees(4, 10)),
        **_more_fits(),
    }


def _more_fits() -> dict[str, Fit]:
    """Of the functions that are not so common."""
    to_eighth_turn = (mp.sqrt(2) - 1) ** 2 * mpf("1.001")
    return {
        # f(x) = x + x t P(t), t = x²
        "ATAN": Fit(_odd_part(mp.atan), _of_odd(mp.atan), mpf(0), to_eighth_turn, _degrees(4, 10)),
        "ASIN": Fit(_odd_part(mp.asin), _of_odd(mp.asin), mpf(0), mpf("0.2501"), _degrees(4, 11)),
        "SINH": Fit(_odd_part(mp.sinh), _of_odd(mp.sinh), mpf(0), mpf("1.001"), _degrees(3, 6)),
        # a first guess of the cube root of m, 2m or m/2
        "CBRT": Fit(mp.cbrt, lambda x: 1 / mp.cbrt(x), mpf("0.353"), mpf("2.83"), _degrees(4, 4)),
    }


def special_fits() -> dict[str, Fit]:
    """Of SciPy's functions."""
    start = mpf("0.99")
    return {
        # erf(x) = x + x P(t)
        "ERF": Fit(
            lambda t: mp.erf(mp.sqrt(t)) / mp.sqrt(t) - 1,
            lambda t: mp.sqrt(t) / mp.erf(mp.sqrt(t)),
            mpf(10) ** -9,
            mpf("1.001"),
            _degrees(6, 11),
        ),
        # erf(x) = 1 - e^P(x), beyond 1
        "LOG_ERFC": Fit(_log_erfc, _of_log_erfc, start, mpf("4.01"), {np.float32: 7}),
        "LOG_ERFC_DOUBLE": Fit(_log_erfc, _of_log_erfc, start, mpf("6.01"), {np.float64: 17}),
    }


def _log_erfc(x: Any) -> Any:
    return mp.log(mp.erfc(x))


def _of_log_erfc(x: Any) -> Any:
    return mp.erfc(x) / mp.erf(x)


def constants(dtype: type) -> dict[str, list[float]]:
    """By name, in parts."""
    single = dtype is np.float32
    all_bits = 24 if single else 53
    return {
        "LN2": parts(mp.log(2), (16 if single else 42, all_bits)),  # times an exponent: exact
        "HALF_PI": parts(mp.pi / 2, (all_bits,) * 3),
        "LOG2_E": [_rounded(1 / mp.log(2), dtype)],
        "TWO_OVER_PI": [_rounded(2 / mp.pi, dtype)],
        "LOG10_E": parts(1 / mp.log(10), (all_bits,) * 2),
        "LOG10_2": parts(mp.log10(2), (16 if single else 42, all_bits)),
        "LOG2_E_PARTS": parts(1 / mp.log(2), (all_bits,) * 2),
        "TWO_THIRDS": parts(mpf(2) / 3, (all_bits,) * 2),
    }


FRACTION_BITS = 1161
"""Of 2/π: enough for the largest float64; see `functions._far_quarter_turns`."""


def texts() -> dict[Path, str]:
    """Return the modules, by their files."""
    elementary = _polynomials(fits())
    for dtype in (np.float32, np.float64):
        for name, numbers in constants(dtype).items():
            elementary.setdefault(name, []).append(_entry(dtype, numbers, ""))
    blocks = [*_blocks(elementary), _bits_of_two_over_pi()]
    special = _blocks(_polynomials(special_fits()))
    return {
        SOURCE / "native" / "math" / "coefficients.py": HEAD + IMPORTS + "\n".join(blocks),
        SOURCE / "scipy" / "native" / "erf_coefficients.py": HEAD_OF_SPECIAL
        + IMPORTS
        + "\n".join(special),
    }


def _polynomials(fits: dict[str, Fit]) -> dict[str, list[str]]:
    """Return the entries of each table, by its name."""
    tables: dict[str, list[str]] = {}
    for name, fit in fits.items():
        for dtype in fit.degree:
            numbers, error = fitted(fit, dtype)
            units = error * 2 ** (24 if dtype is np.float32 else 53)
            table = tables.setdefault(name.removesuffix("_DOUBLE"), [])
            table.append(_entry(dtype, numbers, f"error {units:.2g}"))
    return tables


def _blocks(tables: dict[str, list[str]]) -> list[str]:
    """Return the text of each table."""
    return [
        f"{name}: dict[np.dtype[Any], tuple[float, ...]] = {{\n{''.join(entries)}}}\n"
        for name, entries in tables.items()
    ]


def _entry(dtype: type, numbers: Sequence[float], comment: str) -> str:
    if len(numbers) == 1:  # as the formatter has it
        return f"    np.dtype(np.{dtype.__name__}): ({numbers[0]!r},),\n"
    rows = "".join(f"        {n!r},\n" for n in numbers)
    note = f"  # {comment}" if comment else ""
    return f"    np.dtype(np.{dtype.__name__}): ({note}\n{rows}    ),\n"


def _bits_of_two_over_pi() -> str:
    with mp.workdps(400):
        digits = f"{int(mp.floor(mp.ldexp(2 / mp.pi, FRACTION_BITS))):x}"
    rows = [digits[i : i + 80] for i in range(0, len(digits), 80)]
    body = "".join(f'    "{row}"\n' for row in rows)
    return (
        f"FRACTION_BITS = {FRACTION_BITS}\n"
        f"TWO_OVER_PI_BITS = int(  # 2/π · 2^FRACTION_BITS, cut off\n{body[:-1]},\n    16,\n)\n"
    )


if __name__ == "__main__":
    for path, text in texts().items():
        path.write_text(text, encoding="utf-8")
