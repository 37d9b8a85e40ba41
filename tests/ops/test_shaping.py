"""Moving numbers around, as users write it: values as NumPy gives them, gradients back where they belong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.engine.tensor import Tensor
from clearprop.errors import DtypeError, LostGradientError, ShapeError, TraceError, UnsupportedError
from tests.numeric import slopes

Call = tuple[Callable[..., Any], tuple[tuple[int, ...], ...]]
PAIR = ((2, 3), (2, 3))
PICKS = np.array([[0, 2], [1, 1], [2, 0]])


def in_place(change: Callable[..., Any]) -> Callable[..., Any]:
    """A function that changes its first argument, as one that gives the changed copy."""

    def f(x: Any, *rest: Any) -> Any:
        y = x * 1
        change(y, *rest)
        return y

    return f


LAYOUT: dict[str, Call] = {
    "reshape by columns": (lambda x: np.reshape(x, (2, -1), order="F"), ((3, 4),)),
    "reshape by memory": (lambda x: np.reshape(x, (2, 6), order="A"), ((3, 4),)),
    "reshape of columns by memory": (lambda x: np.reshape(x.T, (2, 6), order="A"), ((3, 4),)),
    "reshape method by columns": (lambda x: x.reshape(4, 3, order="F"), ((3, 4),)),
    "reshape to a copy": (lambda x: np.reshape(x, (4, 3), copy=True), ((3, 4),)),
    "ravel by columns": (lambda x: np.ravel(x, "F"), ((2, 3, 4),)),
    "ravel by memory": (lambda x: x.T.ravel(order="K"), ((3, 4),)),
    "flatten by columns": (lambda x: x.flatten("F"), ((3, 4),)),
    "flat": (lambda x: x.flat[2:5] * 2, ((3, 4),)),
    "rollaxis": (lambda x: np.rollaxis(x, 2), ((2, 3, 4),)),
    "rollaxis to the right": (lambda x: np.rollaxis(x, 0, -1), ((2, 3, 4),)),
    "permute_dims": (lambda x: np.permute_dims(x, (1, 2, 0)), ((2, 3, 4),)),
    "matrix_transpose": (lambda x: np.matrix_transpose(x), ((2, 3, 4),)),
    "linalg.matrix_transpose": (lambda x: np.linalg.matrix_transpose(x), ((2, 3, 4),)),
    "atleast_1d": (lambda x: np.atleast_1d(x), ((),)),
    "atleast_2d": (lambda x: np.atleast_2d(x), ((3,),)),
    "atleast_2d of a number": (lambda x: np.atleast_2d(x), ((),)),
    "atleast_3d of a number": (lambda x: np.atleast_3d(x), ((),)),
    "atleast_3d of a vector": (lambda x: np.atleast_3d(x), ((3,),)),
    "atleast_3d of a matrix": (lambda x: np.atleast_3d(x), ((2, 3),)),
    "atleast_3d of more": (lambda x: np.atleast_3d(x), ((1, 2, 3, 1),)),
    "atleast_1d of several": (
        lambda x, y: np.atleast_1d(x, y)[0] * np.atleast_1d(x, y)[1],
        ((), (3,)),
    ),
    "broadcast_arrays": (
        lambda x, y: np.broadcast_arrays(x, y, 2.0)[0] * np.broadcast_arrays(x, y)[1],
        ((3, 1), (2, 1, 4)),
    ),
    "flip": (lambda x: np.flip(x), ((2, 3),)),
    "flip two axes": (lambda x: np.flip(x, (0, -1)), ((2, 3, 2),)),
    "fliplr": (lambda x: np.fliplr(x), ((2, 3),)),
    "flipud": (lambda x: np.flipud(x), ((2, 3),)),
    "rot90": (lambda x: np.rot90(x), ((2, 3),)),
    "rot90 twice": (lambda x: np.rot90(x, 2), ((2, 3),)),
    "rot90 back": (lambda x: np.rot90(x, -1, (2, 1)), ((2, 3, 4),)),
    "rot90 not at all": (lambda x: np.rot90(x, 4) * 2, ((2, 3),)),
    "roll": (lambda x: np.roll(x, 2), ((2, 3),)),
    "roll an axis": (lambda x: np.roll(x, -1, axis=-1), ((2, 3),)),
    "roll beyond the end": (lambda x: np.roll(x, 7, axis=1), ((2, 3),)),
    "roll not at all": (lambda x: np.roll(x, 0, axis=1), ((2, 3),)),
    "roll axes": (lambda x: np.roll(x, (1, 2), (0, 1)), ((2, 3),)),
    "roll axes alike": (lambda x: np.roll(x, 1, (0, 1)), ((2, 3),)),
    "repeat": (lambda x: np.repeat(x, 2), ((2, 3),)),
    "repeat along an axis": (lambda x: x.repeat(2, axis=-1), ((2, 3),)),
    "repeat by numbers": (lambda x: np.repeat(x, [2, 0, 3], axis=1), ((2, 3),)),
    "repeat by one number in a list": (lambda x: np.repeat(x, [2], axis=1), ((2, 3),)),
    "repeat a number": (lambda x: np.repeat(x, 3), ((),)),
    "tile": (lambda x: np.tile(x, 2), ((2, 3),)),
    "tile in a plane": (lambda x: np.tile(x, (2, 3)), ((3,),)),
    "tile with axes in front": (lambda x: np.tile(x, (2, 1, 2)), ((2, 3),)),
    "resize to more": (lambda x: np.resize(x, (3, 4)), ((5,),)),
    "resize to less": (lambda x: np.resize(x, 2), ((2, 3),)),
    "resize of nothing": (lambda x: np.resize(x, (2, 2)) + x.sum(), ((0,),)),
    "meshgrid": (lambda x, y: np.meshgrid(x, y)[0] * np.meshgrid(x, y)[1], ((3,), (2,))),
    "meshgrid of matrices, sparse": (
        lambda x, y: np.add(*np.meshgrid(x, y, indexing="ij", sparse=True)),
        ((3,), (2,)),
    ),
    "meshgrid of three": (lambda x, y: np.stack(np.meshgrid(x, y, 1.5)) ** 2, ((3,), (2,))),
}

JOINING: dict[str, Call] = {
    "concat": (lambda x, y: np.concat([x, y]), PAIR),
    "concatenate with a list": (lambda x: np.concatenate([x, [[1, 2, 3]]]), ((2, 3),)),
    "vstack": (lambda x, y: np.vstack([x, y]), ((3,), (2, 3))),
    "hstack": (lambda x, y: np.hstack([x, y]), ((2, 3), (2, 1))),
    "hstack of vectors": (lambda x, y: np.hstack((x, y)), ((3,), ())),
    "dstack": (lambda x, y: np.dstack([x, y]), PAIR),
    "column_stack": (lambda x, y: np.column_stack([x, y]), ((2,), (2, 3))),
    "block": (
        lambda x, y: np.block([[x, np.ones((2, 1))], [np.zeros((1, 3)), y]]),
        ((2, 3), ()),
    ),
    "block of a row": (lambda x, y: np.block([x, y, 1.0]), ((3,), (2,))),
    "block of one": (lambda x: np.block(x) * 1, ((3,),)),
    "append": (lambda x, y: np.append(x, y), ((2, 3), (2,))),
    "append along an axis": (lambda x, y: np.append(x, y, axis=1), ((2, 3), (2, 1))),
    "append to an array": (lambda x: np.append([1.0, 2.0], x), ((2,),)),
    "split": (lambda x: np.split(x, 2, axis=1)[1] * 2, ((2, 4),)),
    "split at points": (lambda x: np.concatenate(np.split(x, [1, 3])[::-1]), ((5,),)),
    "array_split": (lambda x: np.concatenate(np.array_split(x, 3)[::-1]), ((5,),)),
    "array_split to more than there are": (
        lambda x: np.concatenate(np.array_split(x, 7)[::-1]),
        ((5,),),
    ),
    "hsplit": (lambda x: np.hsplit(x, 2)[0] + np.hsplit(x, 2)[1] ** 2, ((2, 4),)),
    "hsplit of a vector": (lambda x: np.hsplit(x, [1])[1], ((4,),)),
    "vsplit": (lambda x: np.vsplit(x, 2)[1], ((2, 4),)),
    "dsplit": (lambda x: np.dsplit(x, 2)[1], ((2, 2, 2),)),
    "insert a number": (lambda x, y: np.insert(x, 1, y), ((4,), ())),
    "insert numbers": (lambda x, y: np.insert(x, [1, 1, 3], y), ((4,), (3,))),
    "insert a row": (lambda x, y: np.insert(x, 1, y, axis=0), ((2, 3), (3,))),
    "insert a column": (lambda x, y: np.insert(x, 1, y, axis=1), ((2, 3), (2,))),
    "insert at a slice": (lambda x, y: np.insert(x, slice(0, 3, 2), y), ((4,), (2,))),
    "insert columns": (lambda x, y: np.insert(x, [-1, 0], y, axis=1), ((2, 3), (2, 2))),
    "delete": (lambda x: np.delete(x, 1), ((2, 3),)),
    "delete columns": (lambda x: np.delete(x, [0, -1], axis=1), ((2, 3),)),
    "delete a slice": (lambda x: np.delete(x, slice(None, None, 2)), ((5,),)),
    "delete by mask": (lambda x: np.delete(x, np.array([True, False, True])), ((3,),)),
}
if hasattr(np, "unstack"):
    JOINING["unstack"] = (lambda x: np.multiply(*np.unstack(x, axis=1)), ((3, 2),))

PADDING: dict[str, Call] = {
    "pad": (lambda x: np.pad(x, 1), ((2, 3),)),
    "pad one axis each": (lambda x: np.pad(x, ((1, 2), (0, 1))), ((2, 3),)),
    "pad before and after": (lambda x: np.pad(x, (1, 2)), ((2, 3),)),
    "pad, by axis": (
        lambda x: np.concatenate([np.pad(x, ((0, 0), (2, 1))), np.pad(x, [[0, 1], [1, 2]])]),
        ((2, 3),),
    ),
    "pad with numbers": (lambda x: np.pad(x, 1, constant_values=((1, 2), (3, 4))), ((2, 3),)),
    "pad the edge": (lambda x: np.pad(x, (2, 1), mode="edge"), ((2, 3),)),
    "pad by reflection": (lambda x: np.pad(x, (3, 1), "reflect"), ((2, 3),)),
    "pad by symmetry": (lambda x: np.pad(x, (3, 1), "symmetric"), ((2, 3),)),
    "pad around": (lambda x: np.pad(x, ((3, 1), (0, 0)), "wrap"), ((2, 3),)),
    "pad by reflection, not at all": (lambda x: np.pad(x, 0, "reflect") * 2, ((2, 3),)),
    "pad by a ramp": (lambda x: np.pad(x, (3, 2), "linear_ramp", end_values=(1, -2)), ((2, 3),)),
    "pad by the maximum": (lambda x: np.pad(x, 1, "maximum"), ((2, 3),)),
    "pad by a near minimum": (
        lambda x: np.pad(x, (2, 1), "minimum", stat_length=((1, 2), (2, 9))),
        ((3, 4),),
    ),
    "pad by the mean": (lambda x: np.pad(x, (0, 2), "mean", stat_length=2), ((2, 3),)),
}

DIAGONALS: dict[str, Call] = {
    "diagonal": (lambda x: np.diagonal(x, 1), ((3, 4),)),
    "diagonal below": (lambda x: x.diagonal(-1), ((3, 4),)),
    "diagonal of many": (lambda x: np.diagonal(x, 0, -1, 0), ((2, 3, 4),)),
    "linalg.diagonal": (lambda x: np.linalg.diagonal(x, offset=1), ((2, 3, 4),)),
    "trace": (lambda x: np.trace(x), ((3, 4),)),
    "trace of many": (lambda x: x.trace(1, 2, 1), ((2, 3, 4),)),
    "linalg.trace": (lambda x: np.linalg.trace(x, offset=-1), ((2, 3, 4),)),
    "diag of a matrix": (lambda x: np.diag(x, -1), ((3, 4),)),
    "diag of a vector": (lambda x: np.diag(x, 2), ((3,),)),
    "diagflat": (lambda x: np.diagflat(x, -1), ((2, 2),)),
    "tril": (lambda x: np.tril(x), ((3, 4),)),
    "triu above": (lambda x: np.triu(x, 1), ((2, 3, 4),)),
    "tril of a vector": (lambda x: np.tril(x), ((3,),)),
    "tril_indices_from": (lambda x: x[np.tril_indices_from(x, -1)], ((3, 4),)),
    "triu_indices_from": (lambda x: x[np.triu_indices_from(x)], ((3, 4),)),
    "diag_indices_from": (lambda x: x[np.diag_indices_from(x)], ((3, 3),)),
    "fill_diagonal": (in_place(lambda x, y: np.fill_diagonal(x, y)), ((3, 4), ())),
    "fill_diagonal, wrapped": (
        in_place(lambda x, y: np.fill_diagonal(x, y, wrap=True)),
        ((7, 2), (3,)),
    ),
    "fill_diagonal of a cube": (in_place(lambda x, y: np.fill_diagonal(x, y)), ((2, 2, 2), ())),
}

windows = np.lib.stride_tricks.sliding_window_view

PICKING: dict[str, Call] = {
    "take method": (lambda x: x.take([2, 0, 2], axis=-1), ((2, 3),)),
    "take clipped": (lambda x: np.take(x, [-5, 1, 9], 1, mode="clip"), ((2, 3),)),
    "take a number": (lambda x: np.take(x, 1, axis=0), ((2, 3),)),
    "take_along_axis": (lambda x: np.take_along_axis(x, PICKS, 1), ((3, 4),)),
    "take_along_axis of the flattened": (
        lambda x: np.take_along_axis(x, np.array([3, 0, 3]), None),
        ((2, 2),),
    ),
    "take_along_axis, one of each row": (
        lambda x: np.take_along_axis(x, np.argmax(x, 1, keepdims=True), 1),
        ((3, 4),),
    ),
    "take_along_axis, stretched": (lambda x: np.take_along_axis(x, PICKS, 1), ((1, 4),)),
    "take_along_axis, positions stretched": (
        lambda x: np.take_along_axis(x, np.array([[1, 1, 0]]), 1),
        ((3, 2),),
    ),
    "compress": (lambda x: np.compress([False, True, True], x, axis=1), ((2, 3),)),
    "compress method": (lambda x: x.compress([False, True, True]), ((2, 3),)),
    "extract": (lambda x: np.extract(x > 0, x), ((2, 3),)),
    "choose": (lambda x, y: np.choose([[0, 1, 1], [1, 0, 1]], [x, y]), ((2, 3), (3,))),
    "choose, wrapped and clipped": (
        lambda x, y: np.choose([-3, 5, 1], [x, y], mode="clip"),
        ((3,), ()),
    ),
    "put_along_axis": (
        in_place(lambda x, y: np.put_along_axis(x, PICKS, y, axis=1)),
        ((3, 4), (3, 2)),
    ),
    "put": (in_place(lambda x, y: np.put(x, [0, -1, 2], y)), ((2, 3), (2,))),
    "put, clipped": (in_place(lambda x, y: np.put(x, [0, 99], y, mode="clip")), ((2, 3), (2,))),
    "put nothing": (in_place(lambda x: np.put(x, np.zeros(0, int), 1.0)), ((2, 3),)),
    "putmask": (
        in_place(lambda x, y: np.putmask(x, [[True, False, True]] * 2, y)),
        ((2, 3), (4,)),
    ),
    "place": (in_place(lambda x, y: np.place(x, x > 0, y)), ((2, 3), (2,))),
    "copyto": (in_place(lambda x, y: np.copyto(x, y)), ((2, 3), (3,))),
    "copyto where": (in_place(lambda x, y: np.copyto(x, y, where=[True, False, True])), PAIR),
    "fill": (in_place(lambda x, y: x.fill(y)), ((2, 3), ())),
    "ix_": (lambda x: x[np.ix_([0, 2], [1, 1, 0])], ((3, 4),)),
    "windows": (lambda x: windows(x, (2, 3)), ((4, 5),)),
    "windows along an axis": (lambda x: windows(x, 3, axis=-2), ((2, 4, 2),)),
    "windows of windows": (lambda x: windows(x, (2, 3), axis=(1, 1)), ((2, 5),)),
    "windows of a sequence": (lambda x: windows(x, 4).mean(-1) ** 2, ((6,),)),
    "windows of nothing": (lambda x: windows(x, 0), ((2,),)),
}

SORTING: dict[str, Call] = {
    "sort": (lambda x: np.sort(x), ((3, 4),)),
    "sort columns": (lambda x: np.sort(x, axis=0, kind="stable"), ((3, 4),)),
    "sort all": (lambda x: np.sort(x, axis=None, stable=True), ((3, 4),)),
    "sort, falling": (lambda x: np.sort(x)[..., ::-1] * np.arange(4.0), ((3, 4),)),
    "sort in place": (in_place(lambda x: x.sort(0)), ((3, 4),)),
    "argsort": (lambda x: np.take_along_axis(x, np.argsort(-x, 1), 1), ((3, 4),)),
    "argsort method": (lambda x: x[x.argsort()], ((4,),)),
    "partition": (lambda x: np.partition(x, 2, axis=0), ((5, 2),)),
    "partition, several": (lambda x: np.partition(x, (1, -1)), ((2, 6),)),
    "partition in place": (in_place(lambda x: x.partition(2)), ((2, 6),)),
    "argpartition": (lambda x: x[np.argpartition(x, 2)], ((6,),)),
    "lexsort": (lambda x: x[np.lexsort((x, np.array([1, 0, 1, 0])))], ((4,),)),
    "searchsorted": (lambda x, y: x.sum() + y * np.searchsorted(np.sort(x), y), ((4,), (3,))),
    "searchsorted with a sorter": (
        lambda x, y: x.sum() + y * np.searchsorted(x, y, "right", sorter=np.argsort(x)),
        ((4,), (3,)),
    ),
    "isin": (lambda x: x * np.isin(x > 0, [True]), ((4,),)),
    "isin, inverted": (lambda x: x * np.isin(np.argsort(x), [0, 2], invert=True), ((4,),)),
    "nonzero": (lambda x: x[np.nonzero(x > 0)], ((3, 4),)),
    "where of a condition alone": (lambda x: x[np.where(x > 0)], ((3, 4),)),
    "flatnonzero": (lambda x: x.reshape(-1)[np.flatnonzero(x > 0)], ((3, 4),)),
    "argwhere": (lambda x: x[tuple(np.argwhere(x > 0).T)], ((3, 4),)),
}

LIKE: dict[str, Call] = {
    "zeros_like in another shape": (lambda x: np.zeros_like(x, shape=(2, 1)) + x, ((3,),)),
    "ones_like of another dtype": (lambda x: np.ones_like(x, dtype=np.float32) * x, ((3,),)),
    "empty_like": (lambda x: np.empty_like(x, shape=(2, 0)).sum() + x, ((3,),)),
    "full_like": (lambda x: np.full_like(x, 2.5) * x, ((2, 3),)),
    "full_like of a tensor": (lambda x: np.full_like(x, x[0, 0]), ((2, 3),)),
    "copy": (lambda x: np.copy(x, order="F"), ((2, 3),)),
    "astype": (lambda x: x.astype(np.float64, copy=False), ((2, 3),)),
}

CALLS = LAYOUT | JOINING | PADDING | DIAGONALS | PICKING | SORTING | LIKE


def check(f: Callable[..., Any], arrays: list[Any], rng: np.random.Generator) -> None:
    """NumPy's value and dtype; gradients as differences give them; second order along the way."""
    expected = np.asarray(f(*arrays))
    tensors = [clearprop.tensor(x) for x in arrays]
    result = f(*tensors)
    assert isinstance(result, Tensor)
    assert result.shape == expected.shape
    assert result.dtype == expected.dtype
    np.testing.assert_allclose(np.asarray(result.value), expected, 1e-14, 1e-15)
    g = rng.standard_normal(expected.shape)[()]
    result.backward(g)
    for i, t in enumerate(tensors):

        def weighed(x: Any, i: int = i) -> Any:
            return np.sum(g * f(*(x if i == j else y for j, y in enumerate(arrays))))

        np.testing.assert_allclose(t.grad, slopes(weighed, arrays[i]), 1e-7, 1e-8)


