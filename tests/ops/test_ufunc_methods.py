"""reduce, accumulate, outer and at, for every ufunc that has a gradient; and what is said of the others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.errors import LostGradientError, UnsupportedError
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


def test_at_where_the_gradient_would_be_lost() -> None:
    t = clearprop.tensor([1.0, 2.0])
    with pytest.raises(LostGradientError, match=r"np\.add\.at.*clearprop\.tensor"):
        np.add.at(np.zeros(3), [0, 1], t)
    with pytest.raises(
        UnsupportedError, match=r"t\[indices\] = np\.multiply\(t\[indices\], values\)"
    ):
        np.multiply.at(t, [0, 1], 2.0)


def test_what_has_no_answer_is_said() -> None:
    t = clearprop.tensor([1.0, 2.0])
    with pytest.raises(UnsupportedError, match=r"np\.divide\.reduce.*np\.add.*loop"):
        np.divide.reduce(t)
    with pytest.raises(UnsupportedError, match=r"np\.logaddexp\.accumulate.*np\.maximum"):
        np.logaddexp.accumulate(t)
    with pytest.raises(UnsupportedError, match=r"np\.add\.reduceat has no gradient"):
        np.add.reduceat(t, [0, 1])


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
