"""``python -m benchmarks.accuracy [NAME ...]``: errors of the elementary functions, and their speed.

Errors are in units in the last place. For float32 they are against NumPy in float64, on a part of all 2^32
bit patterns (``--full``: on all of them, a minute a function). For float64 they are against mpmath (without
it, against NumPy's longer floats) on random bit patterns, numbers of many sizes, and places that are hard.
Times are of 8192 numbers in the cache, for native code and for NumPy. Nothing is written but the table.
"""

from __future__ import annotations

import argparse
import ctypes
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import clearprop.scipy  # noqa: F401
from clearprop.native.llvm_ir import Builder, Type, module
from clearprop.native.machine import Code, assemble, vector_bits
from clearprop.native.math import FUNCTIONS

try:
    import mpmath
except ImportError:
    mpmath = None

Function = Callable[..., Any]
BLOCK = 1 << 16


def _sigmoid(x: Any) -> Any:
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1) / (1 + e)


def _erf(x: Any) -> Any:
    from scipy.special import erf

    return erf(x) if x.dtype != np.longdouble else erf(x.astype(float)).astype(np.longdouble)


EXACT: dict[str, Function] = {
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "sin": np.sin,
    "cos": np.cos,
    "tanh": np.tanh,
    "sigmoid": _sigmoid,
    "power": np.power,
    "exp2": np.exp2,
    "log2": np.log2,
    "log10": np.log10,
    "arctan": np.arctan,
    "arctan2": np.arctan2,
    "arcsin": np.arcsin,
    "arccos": np.arccos,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "arcsinh": np.arcsinh,
    "arccosh": np.arccosh,
    "arctanh": np.arctanh,
    "cbrt": np.cbrt,
    "erf": _erf,
}
"""NumPy's functions by the names of ours."""

OF_TWO = ("power", "arctan2")