@pytest.mark.parametrize("name", CALLS)
def test_numpy_code_as_users_write_it(name: str, rng: np.random.Generator) -> None:
    f, shapes = CALLS[name]
    check(f, [rng.uniform(-1, 1, shape)[()] for shape in shapes], rng)


@pytest.mark.parametrize("name", CALLS)
def test_second_derivatives(name: str, rng: np.random.Generator) -> None:
    f, shapes = CALLS[name]
    arrays = tuple(rng.uniform(-1, 1, shape)[()] for shape in shapes)
    vs = tuple(rng.standard_normal(shape)[()] for shape in shapes)
    first = clearprop.grad(lambda *xs: np.sum(f(*xs) ** 3), tuple(range(len(arrays))))
    product = clearprop.hvp(lambda *xs: np.sum(f(*xs) ** 3), arrays, vs)
    step = 1e-5
    ahead, behind = (
        first(*(x + s * v for x, v in zip(arrays, vs, strict=True))) for s in (step, -step)
    )
    for a, b, d in zip(ahead, behind, product, strict=True):
        np.testing.assert_allclose(d, (a - b) / (2 * step), 1e-5, 1e-7)


UNTRACEABLE = {
    "where of a condition alone",
    "extract",
    "place",
    "nonzero",
    "flatnonzero",
    "argwhere",
}
"""How many entries there are depends on the numbers."""
BY_MEMORY = {name for name in LAYOUT if "by memory" in name}


