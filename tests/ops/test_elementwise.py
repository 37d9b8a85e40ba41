"""Elementwise functions as NumPy has them: dtypes, signatures, operators, questions without a gradient."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.engine.primitive import Primitive, numpy_table
from clearprop.engine.tensor import Tensor
from clearprop.errors import DtypeError, GradientError, ShapeError, TraceError, UnsupportedError
from tests.numeric import same_value, slopes

UFUNCS = sorted(
    {
        f
        for f in vars(np).values()
        if isinstance(f, np.ufunc) and f in numpy_table and not f.signature
    },
    key=lambda f: f.__name__,
)
DTYPES = ("float16", "float32", "float64", "complex64", "complex128")
NUMBERS = np.array([0.25, 0.5, 0.875])
ABOVE_ONE = {np.arccosh}


def numbers(ufunc: Any, dtype: str) -> Any:
    x = NUMBERS + 1 if ufunc in ABOVE_ONE else NUMBERS
    return (x + 0.125j if np.dtype(dtype).kind == "c" else x).astype(dtype)


def results(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def check(f: Callable[..., Any], *arrays: Any) -> None:
    """What f gives for Tensors, and the gradients, have NumPy's dtypes and shapes; or both refuse."""
    tensors = [clearprop.tensor(x) for x in arrays]
    with np.errstate(all="ignore"):
        try:
            expected = results(f(*arrays))
        except TypeError:
            with pytest.raises((TypeError, UnsupportedError)):
                f(*tensors)
            return
        for actual, wanted in zip(results(f(*tensors)), expected, strict=True):
            assert isinstance(actual, Tensor)
            assert (actual.dtype, actual.shape) == (wanted.dtype, wanted.shape)
            is_floating = wanted.dtype.kind in "fc"
            rtol = 4 * np.finfo(wanted.dtype).eps if is_floating else 0  # 4: ** has short cuts
            np.testing.assert_allclose(actual.value, wanted, rtol, 0)
            if actual.requires_grad:
                actual.backward(np.ones(actual.shape, actual.dtype), retain_graph=True)
        for t in tensors:
            if t.grad is not None:
                assert (t.grad.dtype, t.grad.shape) == (t.dtype, t.shape)
                assert np.isfinite(t.grad).all()


def test_there_is_an_answer_for_every_ufunc() -> None:
    every = {f for f in vars(np).values() if isinstance(f, np.ufunc)}
    assert every - set(numpy_table) == {np.isnat}  # of dates


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("ufunc", UFUNCS, ids=lambda f: f.__name__)
def test_dtype_of_ufunc(ufunc: Any, dtype: str) -> None:
    x = numbers(ufunc, dtype)
    if ufunc.nin == 1:
        check(ufunc, x)
        check(ufunc, x[0])
        return
    for f in (
        ufunc,
        lambda x, y: ufunc(x, 2),
        lambda x, y: ufunc(x, 0.5),
        lambda x, y: ufunc(3.0, y),
        lambda x, y: ufunc(x, y.real.astype(np.float32)),
        lambda x, y: ufunc(x, 0.5j),
    ):
        check(f, x, x[::-1].copy())
        check(f, x[0], x[1])


@pytest.mark.parametrize("dtype", ["int8", "int64", "uint8", "bool"])
@pytest.mark.parametrize("ufunc", UFUNCS, ids=lambda f: f.__name__)
def test_whole_numbers(ufunc: Any, dtype: str) -> None:
    x = np.array([1, 2, 3]).astype(dtype)
    check(ufunc, *[x, x[::-1].copy()][: ufunc.nin])


@pytest.mark.parametrize("dtype", ["float16", "float32", "complex64"])
@pytest.mark.parametrize("ufunc", UFUNCS, ids=lambda f: f.__name__)
def test_rules_keep_the_precision(ufunc: Any, dtype: str) -> None:
    """No hidden float64: a rule gives what NumPy gives for its inputs, before the sweep converts it."""
    record = numpy_table[ufunc]
    if not isinstance(record, Primitive) or not record.differentiable or ufunc is np.float_power:
        return
    x = numbers(ufunc, dtype)
    inputs: tuple[tuple[Any, ...], ...] = ((x,),)
    if ufunc.nin == 2:
        second = np.array([1, 2, 3], np.int8) if ufunc is np.ldexp else x[::-1].copy()
        inputs = ((x, second), (x, 2)) if ufunc is np.ldexp else ((x, second), (x, 0.5), (0.5, x))
    for arguments in inputs:
        try:
            out = record.forward(*arguments)  # type: ignore[misc]
        except TypeError:
            return  # NumPy has no complex loop
        g = np.ones(out.shape, out.dtype)
        for value, rule in zip(arguments, record.vjp, strict=False):  # type: ignore[arg-type]
            if rule is not None and hasattr(value, "dtype"):
                downstream = rule(g, out, *arguments)
                assert np.result_type(downstream.dtype, dtype) == np.dtype(dtype), arguments


