"""Objects of other libraries: left to their own ways, read as NumPy reads them, or refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.errors import LostGradientError, UnsupportedError

X = np.array([1.0, 2.0, 4.0])


def gradient(f: Callable[[Any], Any]) -> Any:
    """By `grad`, and the same by a trace."""
    g = clearprop.grad(f)(np.ones(3))
    traced = clearprop.trace(clearprop.grad(f), np.ones(3))
    np.testing.assert_allclose(traced.evaluate(np.ones(3)), g, rtol=1e-13)
    return g.tolist()


# ---- pandas


@pytest.fixture
def series() -> Any:
    return pytest.importorskip("pandas").Series(X, index=list("abc"))


def test_pandas_keeps_no_tensors_and_says_what_to_write(series: Any) -> None:
    frame = series.to_frame("x")
    for f in (
        lambda t: series * t,
        lambda t: series @ t,
        lambda t: np.add(series, t),
        lambda t: frame.T @ t,
        lambda t: type(series)(t),
    ):
        with pytest.raises(
            LostGradientError, match=r"Use np\.asarray\(x\) in the place of a pandas"
        ):
            clearprop.grad(lambda t, f=f: np.sum(f(t)))(np.ones(3))
    for f in (
        lambda t: t * series,
        lambda t: t @ frame,
        lambda t: np.add(t, series),
    ):
        with pytest.raises(UnsupportedError, match=r"arithmetic of its own\. Use np\.asarray\(x\)"):
            clearprop.grad(lambda t, f=f: np.sum(f(t)))(np.ones(3))
    assert gradient(lambda t: np.sum(np.asarray(series) * t)) == X.tolist()


def test_pandas_as_arguments_and_results(series: Any) -> None:
    for run in (
        clearprop.grad(lambda s: s.std()),  # which would be another deviation
        clearprop.compile(lambda s: s.std()),
        lambda s: clearprop.trace(lambda s: s.std(), s),
        lambda s: clearprop.vjp(lambda x: s, X),
    ):
        with pytest.raises(UnsupportedError, match="a Series, which has an arithmetic of its own"):
            run(series)
    t = clearprop.tensor(series)
    np.sum(t * t).backward()
    assert t.grad.tolist() == (2 * X).tolist()


def test_pandas_as_indices_and_in_functions_of_numpy(series: Any) -> None:
    assert gradient(lambda t: np.sum(t[series > 1])) == [0, 1, 1]
    assert gradient(lambda t: np.sum(np.where(series > 1, t, 0.0))) == [0, 1, 1]
    assert gradient(lambda t: np.dot(series, t)) == X.tolist()
    assert gradient(lambda t: np.sum(np.stack([t, series]))) == [1, 1, 1]


# ---- xarray


@pytest.fixture
def labelled() -> Any:
    return pytest.importorskip("xarray").DataArray(X, dims="t")


def test_xarray_computes_with_the_tensor_in_it(labelled: Any) -> None:
    made = type(labelled)
    assert gradient(lambda t: np.sum(labelled * t)) == X.tolist()
    assert gradient(lambda t: (labelled * t).sum()) == X.tolist()
    assert gradient(lambda t: labelled.dot(made(t, dims="t"))) == X.tolist()
    assert clearprop.jacobian(lambda t: labelled * t)(np.ones(3)).tolist() == np.diag(X).tolist()
    value, pullback = clearprop.vjp(lambda t: labelled * t, np.ones(3))
    assert type(value) is np.ndarray
    assert pullback(labelled)[0].tolist() == (X**2).tolist()
    assert clearprop.compile(clearprop.grad(lambda t: (labelled * t).sum()))(X).tolist() == [
        1,
        2,
        4,
    ]


def test_xarray_where_labels_would_be_lost(labelled: Any) -> None:
    with pytest.raises(UnsupportedError, match=r"multiply got a DataArray.* Use np\.asarray\(x\)"):
        clearprop.grad(lambda t: np.sum(t * labelled))(X)
    with pytest.raises(UnsupportedError, match="a DataArray, which has an arithmetic of its own"):
        clearprop.grad(lambda a: (a * a).sum())(labelled)
    with pytest.raises(LostGradientError, match=r"Use x\.data, which is the tensor"):
        clearprop.grad(lambda t: np.sum((labelled * t).values))(X)
    with pytest.raises(LostGradientError, match="item"):
        clearprop.grad(lambda t: (labelled * t).sum().item())(X)


# ---- PyTorch and JAX


def test_arrays_of_pytorch() -> None:
    torch = pytest.importorskip("torch")
    x = torch.tensor(X)
    for run in (clearprop.grad(np.sum), lambda x: clearprop.grad(lambda t: np.sum(t * x))(X)):
        with pytest.raises(UnsupportedError, match=r"a Tensor, which .* Use np\.asarray\(x\)"):
            run(x)
        with pytest.raises(UnsupportedError, match=r"Use x\.detach\(\)\.numpy\(\)"):
            run(x.clone().requires_grad_())
    assert clearprop.tensor(x).value.tolist() == X.tolist()
    assert gradient(lambda t: np.sum(t[torch.tensor([0, 0])])) == [2, 0, 0]


def test_arrays_of_jax() -> None:
    jax = pytest.importorskip("jax")
    x = jax.numpy.asarray(X)
    for f in (lambda t: np.sum(t * x), lambda t: np.sum(x * t), lambda t: np.sum(np.add(x, t))):
        with pytest.raises((UnsupportedError, LostGradientError)):
            clearprop.grad(f)(X)
    with pytest.raises(UnsupportedError, match=r"ArrayImpl, which .* Use np\.asarray\(x\)"):
        clearprop.grad(np.sum)(x)
    assert clearprop.tensor(x).value.tolist() == X.tolist()
    assert gradient(lambda t: np.sum(t[jax.numpy.array([0, 0])])) == [2, 0, 0]