@pytest.mark.parametrize("name", CALLS)
def test_traced(name: str, rng: np.random.Generator) -> None:
    f, shapes = CALLS[name]
    arrays = [rng.uniform(-1, 1, shape)[()] for shape in shapes]
    if name in UNTRACEABLE | BY_MEMORY:
        with pytest.raises(TraceError):
            clearprop.trace(f, *arrays)
        return
    found = clearprop.trace(f, *arrays).evaluate(*arrays)
    np.testing.assert_allclose(found, f(*arrays), 1e-14, 1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.complex64, np.complex128, np.int32])
@pytest.mark.parametrize("name", CALLS)
def test_other_numbers_move_as_well(name: str, dtype: Any, rng: np.random.Generator) -> None:
    f, shapes = CALLS[name]
    if np.dtype(dtype).kind == "c" and name in ("searchsorted", "astype"):
        pytest.skip("no order, or no way back to real numbers")
    arrays = [np.asarray(rng.uniform(-9, 9, shape) * (1 + 0.5j)) for shape in shapes]
    arrays = [(x if np.dtype(dtype).kind == "c" else x.real).astype(dtype) for x in arrays]
    expected = np.asarray(f(*(x[()] for x in arrays)))
    result = f(*map(clearprop.tensor, arrays))
    assert result.dtype == expected.dtype
    rtol = 1e-15 if dtype == np.complex128 else 1e-6 if dtype != np.float16 else 1e-2
    np.testing.assert_allclose(np.asarray(result.value), expected, rtol, 1e-6)
    if np.dtype(dtype).kind != "i":
        tensors = [clearprop.tensor(x) for x in arrays]
        result = f(*tensors)
        np.sum((result * np.conj(result)).real).backward()
        for t in tensors:
            assert t.grad.dtype == dtype
            assert t.grad.shape == t.shape


