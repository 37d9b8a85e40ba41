"""clearprop.numpy: NumPy, with constructors that keep gradients."""

from __future__ import annotations

import inspect
from typing import Any

import numpy
import pytest

import clearprop
import clearprop.numpy as np
from clearprop import grad, tensor
from clearprop.errors import DtypeError, ShapeError
from clearprop.testing import assert_grads


def test_all_names_are_there() -> None:
    assert {name for name in dir(numpy) if not name.startswith("_")} <= set(dir(np))
    assert set(np.__all__) == set(numpy.__all__)
    for name in np.__all__:
        mine, theirs = getattr(np, name), getattr(numpy, name)
        assert (
            getattr(mine, "__name__", name).rpartition(".")[2]
            == (getattr(theirs, "__name__", name).rpartition(".")[2])
        )
    with pytest.raises(AttributeError, match="nonsense"):
        _ = np.nonsense


def test_submodules() -> None:
    import clearprop.numpy.random

    import clearprop.numpy.fft as fft
    from clearprop.numpy import linalg
    from clearprop.numpy.linalg import LinAlgError, norm

    assert clearprop.numpy.random is numpy.random is np.random
    assert (fft, linalg) == (np.fft, np.linalg)
    assert set(linalg.__all__) == set(numpy.linalg.__all__)
    assert LinAlgError is numpy.linalg.LinAlgError
    assert norm([3.0, 4.0]) == 5.0


def test_star_import() -> None:
    names: dict[str, Any] = {}
    exec("from clearprop.numpy import *", names)
    assert names["array"] is np.array
    assert names["sin"] is np.sin
    assert names["pi"] is numpy.pi


@pytest.mark.parametrize("name", ["array", "asarray", "asanyarray", "full", "zeros_like"])
def test_signatures_take_what_numpy_takes(name: str) -> None:
    try:
        parameters = inspect.signature(getattr(numpy, name)).parameters
    except ValueError:  # written in C, before NumPy 2.4
        return
    mine = inspect.signature(getattr(np, name)).parameters
    assert list(mine)[:2] == list(parameters)[:2]
    rest = any(p.kind is p.VAR_KEYWORD for p in mine.values())
    assert rest or set(parameters) <= set(mine)


# ---- without Tensors: NumPy


@pytest.mark.parametrize(
    ("f", "args", "options"),
    [
        ("array", ([1, 2.5],), {}),
        ("array", ([[1], [2]],), {"dtype": "float32", "ndmin": 3, "order": "F"}),
        ("array", (numpy.ma.array([1, 2]),), {"subok": True}),
        ("array", ("text",), {}),
        ("array", ([],), {}),
        ("asarray", (range(3),), {"dtype": float}),
        ("asanyarray", (numpy.ma.array([1, 2]),), {}),
        ("ascontiguousarray", (3.0,), {}),
        ("asfortranarray", (numpy.ones((2, 3)),), {}),
        ("full", ((2, 2), [1, 2]), {"dtype": complex}),
        ("full_like", ([1, 2], 2.7), {}),
        ("zeros_like", ([[1.0]],), {"shape": (3,)}),
        ("ones_like", (numpy.ones(2, int),), {"dtype": "float32"}),
    ],
)
def test_plain_values(f: str, args: tuple[Any, ...], options: dict[str, Any]) -> None:
    mine, theirs = getattr(np, f)(*args, **options), getattr(numpy, f)(*args, **options)
    assert type(mine) is type(theirs)
    assert (mine.dtype, mine.shape) == (theirs.dtype, theirs.shape)
    assert mine.flags.f_contiguous == theirs.flags.f_contiguous
    assert mine.tolist() == theirs.tolist()


def test_copies_as_in_numpy() -> None:
    a = numpy.ones(3)
    assert np.asarray(a) is a
    assert np.array(a) is not a
    assert np.array(a, copy=None) is a


# ---- with Tensors


LISTS: dict[str, Any] = {
    "numbers": lambda x: np.array([x[0], 2 * x[1], 3.0, 4]),
    "nested": lambda x: np.array([[x[0], 0], [1, x[1]]]),
    "tuples": lambda x: np.array(((x[0], x[1]), (x[1], x[0]))),
    "rows": lambda x: np.asarray([x, [5.0, 6], 2 * x]),
    "deep": lambda x: np.asanyarray([[[x], [x]], [[[1, 2]], numpy.ones((1, 2))]]),
    "a tensor": lambda x: np.array(x) * 2,
    "ndmin": lambda x: np.array([x[1]], ndmin=3),
    "contiguous": lambda x: np.ascontiguousarray(x[0]) * 3,
    "fortran": lambda x: np.asfortranarray([x, x]),
    "full": lambda x: np.full((2, 3), x[0]),
    "full of rows": lambda x: np.full((3, 2), x),
    "full_like": lambda x: np.full_like(x, x[1]),
    "full_like of a list": lambda x: np.full_like([1.0, 2.0, 3.0], x[1]),
}


