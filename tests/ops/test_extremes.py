"""Slopes at inputs where a careless formula overflows, divides zero by zero or loses its digits.

What they are is worked out by mpmath with 60 digits. A warning is an error here, too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

import clearprop
from clearprop import grad

mp = mpmath.mp.clone()
mp.dps = 60
EPS = np.finfo(float).eps
NEAR_ONE = (0.9999999, 1 - 1e-12, 1 - EPS / 2)
TINY = (0.0, 5e-324, 1e-300, 1e-20, 1e-9, 1e-4)
HUGE = (1e5, 1e20, 1e100, 1e160, 1e200, 1e300)

SLOPES: dict[str, tuple[Callable[..., Any], Callable[..., Any], tuple[float, ...]]] = {
    "expm1": (np.expm1, mp.exp, (-700.0, -50.0, -1.0, *TINY, 700.0)),
    "log1p": (np.log1p, lambda x: 1 / (1 + x), (-1 + EPS, -0.5, *TINY, *HUGE)),
    "log2": (np.log2, lambda x: 1 / x / mp.log(2), (1e-300, 1.0, 1e308)),
    "log10": (np.log10, lambda x: 1 / x / mp.log(10), (1e-300, 1.0, 1e308)),
    "exp2": (np.exp2, lambda x: mp.mpf(2) ** x * mp.log(2), (-1000.0, -0.5, 0.0, 3.0, 1000.0)),
    "cbrt": (np.cbrt, lambda x: 1 / (3 * mp.cbrt(x) ** 2), (1e-300, 1e-9, 1.0, 1e300)),
    "reciprocal": (np.reciprocal, lambda x: -1 / x**2, (1e-150, 0.5, 3e100)),
    "tan": (np.tan, lambda x: 1 / mp.cos(x) ** 2, (1e-300, 1e-9, 0.7, 1.5, 1.57)),
    "arcsin": (np.arcsin, lambda x: 1 / mp.sqrt(1 - x * x), (*TINY, *NEAR_ONE)),
    "arccos": (np.arccos, lambda x: -1 / mp.sqrt(1 - x * x), (*TINY, *NEAR_ONE)),
    "arctan": (np.arctan, lambda x: 1 / (1 + x * x), (*TINY, 1.0, 1e5, 1e20, 1e100)),
    "arcsinh": (np.arcsinh, lambda x: 1 / mp.sqrt(1 + x * x), (*TINY, 1.0, *HUGE)),
    "arccosh": (
        np.arccosh,
        lambda x: 1 / mp.sqrt(x * x - 1),
        (1 + EPS, 1 + 1e-12, 1.5, *HUGE),
    ),
    "arctanh": (np.arctanh, lambda x: 1 / (1 - x * x), (*TINY, 0.5, *NEAR_ONE)),
    "sinh": (np.sinh, mp.cosh, (*TINY, 700.0)),
    "cosh": (np.cosh, mp.sinh, (*TINY, 700.0)),
    "sinc": (np.sinc, lambda x: sinc_slope(x), (*TINY, 0.01, 0.3, 0.9, 1.0, 1.1, 2.5, 7.7)),
    "i0": (np.i0, lambda x: mp.besseli(1, x), (*TINY, 0.3, 7.99, 8.01, 50.0, 700.0)),
    "sqrt": (np.sqrt, lambda x: 1 / (2 * mp.sqrt(x)), (5e-324, 1e-300, 1e300)),
    "log": (np.log, lambda x: 1 / x, (1e-300, 1e300)),
    "hypot with one": (lambda x: np.hypot(x, 1.0), lambda x: x / mp.hypot(x, 1), (*TINY, *HUGE)),
    "logaddexp with zero": (
        lambda x: np.logaddexp(x, 0.0),
        lambda x: 1 / (1 + mp.exp(-x)),
        (-700.0, -40.0, -1e-9, 0.0, 1e-20, 40.0, 1e4, 1e300),
    ),
    "logaddexp of large": (
        lambda x: np.logaddexp(x, 1e9),
        lambda x: 1 / (1 + mp.exp(mp.mpf(10) ** 9 - x)),
        (1e9 - 30, 1e9 - 0.5, 1e9, 1e9 + 3),
    ),
    "logaddexp2 with zero": (
        lambda x: np.logaddexp2(0.0, x),
        lambda x: 1 / (1 + mp.mpf(2) ** -x),
        (-300.0, -40.0, 0.0, 1e-20, 40.0, 1e300),
    ),
    "arctan2 far up": (
        lambda x: np.arctan2(x, 1e200),
        lambda x: mp.mpf(1e200) / (mp.mpf(1e200) ** 2 + x * x),
        (0.0, 1e100, 1e200, 1e250),
    ),
    "arctan2 near the origin": (
        lambda x: np.arctan2(x, 1e-200),
        lambda x: mp.mpf(1e-200) / (mp.mpf(1e-200) ** 2 + x * x),
        (0.0, 1e-210, 1e-200, 1e-150),
    ),
}


def sinc_slope(x: Any) -> Any:
    if x == 0:
        return mp.mpf(0)
    with mp.workdps(800):  # for the differences that cancel near zero
        z = mp.pi * mp.mpf(x)
        return (mp.cos(z) - mp.sin(z) / z) / mp.mpf(x)


@pytest.mark.parametrize("name", SLOPES)
def test_slope(name: str) -> None:
    f, slope, places = SLOPES[name]
    for x in places:
        with np.errstate(under="ignore"):
            found = grad(f)(x)
        expected = float(slope(mp.mpf(x)))
        # sines of large angles know pi to 16 digits only, and i0 is a polynomial of NumPy's
        np.testing.assert_allclose(
            found, expected, 2e-13 if name == "i0" else 2e-14, 5e-324, str(x)
        )


SECOND: dict[str, tuple[Callable[..., Any], Callable[..., Any], tuple[float, ...]]] = {
    "expm1": (np.expm1, mp.exp, (-50.0, 0.0)),
    "arcsin": (np.arcsin, lambda x: x / mp.sqrt(1 - x * x) ** 3, (0.0, 0.5, *NEAR_ONE)),
    "arctanh": (np.arctanh, lambda x: 2 * x / (1 - x * x) ** 2, (0.0, 0.5, *NEAR_ONE)),
    "arcsinh": (np.arcsinh, lambda x: -x / mp.sqrt(1 + x * x) ** 3, (0.0, 1.0, 1e90)),
    "logaddexp with zero": (
        lambda x: np.logaddexp(x, 0.0),
        lambda x: mp.exp(x) / (1 + mp.exp(x)) ** 2,
        (-40.0, -1.0, 0.0, 1.0),
    ),
    "hypot with one": (
        lambda x: np.hypot(x, 1.0),
        lambda x: 1 / mp.sqrt(1 + x * x) ** 3,
        (0.0, 0.5, 2.0),
    ),
    "log1p": (np.log1p, lambda x: -1 / (1 + x) ** 2, (-1 + EPS, 0.0, 1e100)),
    "i0": (np.i0, lambda x: (mp.besseli(0, x) + mp.besseli(2, x)) / 2, (0.0, 1e-9, 3.0, 50.0)),
}


@pytest.mark.parametrize("name", SECOND)
def test_second_derivative(name: str) -> None:
    f, second, places = SECOND[name]
    for x in places:
        found, expected = grad(grad(f))(x), float(second(mp.mpf(x)))
        np.testing.assert_allclose(found, expected, 1e-12, 0, str(x))


def test_derivatives_at_zero_to_the_sixth_order() -> None:
    # sinc(x) = Σ (−1)^k (πx)^(2k) / (2k + 1)!, and I₀(x) = Σ (x/2)^(2k) / k!²
    pi = np.pi
    expected = {
        np.sinc: [1, 0, -(pi**2) / 3, 0, pi**4 / 5, 0, -(pi**6) / 7],
        np.i0: [1, 0, 1 / 2, 0, 3 / 8, 0, 5 / 16],
    }
    for f, values in expected.items():
        for value in values:
            assert float(f(np.float64(0.0))) == pytest.approx(value, rel=1e-14, abs=1e-15)
            f = grad(f)


def test_hypot_of_huge_and_tiny_legs() -> None:
    for size in (1e-300, 1.0, 1e300):
        dx, dy = grad(np.hypot, (0, 1))(3 * size, 4 * size)
        assert (dx, dy) == (pytest.approx(0.6, rel=1e-15), pytest.approx(0.8, rel=1e-15))


def test_logaddexp_with_infinities() -> None:
    inf = np.inf
    for x, y, expected in (
        (-inf, 3.0, (0, 1)),
        (3.0, -inf, (1, 0)),
        (-inf, -inf, (0, 0)),  # log(0): what it is made of does not matter
        (inf, 3.0, (1, 0)),
    ):
        for f in (np.logaddexp, np.logaddexp2):
            assert grad(f, (0, 1))(x, y) == expected


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_nothing_overflows_in_low_precision(dtype: str) -> None:
    large = float(np.finfo(dtype).max) / 4
    for f, slope in (
        (np.log10, 1 / large / np.log(10)),
        (np.log2, 1 / large / np.log(2)),
        (np.arcsinh, 1 / large),
        (np.arccosh, 1 / large),
        (np.cbrt, large ** (-2 / 3) / 3),
        (lambda x: np.hypot(x, x), 2**0.5),
    ):
        found = grad(f)(np.dtype(dtype).type(large))
        tiny = float(np.finfo(dtype).smallest_subnormal)
        assert found.dtype == dtype
        assert float(found) == pytest.approx(slope, rel=4 * float(np.finfo(dtype).eps), abs=tiny)


# ---- complex numbers

Z = (0.3 + 0.4j, -1.7 + 0.2j, 2.5 - 1.3j, 1e-9 + 1e-9j, -0.1 - 3j)
HOLOMORPHIC: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "arcsin": (np.arcsin, mp.asin),
    "arccos": (np.arccos, mp.acos),
    "arctan": (np.arctan, mp.atan),
    "arcsinh": (np.arcsinh, mp.asinh),
    "arccosh": (np.arccosh, mp.acosh),
    "arctanh": (np.arctanh, mp.atanh),
    "tan": (np.tan, mp.tan),
    "tanh": (np.tanh, mp.tanh),
    "log": (np.log, mp.log),
    "log2": (np.log2, lambda z: mp.log(z) / mp.log(2)),
    "log1p": (np.log1p, lambda z: mp.log(1 + z)),
    "expm1": (np.expm1, mp.exp),
    "sqrt": (np.sqrt, mp.sqrt),
    "power": (lambda z: z ** (0.5 - 1j), lambda z: mp.mpc(z) ** mp.mpc(0.5, -1)),
    "sinc": (np.sinc, mp.sincpi),
    "reciprocal": (np.reciprocal, lambda z: 1 / z),
    "sigmoid": (clearprop.sigmoid, lambda z: 1 / (1 + mp.exp(-z))),
}


def complex_slope(f: Callable[..., Any], z: complex) -> complex:
    """f′(z) from the gradient of the real part, which is its conjugate."""
    return np.conj(grad(lambda z: f(z).real)(np.complex128(z)))


@pytest.mark.parametrize("name", HOLOMORPHIC)
def test_complex_slope(name: str) -> None:
    f, of_mp = HOLOMORPHIC[name]
    for z in Z:
        expected = complex(mp.diff(of_mp, mp.mpc(z)))
        np.testing.assert_allclose(complex_slope(f, z), expected, 1e-13, 0, str(z))


def test_complex_slopes_keep_their_digits() -> None:
    # arcsin′(z)² (1 − z)(1 + z) = 1, and likewise for the others: exact near the branch points and far away
    for z in (1 + 1e-12j, 1 - 1e-12 + 0j, -1 - 1e-13j, 1e200 + 1e200j, 1e-200 + 1j):
        w = mp.mpc(z)
        root = mp.sqrt(1 - w) * mp.sqrt(1 + w)
        for f, expected in (
            (np.arcsin, 1 / root),
            (np.arccos, -1 / root),
            (np.arccosh, 1 / (mp.sqrt(w - 1) * mp.sqrt(w + 1))),
        ):
            np.testing.assert_allclose(complex_slope(f, z), complex(expected), 1e-14, 0, str(z))
    for z in (1j + 1e-12, 1j * (1 - 1e-12), 1e150 + 1e150j):
        w = mp.mpc(z)
        np.testing.assert_allclose(
            complex_slope(np.arctan, z), complex(1 / (1 + w * w)), 1e-14, 0, str(z)
        )


SIDES = [complex(x, y) for x in (2.0, -2.0) for y in (0.0, -0.0)]


@pytest.mark.parametrize(
    ("f", "z"),
    [
        *((f, z) for f in (np.arcsin, np.arccos, np.arctanh, np.arccosh) for z in SIDES),
        *((np.arccosh, z) for z in (complex(0.5, 0.0), complex(0.5, -0.0))),
        *((np.arcsinh, z) for z in (complex(0.0, 2.0), complex(0.0, -2.0))),
        *((np.sqrt, z) for z in SIDES),
    ],
)
def test_complex_slope_on_a_branch_cut(f: Callable[..., Any], z: complex) -> None:
    """It is the slope of the side that the value is from, which the sign of a zero tells."""

    def along(step: float) -> np.complex128:
        if f is np.arcsinh:
            return np.complex128(complex(z.real, z.imag + step))
        return np.complex128(complex(z.real + step, z.imag))

    difference = (f(along(1e-6)) - f(along(-1e-6))) / (2e-6j if f is np.arcsinh else 2e-6)
    np.testing.assert_allclose(complex_slope(f, np.complex128(z)), difference, 1e-8)


# ---- kinks


def gradients(f: Callable[..., Any], *xs: Any) -> list[Any]:
    """The gradient of the sum of f's entries with respect to every argument, as lists."""
    arrays = [np.array(x, float)[()] for x in xs]
    found = grad(lambda *args: np.sum(f(*args)), tuple(range(len(arrays))))(*arrays)
    return [g.tolist() for g in found]