# ---- what is particular


def test_mixed_dtypes_are_joined() -> None:
    x, z = clearprop.tensor([1.0, 2.0]), clearprop.tensor([3 + 4j])
    joined = np.concatenate([x, z, np.array([5])])
    assert joined.dtype == np.complex128
    # L = Σ |v|², direction of steepest ascent 2v
    np.sum(np.abs(joined) ** 2).backward()
    assert x.grad.tolist() == [2, 4]
    assert x.grad.dtype == np.float64
    np.testing.assert_allclose(z.grad, [6 + 8j])


def test_joining_to_a_dtype() -> None:
    x, y = clearprop.tensor([1.0, 2.0]), clearprop.tensor(np.ones(2, np.float32))
    for join in (np.concatenate, np.stack, np.vstack, np.hstack):
        joined = join([x, y], dtype=np.float32)
        assert joined.dtype == np.float32
        assert np.array_equal(joined.value, join([x.value, y.value], dtype=np.float32))
    with pytest.raises(DtypeError, match="same_kind"):
        np.concatenate([x, y], dtype=int)
    assert np.concatenate([x, y], dtype=int, casting="unsafe").dtype == int


@pytest.mark.parametrize("dtype", [np.float32, np.complex128, np.int64, bool])
def test_astype_between_kinds(dtype: Any) -> None:
    t = clearprop.tensor([1.0, 0.0, -2.5])
    converted = t.astype(dtype)
    assert np.array_equal(converted.value, t.value.astype(dtype))
    assert converted.requires_grad == (np.dtype(dtype).kind in "fc")
    if np.dtype(dtype).kind in "fc":
        np.sum(np.abs(converted) ** 2).backward()
        assert t.grad.tolist() == [2, 0, -5]
        assert t.grad.dtype == np.float64