@pytest.mark.parametrize("name", LISTS)
def test_keeps_gradients(name: str) -> None:
    f = LISTS[name]
    x = numpy.array([1.5, -0.5])
    result, expected = f(tensor(x)), f(x)
    assert isinstance(result, clearprop.Tensor)
    assert (result.dtype, result.shape) == (expected.dtype, expected.shape)
    assert result.tolist() == expected.tolist()
    assert_grads(lambda x: f(x) ** 2, x)
    traced = clearprop.trace(clearprop.grad(lambda x: np.sum(f(x) ** 2)), x)
    assert numpy.allclose(traced.evaluate(x), grad(lambda x: np.sum(f(x) ** 2))(x))


@pytest.mark.parametrize(
    "kinds", [("f4", "f4"), ("f4", "f8"), ("f4", int), ("f4", float), ("f8", "c8")]
)
def test_dtypes_as_numpy_chooses(kinds: tuple[Any, Any]) -> None:
    values = [kind(2) if isinstance(kind, type) else numpy.dtype(kind).type(2) for kind in kinds]
    tensors = [v if isinstance(k, type) else tensor(v) for v, k in zip(values, kinds, strict=True)]
    assert np.array(tensors).dtype == numpy.array(values).dtype


def test_dtype_asked_for() -> None:
    x = tensor([1.0, 2.0])
    y = np.array([x[0], 3], dtype="float32")
    assert y.dtype == numpy.float32
    y.sum().backward()
    assert x.grad.tolist() == [1, 0]
    assert np.asarray([x[0], 2.7], dtype=int).tolist() == [1, 2]
    with pytest.raises(DtypeError, match="none of dtype object"):
        np.array([x[0], 2.0], dtype=object)


def test_copies_of_tensors() -> None:
    x = tensor([1.0, 2.0])
    assert np.asarray(x) is np.asanyarray(x) is np.array(x, copy=False) is x
    y = np.array(x)
    y[0] = 5.0
    assert x.tolist() == [1, 2]
    y.sum().backward()
    assert x.grad.tolist() == [0, 1]


def test_an_array_of_objects_becomes_a_tensor() -> None:
    def f(x: Any) -> Any:
        a = numpy.empty((2, 2), dtype=object)
        a[0, 0], a[0, 1], a[1, 0], a[1, 1] = x[0], 1.0, 2.0, 3 * x[1]
        return np.sum(np.array(a) ** 2)

    assert grad(f)(numpy.array([2.0, 1.0])).tolist() == [4, 18]


@pytest.mark.parametrize("name", ["zeros_like", "ones_like", "empty_like", "full_like"])
def test_constants_like_a_tensor_can_be_assigned_into(name: str) -> None:
    fill = (7.0,) if name == "full_like" else ()

    def f(x: Any) -> Any:
        y = getattr(np, name)([x, x], *fill)
        y[0], y[1, 1] = x, 1.0
        return np.sum(y[0] ** 2)

    x = numpy.array([2.0, 3.0], numpy.float32)
    made = getattr(np, name)(tensor(x), *fill, shape=(1, 3))
    assert (made.shape, made.dtype, made.requires_grad) == ((1, 3), numpy.float32, False)
    assert getattr(np, name)(tensor(x), *fill, dtype=int).dtype == int
    g = grad(f)(x)
    assert (g.tolist(), g.dtype) == ([4, 6], numpy.float32)


def test_entries_that_do_not_fit() -> None:
    x = tensor([1.0, 2.0])
    with pytest.raises(ShapeError, match=r"shapes \(2,\) and \(\), which make no array"):
        np.array([x, x[0]])
    with pytest.raises(ShapeError, match=r"np\.concatenate"):
        np.array([[x[0]], [1.0, 2.0]])


def test_infinite_numbers_are_refused_where_that_is_asked() -> None:
    x = tensor([1.0, 2.0])
    np.asarray_chkfinite([x[1], 3.0]).sum().backward()
    assert x.grad.tolist() == [0, 1]
    assert np.asarray_chkfinite([1, 2]).tolist() == [1, 2]
    for bad in (np.inf, np.nan):
        with pytest.raises(ValueError, match="infs or NaNs"):
            np.asarray_chkfinite([tensor(1.0), bad])


def test_a_gradient_is_not_lost_among_integers() -> None:
    x = tensor(0.5)
    with pytest.raises(DtypeError, match="say dtype=float"):
        np.full_like([1, 2], x)
    assert np.full_like([1, 2], x, dtype=float).requires_grad