def test_lengths_and_angles_at_the_origin() -> None:
    assert gradients(np.hypot, [0, 3], [0, 4]) == [[0, 0.6], [0, 0.8]]
    assert gradients(np.arctan2, [0, 0], [0, 2]) == [[0, 0.5], [0, 0]]
    assert grad(np.angle)(0j) == 0
    assert grad(grad(lambda x: np.hypot(x, 0.0)))(0.0) == 0


def test_fabs_and_copysign_are_flat_at_zero() -> None:
    assert gradients(np.fabs, [-3, 0, 2]) == [[-1, 0, 1]]
    assert gradients(np.copysign, [-3, 0, 2], [1, -1, -1]) == [[-1, 0, -1], [0, 0, 0]]


def test_fmax_and_fmin_share_ties_and_pass_over_nan() -> None:
    nan = np.nan
    assert gradients(np.fmax, [1, 2, nan, 4], [1, 3, 5, nan]) == [[0.5, 0, 0, 1], [0.5, 1, 1, 0]]
    assert gradients(np.fmin, [1, 2, nan, 4], [1, 3, 5, nan]) == [[0.5, 1, 0, 1], [0.5, 0, 1, 0]]


def test_maximum_of_complex_numbers_goes_by_the_real_part_first() -> None:
    x, y = np.array([1 + 2j, 3 + 0j, 1 + 1j]), np.array([1 + 1j, 2 + 9j, 1 + 1j])
    dx, dy = grad(lambda x, y: np.sum(np.maximum(x, y).real), (0, 1))(x, y)
    assert (dx.tolist(), dy.tolist()) == ([1, 1, 0.5], [0, 0, 0.5])