def test_astype_from_complex_to_real() -> None:
    z = clearprop.tensor([1 + 2j, -3j])
    with pytest.warns(np.exceptions.ComplexWarning):
        x = z.astype(float)
    np.sum(x * np.array([2.0, 5.0])).backward()
    assert z.grad.tolist() == [2, 5]


def test_astype_copies_unless_told_not_to() -> None:
    t = clearprop.tensor([1.0, 2.0]) * 1
    other = t.astype(float)
    other[0] = 5.0
    assert t.tolist() == [1, 2]
    assert t.astype(float, copy=False) is t
    with pytest.raises(DtypeError, match="safe"):
        t.astype(np.float32, casting="safe")


def test_new_arrays_may_be_assigned_into() -> None:
    x = clearprop.tensor([1.0, 2.0, 3.0])
    for make in (np.zeros_like, np.ones_like, np.empty_like, lambda x: np.full_like(x, 7.0)):
        x.zero_grad()
        y = make(x)
        assert not y.requires_grad
        y[:] = 0.0
        y[1:] = x[:-1] * 2
        y.sum().backward()
        assert x.grad.tolist() == [2, 2, 0]
    y = np.full_like(x, x[0])
    y[0] = x[2]
    x.zero_grad()
    y.sum().backward()
    assert x.grad.tolist() == [2, 0, 1]
    assert np.zeros_like(x, dtype=int).dtype == int
    with pytest.raises(DtypeError, match="dtype=float"):
        np.full_like(clearprop.tensor([1, 2]), x[0])