# ---- NumPy's own signatures, as users write them

KNOTS = np.array([-1.0, -0.25, 0.5, 1.0])
ODD = np.array([[np.nan, 1, np.inf, -2], [-np.inf, 0, 3, 4]])
STEP = np.array([[True, False, True, False], [False, False, True, True]])
Case = tuple[Callable[..., Any], tuple[tuple[int, ...], ...]]

CALLS: dict[str, Case] = {
    "mod operator": (lambda x, y: x % (y + 2) + 3.7 % (y + 2) + x % 0.3, ((3, 4), (4,))),
    "mod in place": (lambda x: _in_place(operator.imod, x, 0.75), ((3, 4),)),
    "remainder": (lambda x: np.mod(x, 0.4) * x, ((3, 4),)),
    "fmod": (lambda x, y: np.fmod(x, y + 2) + np.fmod(3 * x, 0.7), ((3, 4), (4,))),
    "floor division": (lambda x: x // 0.3 * x + 2 // (x + 3), ((3, 4),)),
    "divmod": (lambda x, y: _weighed(divmod(x, y + 2)), ((3, 4), (4,))),
    "divmod, reflected": (lambda x: _weighed(divmod(3.3, x + 2)), ((3, 4),)),
    "np.divmod": (lambda x: _weighed(np.divmod(x, 0.3)), ((3, 4),)),
    "modf": (lambda x: _weighed(np.modf(3 * x)), ((3, 4),)),
    "modf, the fraction alone": (lambda x: np.modf(3 * x)[0] * x, ((3, 4),)),
    "frexp": (lambda x: _weighed(np.frexp(x)), ((3, 4),)),
    "ldexp": (lambda x: np.ldexp(x, [1, 2, 3, -1]), ((3, 4),)),
    "plus": (lambda x: +x * np.positive(x), ((3, 4),)),
    "fabs": (lambda x: np.fabs(x), ((3, 4),)),
    "radians and degrees": (lambda x: np.radians(x) * np.degrees(x), ((3, 4),)),
    "round": (
        lambda x: np.round(x) * x + np.round(x, 1) * x + x.round(1) * np.around(x),
        ((3, 4),),
    ),
    "fix and trunc": (lambda x: np.fix(3 * x) * x + np.trunc(2 * x) * x, ((3, 4),)),
    "rounding": (lambda x: np.rint(3 * x) * np.floor(2 * x) * np.ceil(x) * x, ((3, 4),)),
    "float_power": (lambda x, y: np.float_power(x + 2, y), ((3, 4), (4,))),
    "clip between arrays": (np.clip, ((3, 4), (4,), (3, 1))),
    "clip to one array": (lambda x, y: np.clip(x, None, y), ((3, 4), (4,))),
    "clip of nothing": (lambda x: np.clip(x, None, None) * 2, ((3, 4),)),
    "clip by keywords": (lambda x, y: np.clip(x, a_min=y, a_max=0.5), ((3, 4), (4,))),
    "clip to a list": (lambda x: np.clip(x, [0.1, 0.2, 0.3, 0.4], None), ((3, 4),)),
    "clip a constant": (lambda x: np.clip(np.array([0.3, -0.4]), x, 0.2), ((3, 2),)),
    "clip between exchanged bounds": (lambda x, y: np.clip(x, y + 3, y), ((3, 4), (4,))),
    "heaviside": (lambda x: np.heaviside([-1.0, 0.0, 0.0, 2.0], x), ((3, 4),)),
    "copysign": (lambda x, y: np.copysign(x, y) + np.copysign(x, -1.5), ((3, 4), (4,))),
    "fmax and fmin": (
        lambda x: np.fmax(x, [np.nan, 0.1, 0.2, -0.3]) + np.fmin(x, np.nan),
        ((3, 4),),
    ),
    "nan_to_num": (lambda x: np.nan_to_num(x + ODD, nan=0.5, posinf=2, neginf=-2), ((2, 4),)),
    "nan_to_num by default": (lambda x: np.nan_to_num(x + ODD) / 1e300, ((2, 4),)),
    "select": (
        lambda x, y: np.select([x > 0.3, x > -0.3], [x * y, x], default=y**2),
        ((3, 4), (4,)),
    ),
    "select with numbers": (lambda x: np.select([STEP, x > 0], [1.5, x * x]), ((2, 4),)),
    "piecewise": (
        lambda x: np.piecewise(x, [x < -0.3, x > 0.3], [lambda v: -v, lambda v: v**2, 0.25]),
        ((3, 4),),
    ),
    "piecewise, one condition": (
        lambda x: np.piecewise(x, x > 0, [np.sqrt, lambda v: -v]),
        ((5,),),
    ),
    "piecewise with arguments": (
        lambda x: np.piecewise(x, [x > 0], [lambda v, n: v * n, lambda v, n: v**n], 3.0),
        ((3, 4),),
    ),
    "piecewise of a number": (lambda x: np.piecewise(x, [x > -2], [np.exp]), ((),)),
    "piecewise, infinite slopes beside it": (
        lambda x: np.piecewise(x, [np.round(x) <= 0], [0.0, np.sqrt]),
        ((7,),),
    ),
    "piecewise, a tensor as a piece": (
        lambda x: np.piecewise(x, [x > 0, x < -0.5], [lambda v: np.sqrt(v) / v, x[0], 0.5]),
        ((7,),),
    ),
    "where without choices": (lambda x: x[np.where(STEP)] ** 2, ((2, 4),)),
    "sinc": (lambda x: np.sinc(3 * x), ((3, 4),)),
    "i0": (lambda x: np.i0(9 * x), ((3, 4),)),
    "interp at x": (lambda x: np.interp(x, KNOTS, [1.0, -1.0, 0.5, 2.0]), ((3, 4),)),
    "interp of values": (lambda x, f: np.interp(2 * x, KNOTS, f), ((3, 4), (4,))),
    "interp of places": (
        lambda x, p: np.interp(x, np.array([-1.0, -0.4, 0.3, 1.0]) + p / 9, [1.0, -1.0, 0.5, 2.0]),
        ((3, 4), (4,)),
    ),
    "interp with ends": (lambda x, f: np.interp(2 * x, KNOTS, f, -3.0, right=5.0), ((3, 4), (4,))),
    "interp between two": (lambda x, f: np.interp(x, [-0.5, 0.5], f), ((7,), (2,))),
    "interp of one point": (lambda x, f: np.interp(x, [0.25], f), ((3,), (1,))),
    "interp at a number": (lambda x, f: np.interp(x, KNOTS, f), ((), (4,))),
    "interp, periodic": (
        lambda x, f: np.interp(5 * x, [0.7, 0.1, 1.4], f, period=1.5),
        ((3, 4), (3,)),
    ),
    "unwrap": (lambda x: np.unwrap(6 * x) ** 2, ((3, 6),)),
    "unwrap with a period": (lambda x: np.unwrap(3 * x, axis=0, period=1.0) ** 2, ((6, 2),)),
    "angle of a sum": (lambda x, y: np.angle(x + y * 1j, deg=True), ((3, 4), (4,))),
    "inverse functions by their new names": (
        lambda x: np.asin(x) * np.acos(x) * np.atan(x) + np.asinh(x) * np.atanh(x / 2),
        ((3, 4),),
    ),
    "pow by its new name": (lambda x: np.pow(x + 2, 3), ((3, 4),)),
}


def _weighed(parts: Any) -> Any:
    """One array that both parts of a result have a share in."""
    first, second = parts
    return first * 2.0 - second * first


def _in_place(change: Callable[..., Any], x: Any, by: Any) -> Any:
    y = x * 3
    return change(y, by) * y


@pytest.mark.parametrize("name", CALLS)
def test_numpy_code_as_users_write_it(name: str, rng: np.random.Generator) -> None:
    f, shapes = CALLS[name]
    arrays = [rng.uniform(-1, 1, shape) for shape in shapes]
    expected = np.asarray(f(*arrays))
    tensors = [clearprop.tensor(x) for x in arrays]
    result = f(*tensors)
    assert result.shape == expected.shape
    assert result.dtype == expected.dtype
    np.testing.assert_allclose(np.asarray(result.value), expected, 1e-14, 1e-15)
    g = rng.standard_normal(expected.shape)[()]
    result.backward(g)
    for i, t in enumerate(tensors):

        def weighed(x: Any, i: int = i) -> Any:
            return np.sum(g * f(*(x if i == j else y for j, y in enumerate(arrays))))

        found = np.zeros(t.shape) if t.grad is None else t.grad
        np.testing.assert_allclose(found, slopes(weighed, arrays[i]), 1e-7, 1e-8)


@pytest.mark.parametrize("name", CALLS)
def test_traced(name: str, rng: np.random.Generator) -> None:
    f, shapes = CALLS[name]
    arrays = [rng.uniform(-1, 1, shape) for shape in shapes]
    found = clearprop.trace(f, *arrays).evaluate(*arrays)
    np.testing.assert_allclose(found, f(*arrays), 1e-14, 1e-15)


# ---- operators


def test_operators_on_whole_numbers() -> None:
    x, y = np.array([6, 35, 12]), np.array([1, 2, 3])
    t = clearprop.tensor(x)
    for name in ("and_", "or_", "xor", "lshift", "rshift", "floordiv", "mod"):
        f = getattr(operator, name)
        change = getattr(operator, f"i{name.strip('_')}")
        for actual, expected in ((f(t, y), f(x, y)), (f(y, t), f(y, x)), (f(t, 2), f(x, 2))):
            assert isinstance(actual, Tensor)
            assert not actual.requires_grad
            assert same_value(actual.value, expected)
        assert same_value(f(100, t).value, f(100, x))
        changed = u = clearprop.tensor(x)
        changed = change(changed, 3)
        assert changed is u
        assert same_value(u.value, f(x, 3))


def test_a_copy_by_plus_is_not_changed_with_it() -> None:
    x = clearprop.tensor([1.0, 2.0])
    y = +x
    y += 1
    assert (x.tolist(), y.tolist()) == ([1, 2], [2, 3])


def test_a_leaf_is_not_changed_in_place() -> None:
    x = clearprop.tensor([1.5, 2.5])
    with pytest.raises(GradientError, match="in place"):
        x %= 1
    with clearprop.no_grad():
        x //= 1
    assert x.tolist() == [1, 2]


def test_rounding_of_numbers() -> None:
    t = clearprop.tensor(2.5)
    assert (round(t).item(), round(t, 1).item(), complex(t)) == (2, 2.5, 2.5 + 0j)
    assert not round(t).requires_grad


# ---- questions


def test_questions_are_answered_without_a_gradient() -> None:
    t = clearprop.tensor([1.0, np.nan, np.inf, -np.inf])
    z = clearprop.tensor([1.0, 2 + 1j])
    for f in (np.isnan, np.isinf, np.isfinite, np.isposinf, np.isneginf, np.signbit, np.isreal):
        assert same_value(f(t).value, f(t.detach().value))
        assert not f(t).requires_grad
    for f in (np.isreal, np.iscomplex):
        assert same_value(f(z).value, f(z.detach().value))
    assert np.iscomplexobj(z)
    assert np.isrealobj(t)
    assert not np.iscomplexobj(t)


def test_close_and_equal() -> None:
    x = np.array([1.0, 2.0, np.nan])
    t = clearprop.tensor(x)
    assert np.isclose(t, x + 1e-12).tolist() == [True, True, False]
    assert np.isclose(x, t, 0.1, 0.0, True).tolist() == [True, True, True]
    assert np.allclose(t, x, equal_nan=True) is True
    assert np.allclose(t[:2], [1.0, 2.1]) is False
    assert np.array_equal(t, x) is False
    assert np.array_equal(t, x, equal_nan=True) is True
    assert np.array_equal(t, x[:2]) is False
    assert np.array_equal(t[:2], [1, 2]) is True
    assert np.array_equiv(t[:1], np.ones((2, 3))) is True
    assert np.array_equiv(t, np.ones(2)) is False


def test_places_of_what_is_not_zero_are_plain() -> None:
    t = clearprop.tensor([[0.0, 1.0], [2.0, 0.0]])
    for found in (np.nonzero(t), np.where(t), np.where(t > 0)):
        assert [type(i) for i in found] == [np.ndarray, np.ndarray]
        assert [i.tolist() for i in found] == [[0, 1], [1, 0]]
    with pytest.raises(TraceError, match="while tracing only the spec"):
        clearprop.trace(lambda x: x[np.where(x > 0)], np.ones(3))


# ---- errors


def test_pieces_that_mix_entries_are_refused_in_a_trace() -> None:
    def f(x: Any) -> Any:
        return np.piecewise(x, [x > 0], [lambda v: v * v, lambda v: v - np.mean(v)])

    x = np.array([1.0, -2.0, -4.0])
    assert f(clearprop.tensor(x)).tolist() == [1.0, 1.0, -1.0]
    with pytest.raises(TraceError, match=r"to <lambda>, which mixes them \(mean\).*np\.where"):
        clearprop.trace(f, x)


def test_what_does_not_fit_is_said() -> None:
    x = clearprop.tensor([0.25, 0.5])
    with pytest.raises(ShapeError, match="one choice for each condition"):
        np.select([x > 0], [x, x])
    with pytest.raises(ShapeError, match="each of the 1 conditions"):
        np.piecewise(x, [x > 0], [1, 2, 3])
    with pytest.raises(ShapeError, match=r"\(2,\) and \(3,\)"):
        np.interp(x, [0.0, 1.0], [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="period of 0"):
        np.interp(x, [0.0, 1.0], [1.0, 2.0], period=0)
    with pytest.raises(UnsupportedError, match="copy"):
        np.nan_to_num(x, copy=False)
    with pytest.raises(DtypeError, match="no order"):
        clearprop.relu(x * 1j)