def test_clip_between_bounds_that_meet() -> None:
    # 3 is at both bounds and passes; 5 is cut to a bound that is both; exchanged bounds: the upper wins
    assert gradients(np.clip, [3, 5, 2, 0], [3, 3, 6, 6], [3, 3, 4, 4]) == [
        [1, 0, 0, 0],
        [0, 0, 0, 0],
        [0, 1, 1, 1],
    ]


def test_heaviside_gives_the_value_at_zero_its_gradient() -> None:
    assert gradients(np.heaviside, [-1, 0, 2], [5, 5, 5]) == [[0, 0, 0], [0, 1, 0]]


def test_remainders_at_a_jump_take_the_side_above() -> None:
    assert gradients(np.remainder, [4, -4, 5], [2, 2, 2]) == [[1, 1, 1], [-2, 2, -2]]
    assert gradients(np.fmod, [4, -4, 5], [2, 2, 2]) == [[1, 1, 1], [-2, 2, -2]]
    # 1.0 % 0.1 is 0.0999…, since 0.1 is a little more than a tenth: it went in 9 times
    assert gradients(np.fmod, 1.0, 0.1) == [1, -9]
    assert gradients(np.remainder, 1.0, 0.1) == [1, -9]


def test_interp_at_the_points() -> None:
    # the slope to the right, and at the last point the one to the left; nothing outside
    def f(x: Any) -> Any:
        return np.interp(x, [0.0, 1.0, 3.0], [0.0, 5.0, 7.0])

    assert gradients(f, [-1, 0, 1, 2, 3, 4]) == [[0, 5, 1, 1, 1, 0]]


def test_neighbours_move_along_and_spacings_do_not() -> None:
    assert gradients(np.nextafter, [1, 2], [3, 0]) == [[1, 1], [0, 0]]
    assert gradients(lambda x: np.spacing(x) + x, [1, 2]) == [[1, 1]]


def test_nan_to_num_stops_at_what_it_replaces() -> None:
    x = np.array([1, np.nan, np.inf, -np.inf])
    assert gradients(np.nan_to_num, x) == [[1, 0, 0, 0]]
    z = np.array([complex(1, np.nan), 2 + 3j])
    found = grad(lambda z: np.sum(np.nan_to_num(z).real + 2 * np.nan_to_num(z).imag))(z)
    assert found.tolist() == [1, 1 + 2j]