def test_copies_are_no_windows() -> None:
    t = clearprop.tensor(np.arange(6.0).reshape(2, 3)) * 1
    makers = (
        lambda t: np.tile(t, 2), lambda t: np.repeat(t, 2), lambda t: np.roll(t, 1), lambda t: np.pad(t, 1),
        np.sort, np.copy, lambda t: t.flatten(), np.tril, np.diagflat, lambda t: np.delete(t, 0), np.meshgrid,
    )  # fmt: skip
    for make in makers:
        made = make(t)
        made = made[0] * 1 if isinstance(made, tuple) else made
        made[0] = 100.0
    assert t.tolist() == [[0, 1, 2], [3, 4, 5]]


def test_sorting_equal_numbers_keeps_their_order() -> None:
    t = clearprop.tensor([2.0, 1.0, 2.0, 1.0])
    np.sum(np.sort(t) * np.array([1.0, 10.0, 100.0, 1000.0])).backward()
    assert t.grad.tolist() == [100, 1, 1000, 10]


def test_numbers_with_nan_are_sorted() -> None:
    t = clearprop.tensor([np.nan, 1.0, 0.0])
    np.sort(t)[:2].sum().backward()
    assert t.grad.tolist() == [0, 1, 1]


def test_positions_have_no_gradient() -> None:
    t = clearprop.tensor([3.0, 1.0, 2.0])
    for found in (np.argsort(t), t.argpartition(1), np.searchsorted(t, 2.5), np.isin(t, [1.0])):
        assert isinstance(found, Tensor)
        assert not found.requires_grad
    assert [x.tolist() for x in t.nonzero()] == [[0, 1, 2]]


