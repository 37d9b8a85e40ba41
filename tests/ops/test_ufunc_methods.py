"""reduce, accumulate, outer and at, for every ufunc that has a gradient; and what is said of the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.errors import (
    DtypeError,
    GradientError,
    LostGradientError,
    TraceError,
    UnsupportedError,
)
from tests.numeric import same_value, slopes

BINARY = sorted(
    {
        f
        for f in vars(np).values()
        if isinstance(f, np.ufunc) and (f.signature, f.nin, f.nout) == (None, 2, 1)
    },
    key=lambda f: f.__name__,
)
WHOLE = {np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.left_shift, np.right_shift, np.gcd}
WHOLE |= {np.lcm}


@pytest.mark.parametrize("ufunc", BINARY, ids=lambda f: f.__name__)
def test_outer_of_every_ufunc(ufunc: Any) -> None:
    x, y = np.array([0.5, 1.75]), np.array([[1.25, 0.75, 2.0]])
    if ufunc in WHOLE:
        x, y = np.array([5, 6]), np.array([[1, 2, 3]])
    if ufunc is np.ldexp:
        y = np.array([[1, -1, 2]])
    expected = ufunc.outer(x, y)
    s, t = clearprop.tensor(x), clearprop.tensor(y)
    for result in (ufunc.outer(s, t), ufunc.outer(x, t), ufunc.outer(s, y)):
        assert same_value(result.value, expected)
    assert ufunc.outer(s, y.tolist()).shape == (2, 1, 3)
    assert ufunc.outer(s, 1).shape == (2,)
    assert ufunc.outer(1, t).shape == (1, 3)


def gradient(f: Any, x: Any) -> Any:
    """Ours, after it was compared with differences."""
    rng = np.random.default_rng(3)
    value = f(x)
    g = rng.standard_normal(np.shape(value))
    t = clearprop.tensor(x)
    result = f(t)
    np.testing.assert_allclose(result.value, value, 1e-14, 1e-15)
    assert (result.shape, result.dtype) == (value.shape, value.dtype)
    result.backward(g)
    np.testing.assert_allclose(t.grad, slopes(lambda x: np.sum(g * f(x)), x), 1e-7, 1e-8)
    return t.grad


def test_gradients_of_outer() -> None:
    x = np.array([0.5, -1.5])
    y = np.array([[1.0, 2.0, -0.5], [0.25, 3.0, 1.0]])
    for ufunc in (np.add, np.subtract, np.multiply, np.divide, np.maximum, np.hypot, np.logaddexp):
        gradient(lambda x, f=ufunc: f.outer(x, y), x)
        gradient(lambda y, f=ufunc: f.outer(x, y), y)


@pytest.mark.parametrize("ufunc", [np.add, np.maximum, np.minimum, np.logaddexp])
def test_reduce(ufunc: Any) -> None:
    x = np.random.default_rng(1).uniform(-2, 2, (3, 4, 2))
    gradient(lambda x: ufunc.reduce(x), x)  # the first axis, by default
    gradient(lambda x: ufunc.reduce(x, 1), x)
    gradient(lambda x: ufunc.reduce(x, axis=-1, keepdims=True), x)
    gradient(lambda x: ufunc.reduce(x, axis=(0, 2)) if ufunc is not np.logaddexp else x[0], x)


def test_reduce_of_truths() -> None:
    t = clearprop.tensor([[True, False], [True, True]])
    assert np.logical_and.reduce(t).tolist() == [True, False]
    assert np.logical_or.reduce(t, axis=1).tolist() == [True, True]


@pytest.mark.parametrize("ufunc", [np.maximum, np.minimum])
def test_running_extremes(ufunc: Any) -> None:
    x = np.random.default_rng(2).uniform(-2, 2, (5, 4))
    gradient(lambda x: ufunc.accumulate(x), x)
    gradient(lambda x: ufunc.accumulate(x, axis=-1) ** 2, x)
    traced = clearprop.trace(lambda x: ufunc.accumulate(x, 1), x)
    assert same_value(traced.evaluate(x), ufunc.accumulate(x, 1))


def test_running_extremes_belong_to_who_was_first() -> None:
    for ufunc, x in ((np.maximum, [1.0, 3, 2, 3, 4]), (np.minimum, [-1.0, -3, -2, -3, -4])):
        found = clearprop.grad(lambda x, f=ufunc: np.sum(f.accumulate(x)))(np.array(x))
        assert found.tolist() == [1, 3, 0, 0, 1]
    nan = clearprop.tensor([1.0, np.nan, 2.0])
    result = np.maximum.accumulate(nan)
    assert same_value(result.value, np.array([1.0, np.nan, np.nan]))
    result.backward(np.ones(3))
    assert nan.grad.tolist() == [1, 2, 0]


def test_adding_where_an_index_comes_twice() -> None:
    def f(x: Any, v: Any) -> Any:
        y = x * 1.0
        np.add.at(y, [0, 2, 0], v)
        np.subtract.at(y, (1,), v[0] * 2)
        return y

    x, v = np.array([1.0, 2.0, 3.0]), np.array([10.0, 20.0, 30.0])
    weights = np.array([1.0, 10.0, 100.0])
    assert f(x, v).tolist() == [41, -18, 23]
    assert f(clearprop.tensor(x), v).tolist() == [41, -18, 23]
    dx, dv = clearprop.grad(lambda x, v: np.sum(f(x, v) * weights), (0, 1))(x, v)
    assert dx.tolist() == [1, 10, 100]
    assert dv.tolist() == [1 - 20, 100, 1]


PLACES = {
    "one": 1,
    "ints": (1, 2),
    "negative": (-1, 0),
    "list": [0, 1, 0],
    "lists": ([0, 0, 1], [1, 1, 2]),
    "array": np.array([[1, 0], [1, 1]]),
    "arrays": (np.array([0, 1, 0, 0]), np.array([2, 0, 2, 2])),
    "slice": slice(None, None, -1),
    "slice and list": (slice(None), [0, 2, 0]),
    "ix_": np.ix_([0, 1, 1], [2, 2]),
    "ellipsis": (..., [0, 0]),
    "everything": ...,
    "newaxis": (None, [1, 1]),
    "mask": np.array([[True, False, True], [False, False, True]]),
    "mask of rows": np.array([True, False]),
    "nothing": np.zeros(0, int),
    "divmod": divmod(np.array([1, 1, 4]), 3),
}


@pytest.mark.parametrize("name", PLACES)
def test_at_every_kind_of_index(name: str) -> None:
    places = PLACES[name]
    x = np.array([[0.55, 1.25, 2.0], [1.5, 0.75, 0.25]])
    region = x[places].shape

    def f(x: Any) -> Any:
        total = x * 0.1
        for ufunc in (np.add, np.subtract, np.multiply, np.divide, np.maximum, np.hypot):
            for v in (1.2, x[0, 0] * np.ones(region)):
                y = x * 1
                old = y * y
                ufunc.at(y, places, v)
                total = total + y * x + old * 0.1
        y = x * 1
        np.square.at(y, places)
        return total + y

    gradient(f, x)
    for whole in (clearprop.grad(lambda x: np.sum(f(x) ** 2)),):
        expected = whole(x)
        np.testing.assert_allclose(clearprop.trace(whole, x).evaluate(x), expected, 1e-13)
        np.testing.assert_allclose(clearprop.compile(whole)(x), expected, 1e-13)


def test_at_places_that_are_arguments() -> None:
    def f(x: Any, places: Any) -> Any:
        y = x * 1
        np.add.at(y, (places, 1), x[0, 0])
        np.subtract.at(y, places, 2.0)
        return np.sum(y * x)

    x, places = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([0, 0, 1])
    expected = clearprop.grad(f)(x, places)
    np.testing.assert_allclose(expected, slopes(lambda x: f(x, places), x), 1e-8)
    np.testing.assert_allclose(clearprop.compile(clearprop.grad(f))(x, places), expected, 1e-14)
    with pytest.raises(TraceError, match=r"np\.multiply\.at's indices .*np\.add\.at"):
        clearprop.trace(lambda x, places: np.multiply.at(x, places, 2.0), x, places)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int64", "bool", "float32", "complex128"])
def test_at_in_every_dtype(dtype: str) -> None:
    for ufunc in (np.add, np.maximum, np.logical_xor):
        x = np.array([1, 0, 3]).astype(dtype)
        t = clearprop.tensor(x, requires_grad=False)
        for value in (
            True,
            x[:1].copy(),
            np.array([1, 200, 100], "bool" if dtype == "bool" else "uint8"),
        ):
            ufunc.at(x, [0, 2, 0], value)
            ufunc.at(t, [0, 2, 0], value)
        assert same_value(t.value, x)


def test_at_where_there_is_no_gradient_or_no_meaning() -> None:
    t = clearprop.tensor([1.0, 2.0])
    with pytest.raises(LostGradientError, match=r"np\.add\.at.*clearprop\.tensor"):
        np.add.at(np.zeros(3), [0, 1], t)
    with pytest.raises(GradientError, match="a leaf that requires a gradient"):
        np.multiply.at(t, [0, 1], 2.0)
    with pytest.raises(DtypeError, match=r"np\.add\.at would write float64.*t\.astype\(float64\)"):
        np.add.at(clearprop.tensor([1, 2]), [0, 0], 0.5)
    for wrong in (
        lambda x: np.divmod.at(x, [0], 2.0),
        lambda x: np.matmul.at(x, [0], 2.0),
        lambda x: np.add.at(x, [0]),
        lambda x: np.negative.at(x, [0], 1.0),
        lambda x: np.multiply.at(x, [0], np.ones(3)),
        lambda x: np.add.at(x, [0], np.ones(3)),
    ):
        for y in (np.ones(2), t * 1):
            with pytest.raises((ValueError, TypeError)):
                wrong(y)


# ---- every ufunc, every method

METHODS: dict[str, Callable[[Any, Any], Any]] = {
    "reduce": lambda f, x: f.reduce(x),
    "reduce, axis": lambda f, x: f.reduce(x, axis=-1, keepdims=True),
    "reduce, axes": lambda f, x: f.reduce(x, axis=(0, 2)),
    "reduce, everything": lambda f, x: f.reduce(x, axis=None),
    "reduce, initial": lambda f, x: f.reduce(x, 1, initial=2),
    "reduce, where": lambda f, x: f.reduce(x, 1, where=CHOSEN),
    "reduce, where and initial": lambda f, x: f.reduce(x, 0, where=CHOSEN, initial=3),
    "accumulate": lambda f, x: f.accumulate(x),
    "accumulate, axis": lambda f, x: f.accumulate(x, axis=-1),
    "reduceat": lambda f, x: f.reduceat(x, [0, 2, 1], axis=1),
    "reduceat, dtype": lambda f, x: f.reduceat(x, np.array([1, 0]), 0, x.dtype),
    "nothing": lambda f, x: f.reduce(x[:, :0], axis=1),
}
CHOSEN = np.array([[True], [False], [True]])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("ufunc", BINARY, ids=lambda f: f.__name__)
def test_every_method_of_every_ufunc(ufunc: Any, method: str) -> None:
    call = METHODS[method]
    rng = np.random.default_rng(5)
    for x in (rng.uniform(0.6, 1.7, (2, 3, 2)), rng.integers(1, 4, (2, 3, 2)).astype(np.int16)):
        try:
            expected = call(ufunc, x)
        except (TypeError, ValueError):
            expected = None
        if (
            expected is None or ufunc is np.ldexp
        ):  # of a float and an int: NumPy itself is of two minds
            with pytest.raises((TypeError, ValueError)):
                call(ufunc, clearprop.tensor(x))
            continue
        result = call(ufunc, clearprop.tensor(x))
        result = np.asarray(getattr(result, "value", result))
        assert (result.shape, result.dtype) == (expected.shape, expected.dtype)
        np.testing.assert_allclose(result, expected, 1e-2 if expected.dtype.itemsize < 4 else 1e-6)
        if x.dtype == expected.dtype == float and method != "nothing" and ufunc not in STEPS:
            gradient(lambda x: call(ufunc, x), x)


STEPS = {np.nextafter, np.copysign, np.floor_divide}
"""Ufuncs that let no gradient through, or one that differences do not find."""


def test_methods_in_compiled_code() -> None:
    x = np.random.default_rng(6).uniform(0.6, 1.7, (2, 3, 2))
    calls = [(np.logaddexp, METHODS["reduce, axes"]), (np.hypot, METHODS["reduce, everything"])]
    for ufunc in (np.subtract, np.divide, np.power, np.hypot, np.fmax, np.maximum):
        calls += [
            (ufunc, METHODS[name])
            for name in ("reduce", "reduce, initial", "accumulate, axis", "reduceat")
        ]
        calls.append((ufunc, METHODS["reduce, where and initial"]))

    def f(x: Any) -> Any:
        return sum(np.sum(call(ufunc, x)) for ufunc, call in calls)

    whole = clearprop.grad(f)
    np.testing.assert_allclose(clearprop.trace(whole, x).evaluate(x), whole(x), 1e-12)
    np.testing.assert_allclose(clearprop.compile(whole)(x), whole(x), 1e-12)


def test_initial_may_be_a_tensor() -> None:
    for ufunc in (np.add, np.multiply, np.maximum, np.subtract, np.divide, np.logaddexp):
        gradient(lambda t, f=ufunc: f.reduce(t * np.ones((2, 3)), 1, initial=t * 2), np.array(1.3))


def test_what_is_left_out_of_a_reduction_has_no_slope() -> None:
    x = np.array([2.0, 0.0, 4.0])
    mask = np.array([True, False, True])
    found = clearprop.grad(lambda x: np.divide.reduce(x, where=mask, initial=1.0))(x)
    assert found.tolist() == [-1 / 16, 0, -1 / 32]


def test_what_has_no_answer_is_said() -> None:
    t = clearprop.tensor([1.0, 2.0])
    with pytest.raises(TraceError, match=r"np\.add\.reduceat's indices"):
        clearprop.trace(np.add.reduceat, np.ones(3), np.array([0, 1]))
    with pytest.raises(ValueError, match="not reorderable"):
        np.subtract.reduce(t * np.ones((2, 2)), axis=(0, 1))


@pytest.mark.parametrize(
    ("option", "instead"),
    [
        ({"where": [True, False]}, r"np\.where\(mask, f\(x\), otherwise\)"),
        ({"dtype": np.float32}, r"x\.astype\(dtype\)"),
    ],
)
def test_options_of_ufuncs_are_refused(option: dict[str, Any], instead: str) -> None:
    t = clearprop.tensor([1.0, 2.0])
    for call in (lambda: np.exp(t, **option), lambda: np.fabs(t, **option)):
        with pytest.raises(UnsupportedError, match=instead):
            call()


def test_writing_into_an_array_is_refused() -> None:
    t = clearprop.tensor([1.0, 2.0])
    for ufunc in (np.exp, np.fabs):
        with pytest.raises(LostGradientError, match="out="):
            ufunc(t, out=np.zeros(2))