def native(name: str, dtype: Any, width: int | None = None, size: int = BLOCK) -> Function:
    """Return the function on arrays of this size, as native code; see `compiled`."""
    b, single = Builder(), Type(np.dtype(dtype))
    width = width or 2 * vector_bits() // single.bits
    arguments = ["%x", "%y"] if name in (*OF_TWO, "maximum", "minimum") else ["%x"]
    with b.loop(0, size, width) as loop:
        values = [
            b.load(single.wide(width), b.offset(place, (loop.index, 1), size=single.bits // 8))
            for place in arguments
        ]
        found = FUNCTIONS[name](*values)
        b.store(found, b.offset("%out", (loop.index, 1), size=single.bits // 8))
    b.do("ret void")
    text = b.function("f", ", ".join(f"ptr noalias {a}" for a in [*arguments, "%out"]))
    code = Code(assemble(module([text], [b], width=vector_bits())), ("f",))
    call = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * (len(arguments) + 1))(code.addresses["f"])
    call.code = code  # type: ignore[attr-defined]  # lives as long
    return call


def compiled(name: str, dtype: Any, width: int | None = None, size: int = BLOCK) -> Function:
    """Return the function on arrays of any size."""
    call = native(name, dtype, width, size)

    def function(*arguments: Any) -> Any:
        count = arguments[0].size
        filled = [np.resize(a, -(-count // size) * size).astype(dtype) for a in arguments]
        y = np.empty_like(filled[0])
        for start in range(0, y.size, size):
            call(*(a[start:].ctypes.data for a in (*filled, y)))
        return y[:count]

    return function


# ---- errors


def ulps(found: Any, exact: Any) -> Any:
    """Errors in units in the last place; infinite where just one of both is NaN, or zero by mistake.

    `exact` has more digits than `found`. Where it is too large for `found`, so must be the result, or the
    largest number if it is near.
    """
    largest = np.finfo(found.dtype).max
    with np.errstate(all="ignore"):
        rounded = exact.astype(found.dtype)
        unit = np.spacing(np.minimum(np.abs(np.nan_to_num(rounded)), largest * 0.9))
        error = np.abs(found.astype(exact.dtype) - exact) / unit.astype(exact.dtype)
        overflow = (np.abs(found) >= largest) & (np.abs(exact) >= largest)
        overflow &= np.signbit(found) == np.signbit(exact)
        fine = (np.isnan(found) & np.isnan(rounded)) | (found == exact) | overflow
    return np.where(fine, 0, np.where(np.isfinite(error), error, np.inf))


_INVERSE = ("arctan", "arcsin", "arccos", "arcsinh", "arccosh", "arctanh")
_MP: dict[str, Callable[..., Any]] = {
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    **{name: (lambda x, name="a" + name[3:]: getattr(mpmath, name)(x)) for name in _INVERSE},
    "arctan2": lambda y, x: mpmath.atan2(y, x),
    "exp2": lambda x: mpmath.mpf(2) ** x,
    "log2": lambda x: mpmath.log(x) / mpmath.log(2),
    "cbrt": lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)),
    "power": lambda x, y: mpmath.power(abs(x), y) * (-1 if x < 0 and y % 2 == 1 else 1),
}


def exactly(name: str, *arguments: Any) -> Any:
    """Results in longer floats than the arguments': by mpmath, where it has the function."""
    wider = np.float64 if arguments[0].dtype == np.float32 else np.longdouble
    with np.errstate(all="ignore"):
        rough = EXACT[name](*(a.astype(wider) for a in arguments))
    if wider == np.float64 or mpmath is None:
        return rough
    function = _MP.get(name) or getattr(mpmath, name)
    precise = rough.copy()
    wanted = np.isfinite(rough) & (rough != 0)  # the others are as NumPy has them
    for a in arguments:
        wanted &= np.isfinite(a) & (a != 0)
    with mpmath.workprec(120):
        for i in np.flatnonzero(wanted):
            precise[i] = _longdouble(function(*(mpmath.mpf(float(a[i])) for a in arguments)))
    return precise


def _longdouble(x: Any) -> Any:
    high = float(x)
    if np.isinf(high):
        return np.longdouble(high)
    return np.longdouble(high) + np.longdouble(float(x - mpmath.mpf(high)))


# ---- where to try


def _next_to(centers: Any, dtype: Any, count: int) -> Any:
    """Return the floats around some numbers, and around their negatives."""
    bits = np.asarray(centers, dtype).view(_BITS[np.dtype(dtype)])
    near = (bits[:, None] + np.arange(-count, count, dtype=bits.dtype)).ravel().view(dtype)
    return np.concatenate([near, -near])


_BITS: dict[Any, Any] = {np.dtype(np.float32): np.int32, np.dtype(np.float64): np.int64}
_SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 3.0, -3.0, np.inf, -np.inf, np.nan]


def hard(dtype: Any, around: int = 40) -> Any:
    """Zeros, ends, denormals, borders between formulas, and multiples of π/2 however large."""
    info = np.finfo(dtype)
    quarters = np.concatenate([np.arange(1, 100), 2 ** np.arange(7, 60)])
    centers = [info.tiny, info.smallest_subnormal, info.max, info.eps, 1.0, 0.5625, 0.35, 50, 0.34]
    centers += [np.log(info.max), -np.log(info.tiny), -np.log(info.smallest_subnormal), np.e]
    centers += [0.5**0.5, 2**0.5, 2.0**16, 2.0**27, *(quarters * np.longdouble(np.pi / 2))]
    if dtype == np.float64:
        centers.append(5.319372648326541e255)  # the nearest of all to a multiple of π/2
    return np.concatenate(
        [np.array([*_SPECIAL, info.max], dtype), _next_to(centers, dtype, around)]
    )


def points(name: str, dtype: Any, count: int, around: int = 40) -> tuple[Any, ...]:
    """Numbers to try, for each argument."""
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2**64 - 1, count, np.uint64, endpoint=True)
    anything = (bits >> np.uint64(64 - np.finfo(dtype).bits)).astype(f"u{np.dtype(dtype).itemsize}")
    sizes = rng.standard_normal(count) * 10.0 ** rng.integers(-6, 7, count)
    usual = rng.uniform(-4, 4, count)
    x = np.concatenate(
        [anything.view(dtype), sizes.astype(dtype), usual.astype(dtype), hard(dtype, around)]
    )
    if name not in OF_TWO:
        return (x,)
    return _pairs(x, dtype, count, rng)


def _pairs(x: Any, dtype: Any, count: int, rng: np.random.Generator) -> tuple[Any, Any]:
    """For powers: those that are neither 0 nor infinite are rare, so look for them."""
    with np.errstate(all="ignore"):
        reach = rng.uniform(-1.05, 1.05, x.size) * np.log(np.finfo(dtype).max)
        fitting = (reach / np.log(np.abs(x.astype(np.float64)))).astype(dtype)
    whole = rng.integers(-20, 20, count).astype(dtype)
    special = np.array([*_SPECIAL, np.finfo(dtype).max, np.finfo(dtype).smallest_subnormal], dtype)
    squares = np.repeat(special, special.size), np.tile(special, special.size)
    near = rng.choice([1, 2**0.5, 0.5**0.5], count) * (1 + rng.standard_normal(count) * 0.01)
    near = near.astype(dtype)  # to 1, and to where logarithms have the most digits to lose
    y_near = rng.uniform(-1, 1, count) * np.log(np.finfo(dtype).max) / np.log(near.astype(float))
    return (
        np.concatenate([x, x, x[:count], near, squares[0]]),
        np.concatenate([fitting, x[::-1], whole, y_near.astype(dtype), squares[1]]),
    )


def _float32s(stride: int) -> Iterator[Any]:
    """Blocks of all bit patterns, or one in `stride`."""
    step = BLOCK * 16 * stride
    for start in range(0, 2**32, step):
        yield np.arange(start, start + step, stride, np.uint64).astype(np.uint32).view(np.float32)


def worst(name: str, dtype: Any, stride: int, count: int) -> tuple[float, tuple[float, ...]]:
    """Return the largest error, and where."""
    function = compiled(name, dtype)
    trials = [points(name, dtype, count)]
    if dtype == np.float32 and name not in OF_TWO:
        trials = ((x,) for x in _float32s(stride))  # type: ignore[assignment]
    found: tuple[float, tuple[float, ...]] = (0.0, ())
    for arguments in trials:
        error = ulps(function(*arguments), exactly(name, *arguments))
        at = int(np.argmax(error))
        if error[at] > found[0]:
            found = float(error[at]), tuple(float(a[at]) for a in arguments)
    return found


# ---- speed


def nanoseconds(call: Callable[[], Any], count: int) -> float:
    """Time for a number: the best of many runs, since others only add to it."""
    best = np.inf
    for _ in range(40):
        start = time.perf_counter()
        for _ in range(10):
            call()
        best = min(best, time.perf_counter() - start)
    return best / count / 10 * 1e9


def speed(name: str, dtype: Any, size: int = 8192) -> tuple[float, float]:
    """Of native code and of NumPy."""
    rng = np.random.default_rng(0)
    low, high = (0.1, 0.9) if name in ("arcsin", "arccos", "arctanh") else (1.0, 4.0)
    arguments = [rng.uniform(low, high, size).astype(dtype) for _ in range(1 + (name in OF_TWO))]
    out = np.empty(size, dtype)
    call, places = native(name, dtype, size=size), [a.ctypes.data for a in (*arguments, out)]
    with np.errstate(all="ignore"):
        return (
            nanoseconds(lambda: call(*places), size),
            nanoseconds(lambda: EXACT[name](*arguments), size),
        )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__)
    parser.add_argument("name", nargs="*", default=list(EXACT))
    parser.add_argument("--full", action="store_true", help="all numbers of float32")
    parser.add_argument("--stride", type=int, default=257, help="else one of so many")
    parser.add_argument("--count", type=int, default=20000, help="of random numbers of each kind")
    options = parser.parse_args()
    stride = 1 if options.full else options.stride
    print("function  dtype      ns  NumPy's   largest error in ulp, and where")
    for name in options.name:
        for dtype in (np.float32, np.float64):
            mine, numpy = speed(name, dtype)
            error, at = worst(name, dtype, stride, options.count)
            where = ", ".join(f"{x:.17g}" for x in at)
            print(f"{name:9} {dtype.__name__:8} {mine:6.2f} {numpy:7.2f} {error:8.2f}   {where}")


if __name__ == "__main__":
    main()