def test_unique_asks_whose_gradient() -> None:
    with pytest.raises(UnsupportedError, match="return_index"):
        np.unique(clearprop.tensor([1.0, 1.0]))
    values, counts = np.unique(clearprop.tensor([2, 1, 2]), return_counts=True)
    assert (values.tolist(), counts.tolist()) == ([1, 2], [1, 2])


def test_attributes_of_arrays() -> None:
    t = clearprop.tensor(np.arange(6.0, dtype=np.float32).reshape(2, 3))
    assert (t.size, t.ndim, t.itemsize, t.nbytes) == (6, 2, 4, 24)
    assert (t.item(4), t.item(1, 0), t.tolist()) == (4.0, 3.0, [[0, 1, 2], [3, 4, 5]])
    assert [float(x.value) for x in t.flat] == [0, 1, 2, 3, 4, 5]
    u = t * 1
    u.flat = [1.0, 2.0]
    assert u.tolist() == [[1, 2, 1], [2, 1, 2]]
    u.put([0, 5], 9.0)
    assert u.tolist() == [[9, 2, 1], [2, 1, 9]]
    with pytest.raises(UnsupportedError, match="astype"):
        t.view(np.int32)
    u.flat[0] = 1.0
    u.T.flat[1:3] = [5.0, 6.0]
    assert u.tolist() == [[1, 6, 1], [5, 1, 9]]
    with pytest.raises(UnsupportedError, match=r"np\.exp got .* t\.ravel\(\)"):
        np.exp(u.flat)


