"""Every dtype: what NumPy answers, Tensors and compiled code answer, in value and in dtype.

Half of the numbers are ordinary, the others at the ends of what the dtype holds. Each dtype takes its turn at
each size; `make fuzz` tries all sizes and all pairs.
"""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

import clearprop
from clearprop.engine.bundle import Bundle
from clearprop.errors import ClearpropError
from tests.test_coverage import CALLS
from tools.coverage import survey

WHOLE, FLOATING = "?bBhHiIlL", "efd"
REAL = WHOLE + FLOATING
DTYPES = REAL + "FD"
SIZES = (1, 7, 10_000)
THOROUGH = settings.get_current_profile_name() == "fuzz"


@pytest.fixture(autouse=True)
def quiet() -> Any:
    """Both sides warn of overflows and casts in the same places, or the compiled one not at all."""
    with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
        yield


def numbers(dtype: str, count: int, *, extreme: bool, seed: int = 0) -> Any:
    kind, rng = np.dtype(dtype).kind, np.random.default_rng([seed, count])
    if kind == "b":
        return rng.integers(0, 2, count).astype(bool)
    if kind in "iu":
        if not extreme:
            return rng.integers(1, 6, count).astype(dtype)
        limits = np.iinfo(dtype)
        x = rng.integers(limits.min, limits.max, count, dtype, endpoint=True)
        ends = [limits.min, limits.max, 0, 1, limits.max - 1, limits.min + 1, limits.max // 2]
        x[: len(ends)] = np.array(ends, dtype)[:count]
        return x
    x = rng.uniform(0.1, 0.9, count)
    if kind == "c":
        return (x + 1j * rng.uniform(0.1, 0.9, count)).astype(dtype)
    if extreme:
        ends = [-0.0, np.inf, -1.5, 3e4, 0.0, -np.inf, np.nan]
        x[: len(ends)] = ends[:count]
    return x.astype(dtype)


def sizes(turn: int) -> tuple[int, ...]:
    return SIZES if THOROUGH else (SIZES[turn % len(SIZES)],)


def same(found: Any, wanted: Any, units: float = 0) -> bool:
    """Equal, or as many units in the last place of the largest entry apart."""
    found, wanted = np.asarray(found), np.asarray(wanted)
    if (found.dtype, found.shape) != (wanted.dtype, wanted.shape):
        return False
    if wanted.dtype.kind not in "fc":
        return np.array_equal(found, wanted)
    equal = (found == wanted) | (np.isnan(found) & np.isnan(wanted))
    if units:
        sizes = np.abs(np.where(np.isfinite(wanted), wanted, 0)).astype(float)
        near = units * np.finfo(wanted.dtype).eps * sizes.max(initial=0)
        equal |= np.abs(found.astype(complex) - wanted) <= near
    return bool(equal.all())


# ---- every answered function, here


ROUNDED = {
    # name: by how many units in the last place, and why
    "cov corrcoef": (8, "BLAS adds in another order"),
    "var std nanvar nanstd norm matrix_norm vector_norm mean average nanmean": (64, "the same"),
    "dot inner vecdot vecmat matvec einsum tensordot vdot matmul": (64, "the same"),
    "cross": (4, "products are added in another order"),
    "linspace geomspace logspace": (64, "written with powers and products"),
    "polydiv polyfit polyint interp": (64, "written with products"),
    "quantile percentile nanquantile nanpercentile": (
        4,
        "another of NumPy's two ways between entries",
    ),
    "cond pinv matrix_power multi_dot": (4096, "by other products"),
    "trapezoid unwrap gradient kron ldexp": (4, "products in another order"),
    "slogdet det cholesky qr svd svdvals eig eigvals eigh eigvalsh inv solve lstsq": (
        1e6,
        "LAPACK",
    ),
    "angle": (2, "NumPy has another arctan2 for single numbers"),
    "outer": (2, "NumPy multiplies single complex numbers in another way than rows"),
}
UNITS = {name: units for names, (units, _) in ROUNDED.items() for name in names.split()}
IN_ANY_ORDER = {"eigvals"}
"""LAPACK finds eigenvalues in one order with vectors, in another without."""
NOT_NUMBERS = {
    "empty_like": "what stands there is anybody's guess",
    "tile": "a shape made of small whole numbers wraps around in NumPy",
    "roll": "likewise, the sum of shifts",
    **dict.fromkeys(
        ["put", "place", "putmask", "copyto", "fill_diagonal", "put_along_axis"], "they write"
    ),
    "einsum_path": "no numbers",
    "einsum": "takes names of axes as well; it has tests of its own",
    "polyfit": "of numbers so far apart, rounding decides",
    "polydiv": "leading zeros of the remainder stay",
    "roots": "NumPy gives no roots in double precision, whatever the coefficients are",
    "tensorsolve": "of one number, NumPy makes another shape",
}
"""Not compared, and why."""


def answered() -> list[Any]:
    found = []
    for module in (np, np.linalg, np.fft):
        marks = survey(module, None)
        shown = [*marks.gradient, *(name for names in marks.answered.values() for name in names)]
        found += [
            pytest.param(function, i, id=f"{module.__name__}.{function.__name__}")
            for i, function in enumerate(getattr(module, s.split("`")[1]) for s in shown)
            if function.__name__ not in NOT_NUMBERS
        ]
    return found


def parts(result: Any) -> list[Any]:
    if isinstance(getattr(result, "value", None), Bundle):
        result = list(result)
    if isinstance(result, list | tuple):
        return [part for entry in result for part in parts(entry)]
    value = getattr(result, "value", result)
    return [np.asarray(value) if isinstance(value, bool | int) else value]


@pytest.mark.parametrize(("function", "turn"), answered())
def test_answers_as_numpy_does(function: Callable[..., Any], turn: int) -> None:
    compared = 0
    for i, dtype in enumerate(DTYPES):
        for size in sizes(turn + i):
            if size == 10_000 and not isinstance(function, np.ufunc) and not THOROUGH:
                size = 100  # some make matrices of it
            for extreme in (False, True):
                compared += compare_one(function, dtype, size, extreme)
    assert compared > 5, "no call that NumPy takes"


def compare_one(function: Callable[..., Any], dtype: str, size: int, extreme: bool) -> int:
    side = round(size**0.5)
    v = numbers(dtype, size, extreme=extreme)
    m = numbers(dtype, side * side, extreme=extreme, seed=1).reshape(side, side)
    for call in CALLS:
        try:
            wanted = parts(function(*call(v, m)))
        except Exception:  # not how to call it
            continue
        if not wanted or not all(hasattr(x, "dtype") and x.dtype.kind in "biufc" for x in wanted):
            continue
        try:
            found = parts(function(*call(clearprop.tensor(v), clearprop.tensor(m))))
        except (ClearpropError, np.linalg.LinAlgError):  # refused by name
            continue
        units = UNITS.get(function.__name__, 0) * (1 if not extreme else 100)
        if function.__name__ in IN_ANY_ORDER:
            found, wanted = map(np.sort, found), map(np.sort, wanted)
        for x, y in zip(found, wanted, strict=True):
            assert same(x, y, units), (np.dtype(dtype).name, size, extreme, x, y)
        return 1
    return 0


# ---- compiled


ONE: dict[str, Callable[[Any], Any]] = {
    f.__name__: f
    for f in (
        *(np.negative, np.absolute, np.sign, np.square, np.reciprocal, np.sqrt, np.exp, np.log),
        *(np.tanh, np.invert, np.positive, np.conjugate, np.isnan, np.isfinite, np.isinf),
        *(np.signbit, np.floor, np.ceil, np.rint, np.trunc, np.cbrt, np.degrees, np.radians),
        *(np.tan, np.logical_not, np.sin, np.exp2, np.log1p, np.arctan, np.angle, np.nan_to_num),
        *(np.sum, np.prod, np.mean, np.var, np.std, np.max, np.min, np.ptp, np.any, np.all),
        *(np.argmax, np.argmin, np.cumsum, np.cumprod, np.median, np.sort, np.diff, np.average),
        *(np.count_nonzero, np.linalg.norm, np.trapezoid, np.nansum, np.nanmean, np.nanvar),
        *(clearprop.relu, clearprop.sigmoid, clearprop.softmax, clearprop.logsumexp),
    )
} | {
    "power": lambda x: np.stack([x**2, x**3]),
    "square by the operator": lambda x: x**2,
    "below what it holds": lambda x: x < -1,
    "beyond what it holds": lambda x: np.stack([x > 1000, x <= 2**63, x != 1000, x == -1]),
    "with a fraction": lambda x: np.stack([x * 1.5, x / 2]),
    "half open": lambda x: np.clip(x, -1, 1),
    "clipped": lambda x: np.clip(x, 0, 1000),
    "clipped by fractions": lambda x: np.clip(x, 0.5, 1.5),
    "chosen": lambda x: np.where(x > 0, x, 1.5),
    "with itself": lambda x: np.einsum("i,i->", x, x),
    "dotted": lambda x: x @ x,
    "in single": lambda x: np.mean(x, dtype="f4"),
    "sample": lambda x: np.var(x, ddof=1),
    "percentiles": lambda x: np.percentile(x, [30, 70]),
    "to halves": lambda x: x // 2,
    "rest": lambda x: x % 3,
    "by nothing": lambda x: np.stack([x // 0, x % 0]),
    "by minus one": lambda x: x // -1,
    "shifted": lambda x: np.stack([x << 1, x >> 1, x << 70, x >> 70]),
}
TWO: dict[str, Callable[[Any, Any], Any]] = {
    f.__name__: f
    for f in (
        *(np.add, np.subtract, np.multiply, np.divide, np.floor_divide, np.remainder, np.fmod),
        *(np.left_shift, np.right_shift, np.bitwise_and, np.bitwise_or, np.bitwise_xor),
        *(np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal),
        *(np.maximum, np.minimum, np.fmax, np.logaddexp, np.arctan2, np.copysign),
        *(np.logical_and, np.logical_xor, np.gcd),
    )
} | {
    "power": operator.pow,
    "hypot": lambda x, y: np.where(np.isnan(x) | np.isnan(y), np.float16(0), np.hypot(x, y)),
    "chosen": lambda x, y: np.where(x > y, x, y),
}
"""NumPy's own hypot of single precision gives NaN for (nan, inf), but infinity for (inf, nan)."""
RTOL = {2: 2e-3, 4: 1e-5, 8: 1e-12, 16: 1e-12}
"""By the size of a number: a few units for each operation; of sums, another order."""


def check_compiled(functions: dict[str, Callable[..., Any]], *arrays: Any) -> None:
    """All functions that NumPy knows for these arrays, compiled together."""
    wanted = {}
    for name, f in functions.items():
        try:
            wanted[name] = np.asarray(f(*arrays))
        except (TypeError, ValueError, OverflowError):  # NumPy does not
            continue
    assert len(wanted) > 10
    found = clearprop.compile(lambda *xs: [functions[name](*xs) for name in wanted])(*arrays)
    for (name, y), x in zip(wanted.items(), found, strict=True):
        assert (name, np.asarray(x).dtype, np.shape(x)) == (name, y.dtype, y.shape)
        rtol = RTOL[y.dtype.itemsize] if y.dtype.kind == "f" else 0
        np.testing.assert_allclose(x, y, rtol, rtol if y.dtype.kind == "f" else 0, err_msg=name)


@pytest.mark.parametrize("extreme", [False, True])
@pytest.mark.parametrize(("turn", "dtype"), list(enumerate(REAL)))
def test_functions_of_one_array_compiled(turn: int, dtype: str, extreme: bool) -> None:
    for size in sizes(turn + extreme):
        x = numbers(dtype, size, extreme=extreme)
        if extreme and np.dtype(dtype).kind == "f":
            x[x == 3e4] = (
                100  # powers of it would be infinite in one order of products and not in another
            )
        check_compiled(ONE, x)


@pytest.mark.parametrize("apart", range(len(REAL)) if THOROUGH else (0, 1, 5))
@pytest.mark.parametrize("first", range(len(REAL)))
def test_functions_of_two_arrays_compiled(first: int, apart: int) -> None:
    a, b = (
        np.unique(numbers(REAL[i % len(REAL)], 9, extreme=True, seed=i))
        for i in (first, first + apart)
    )
    check_compiled(TWO, np.repeat(a, len(b)), np.tile(b, len(a)))


BEYOND = [
    *(
        0.0,
        -0.0,
        np.inf,
        -np.inf,
        np.nan,
        1,
        -1,
        127.5,
        128,
        -128.9,
        -129,
        255.9,
        256,
        -1.5,
        300,
        -300,
    ),
    *(
        32767.5,
        32768,
        -32769,
        65535,
        65536,
        -70000,
        1e10,
        -1e10,
        1e19,
        1e20,
        -1e20,
        1e30,
        3e9,
        5e9,
        -3e9,
    ),
    *(s * 2.0**n + d for n in (31, 32, 62, 63, 64) for s in (1, -1) for d in (-1, -0.5, 0, 0.5, 1)),
]
IN_A_LONG_ARRAY = 32
"""NumPy casts what its vector registers hold at once, and the rest one by one, which differs for uint32."""


@pytest.mark.parametrize("count", [1, 3, 25])
@pytest.mark.parametrize("source", ["f", "d"])
def test_casts_out_of_range_are_those_of_long_arrays(source: str, count: int) -> None:
    """Each number in each lane, and where there are none."""
    x = np.array(BEYOND).astype(source)
    cast = clearprop.compile(lambda x: [x.astype(target) for target in WHOLE])
    for one_by_one, alternating, target in zip(
        cast(np.repeat(x, count)), cast(np.tile(x, count)), WHOLE, strict=True
    ):
        wanted = np.repeat(x, IN_A_LONG_ARRAY).astype(target)[::IN_A_LONG_ARRAY]
        np.testing.assert_array_equal(one_by_one, np.repeat(wanted, count), target)
        np.testing.assert_array_equal(alternating, np.tile(wanted, count), target)
        for number, single in zip(x, wanted, strict=True) if count == 1 else ():
            np.testing.assert_array_equal(CAST_ONE[target](number), single, f"{number} to {target}")


CAST_ONE = {t: clearprop.compile(lambda x, t=t: np.expand_dims(x, 0).astype(t)) for t in WHOLE}


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x + 1000,
        lambda x: x * -129,
        lambda x: np.maximum(x, 2**70),
        lambda x: x & 300,
        lambda x: np.clip(x, 1000, 2000),
        lambda x: np.max(x, initial=1000),
    ],
)
def test_python_integers_that_do_not_fit_are_refused_as_by_numpy(f: Callable[[Any], Any]) -> None:
    x = np.array([1, 2], np.int8)
    for way in (f, lambda x: f(clearprop.tensor(x)), clearprop.compile(f)):
        with pytest.raises(OverflowError, match=r"out of bounds|too large"):
            way(x)


@pytest.mark.parametrize("name", ["mean", "var", "std", "average", "median"])
def test_large_whole_numbers_do_not_wrap_around(name: str) -> None:
    f = getattr(np, name)
    by_hand = {"var": 0.0, "std": 0.0}.get(name, 2.0**62)
    x = np.array([2**62] * 4)
    for way in (f, lambda x: f(clearprop.tensor(x)).value, clearprop.compile(f)):
        assert way(x) == by_hand


def test_means_of_half_precision_are_taken_in_single() -> None:
    x = np.full(10_000, 10, np.float16)
    value, gradient = clearprop.compile(clearprop.value_and_grad(lambda x: np.mean(x * x)))(x)
    assert value == 100
    np.testing.assert_array_equal(gradient, np.full(10_000, 2e-3, np.float16))
    assert clearprop.compile(np.mean)(x) == np.mean(clearprop.tensor(x)).value == 10


def test_a_length_is_no_negative_number() -> None:
    for dtype in "bhil":
        least = np.array([np.iinfo(dtype).min] * 2, dtype)
        by_hand = float(np.iinfo(dtype).max) + 1
        np.testing.assert_allclose(clearprop.compile(np.hypot)(least, least * 0), by_hand)


@pytest.mark.parametrize("dtype", ["g", "G"])
def test_extended_precision_is_numpys(dtype: str) -> None:
    x = np.array([1.5, 2.5], dtype)
    for way in (lambda x: np.exp(clearprop.tensor(x)).value, clearprop.compile(np.exp)):
        assert same(way(x), np.exp(x))


@pytest.mark.parametrize(
    "x",
    [
        np.array(["2020-01-01"], "M8[D]"),
        np.ones(3, "m8[s]"),
        np.array([1, 2.0], object),
        np.array(["a"]),
        np.zeros(2, [("a", "f8")]),
    ],
    ids=lambda x: x.dtype.name,
)
def test_what_is_no_number_is_refused(x: Any) -> None:
    with pytest.raises(ClearpropError, match=r"not numbers|Python objects"):
        clearprop.tensor(x)
    for transform in (lambda f: f, clearprop.compile):
        with pytest.raises(ClearpropError, match=r"not numbers|Python objects|need floating point"):
            transform(clearprop.grad(lambda x: np.sum(x * x)))(x)