def test_writing_into_plain_arrays_is_refused() -> None:
    array, t = np.zeros((2, 2)), clearprop.tensor([1.0, 2.0])
    for write in (
        lambda: np.copyto(array, t),
        lambda: np.put(array, [0, 1], t),
        lambda: np.putmask(array, array == 0, t),
        lambda: np.place(array, array == 0, t),
        lambda: np.put_along_axis(array, np.array([[0], [1]]), t, 1),
        lambda: np.fill_diagonal(array, t),
    ):
        with pytest.raises((LostGradientError, UnsupportedError)):
            write()
    assert not array.any()


def test_gradients_do_not_go_into_whole_numbers() -> None:
    whole, t = clearprop.tensor([1, 2, 3]), clearprop.tensor([1.5, 2.5, 3.5])
    for write in (
        lambda: np.putmask(whole, [True, False, True], t),
        lambda: np.place(whole, [True, False, True], t),
        lambda: np.put(whole, [0], t[0]),
        lambda: np.copyto(whole, t),
        lambda: np.insert(whole, 0, t[0]),
    ):
        with pytest.raises(DtypeError):
            write()


@pytest.mark.parametrize(
    ("f", "phrase"),
    [
        (lambda t: np.block([[t], t]), "different depths"),
        (lambda t: np.split(t, 4), "array_split"),
        (lambda t: np.array_split(t, 0), "at least one"),
        (lambda t: np.vsplit(t, 1), "fewer than 2 axes"),
        (lambda t: np.repeat(t, [1, 2], axis=0), r"\(3,\)"),
        (lambda t: np.rot90(t[None], axes=(0, 0)), "plane"),
        (lambda t: np.fliplr(t), "columns"),
        (lambda t: np.pad(t, ((1, 1), (1, 1), (2, 2))), "pad_width"),
        (lambda t: np.pad(t, -1), "negative"),
        (lambda t: np.trace(t), "two axes"),
        (lambda t: np.diagonal(t[None], 0, 1, -1), "twice"),
        (lambda t: np.diag(t[None, None]), "vector or a matrix"),
        (lambda t: np.fill_diagonal(t * 1, 0), "no diagonal"),
        (lambda t: np.take_along_axis(t, np.array([[0]]), 0), "same number of axes"),
        (lambda t: np.matrix_transpose(t), "two axes"),
        (lambda t: np.broadcast_arrays(t, np.ones(2)), r"\(3,\) and \(2,\)"),
        (lambda t: np.roll(t, (1, 2, 3), (0, 0)), "lengths"),
        (lambda t: np.ix_(t[None]), "one axis"),
        (lambda t: np.sort(t, 3), "axis 3"),
        (lambda t: np.resize(t, -2), "negative"),
        (lambda t: np.reshape(t, (-3, -1)), "reshape"),
        (lambda t: windows(t, 4), r"windows of shape 4 .* shape \(3,\)"),
    ],
)
def test_shapes_that_do_not_fit(f: Callable[[Any], Any], phrase: str) -> None:
    with pytest.raises(ShapeError, match=phrase):
        f(clearprop.tensor([1.0, 2.0, 3.0]))


def test_what_is_not_supported_says_so() -> None:
    t = clearprop.tensor([1.0, 2.0, 3.0])
    with pytest.raises(UnsupportedError, match="median"):
        np.pad(t, 1, "median")
    with pytest.raises(UnsupportedError, match="even"):
        np.pad(t, 1, "reflect", reflect_type="odd")
    with pytest.raises(LostGradientError, match="constants"):
        np.pad(t, 1, constant_values=t[0])
    with pytest.raises(DtypeError, match="whole numbers"):
        np.take_along_axis(t, np.array([0.0]), 0)
    with pytest.raises(UnsupportedError, match="memory"):
        np.ravel(t[::2], "K")
    with pytest.raises(ValueError, match="order"):
        np.reshape(t, (3, 1), order="X")
    with pytest.raises(ValueError, match="mode"):
        np.take(t, 0, mode="loop")
    with pytest.raises(ValueError, match="negative"):
        np.choose(np.array([-1]), [t])
    with pytest.raises(UnsupportedError, match="fields"):
        np.sort(t, order="name")
