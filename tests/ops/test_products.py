"""Products of every kind: NumPy's values and dtypes, central differences, messages."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.errors import ShapeError
from tests.calls import Shapes, check_call, draw

CALLS: dict[str, tuple[Callable[..., Any], Shapes]] = {
    "vdot": (np.vdot, ((3,), (3,))),
    "vdot flattens": (np.vdot, ((2, 3), (6,))),
    "inner of vectors": (np.inner, ((3,), (3,))),
    "inner of matrices": (np.inner, ((2, 3), (4, 3))),
    "inner of a matrix and a vector": (np.inner, ((2, 3), (3,))),
    "inner of many axes": (np.inner, ((2, 1, 3), (4, 2, 3))),
    "inner with a number": (np.inner, ((2, 3), ())),
    "tensordot": (np.tensordot, ((2, 3, 4), (3, 4, 2))),
    "tensordot over one axis": (lambda x, y: np.tensordot(x, y, 1), ((2, 3), (3, 2))),
    "tensordot over none": (lambda x, y: np.tensordot(x, y, 0), ((2, 3), (2,))),
    "tensordot over all": (lambda x, y: np.tensordot(x, y, 2), ((2, 3), (2, 3))),
    "tensordot over named axes": (
        lambda x, y: np.tensordot(x, y, ([0, -1], [2, 0])),
        ((2, 3, 4), (4, 3, 2)),
    ),
    "tensordot over two single axes": (lambda x, y: np.tensordot(x, y, (1, 0)), ((2, 3), (3,))),
    "tensordot of nothing": (lambda x, y: np.tensordot(x, y, 1), ((2, 0), (0, 3))),
    "linalg.tensordot": (lambda x, y: np.linalg.tensordot(x, y, axes=1), ((2, 3), (3, 2))),
    "dot": (np.dot, ((2, 3), (4, 3, 2))),
    "dot of nothing": (np.dot, ((0,), (3, 0, 3))),
    "outer": (np.outer, ((3,), (2, 2))),
    "linalg.outer": (np.linalg.outer, ((3,), (2,))),
    "matmul": (np.matmul, ((4, 2, 3), (3, 2))),
    "linalg.matmul": (np.linalg.matmul, ((2, 3), (3, 2))),
    "kron of vectors": (np.kron, ((2,), (3,))),
    "kron of matrices": (np.kron, ((2, 3), (3, 2))),
    "kron of many axes": (np.kron, ((2,), (2, 1, 3))),
    "kron with a number": (np.kron, ((), (2, 3))),
    "cross": (np.cross, ((4, 3), (3,))),
    "cross along named axes": (
        lambda x, y: np.cross(x, y, axisa=0, axisb=1, axisc=0),
        ((3, 2), (2, 3)),
    ),
    "cross along one axis": (lambda x, y: np.cross(x, y, axis=0), ((3, 2), (3, 2))),
    "cross in the plane": (np.cross, ((4, 2), (2,))),
    "cross of plane and space": (np.cross, ((4, 2), (3,))),
    "cross of space and plane": (np.cross, ((3,), (2,))),
    "linalg.cross": (lambda x, y: np.linalg.cross(x, y, axis=0), ((3, 2), (3, 2))),
    "multi_dot of two": (lambda *xs: np.linalg.multi_dot(xs), ((2, 3), (3, 2))),
    "multi_dot": (lambda *xs: np.linalg.multi_dot(xs), ((2, 3), (3, 5), (5, 1), (1, 2))),
    "multi_dot from a vector": (lambda *xs: np.linalg.multi_dot(xs), ((3,), (3, 2), (2, 4))),
    "multi_dot of vectors at both ends": (
        lambda *xs: np.linalg.multi_dot(xs),
        ((3,), (3, 2), (2,)),
    ),
    "vecdot": (np.vecdot, ((4, 3), (3,))),
    "vecdot along an axis": (lambda x, y: np.vecdot(x, y, axis=0), ((3, 2), (3, 2))),
    "vecdot that keeps it": (lambda x, y: np.vecdot(x, y, axis=0, keepdims=True), ((3, 2), (3, 2))),
    "linalg.vecdot": (lambda x, y: np.linalg.vecdot(x, y, axis=-2), ((3, 2), (3, 2))),
    "linalg.diagonal": (np.linalg.diagonal, ((2, 3, 4),)),
    "linalg.diagonal above": (lambda x: np.linalg.diagonal(x, offset=2), ((3, 4),)),
    "linalg.diagonal below": (lambda x: np.linalg.diagonal(x, offset=-1), ((3, 4),)),
    "linalg.diagonal outside": (lambda x: np.linalg.diagonal(x, offset=9), ((2, 3, 4),)),
    "linalg.trace": (np.linalg.trace, ((2, 3, 3),)),
    "linalg.trace above": (lambda x: np.linalg.trace(x, offset=1), ((3, 4),)),
    "trace": (np.trace, ((3, 3),)),
    "trace of named axes": (lambda x: np.trace(x, 1, 2, 0), ((3, 2, 4),)),
    "trace method": (lambda x: x.trace(-1), ((3, 3, 2),)),
    "linalg.matrix_transpose": (np.linalg.matrix_transpose, ((2, 3, 4),)),
    "matrix_transpose": (np.matrix_transpose, ((3, 4),)),
    "convolve": (np.convolve, ((5,), (3,))),
    "convolve the shorter one": (np.convolve, ((2,), (4,))),
    "convolve with a number": (np.convolve, ((4,), ())),
    **{
        f"{f.__name__} {mode} {m} {n}": (lambda x, y, f=f, mode=mode: f(x, y, mode), ((m,), (n,)))
        for f in (np.convolve, np.correlate)
        for mode in ("full", "same", "valid")
        for m, n in ((5, 3), (5, 2), (2, 5), (3, 4), (3, 3), (1, 4))
    },
}
if hasattr(np, "matvec"):
    CALLS |= {
        "matvec": (np.matvec, ((2, 3), (3,))),
        "matvec of many": (np.matvec, ((4, 1, 2, 3), (5, 3))),
        "vecmat": (np.vecmat, ((3,), (3, 2))),
        "vecmat of many": (np.vecmat, ((5, 3), (4, 1, 3, 2))),
    }


@pytest.mark.filterwarnings("ignore:Arrays of 2-dimensional vectors")
@pytest.mark.parametrize("name", CALLS)
def test_real(name: str) -> None:
    f, shapes = CALLS[name]
    check_call(f, draw(shapes))


@pytest.mark.filterwarnings("ignore:Arrays of 2-dimensional vectors")
@pytest.mark.parametrize("kinds", ["cc", "cr", "rc"])
@pytest.mark.parametrize("name", [name for name in CALLS if len(CALLS[name][1]) > 1])
def test_complex(name: str, kinds: str) -> None:
    f, shapes = CALLS[name]
    check_call(f, draw(shapes, kinds))


def test_conjugate_of_one_factor_by_hand() -> None:
    x, y = clearprop.tensor(1 + 2j), clearprop.tensor(3 - 1j)
    np.vdot(x, y).real.backward()
    assert complex(x.grad) == 3 - 1j  # Re(conj(x) y) = Re x Re y + Im x Im y
    assert complex(y.grad) == 1 + 2j


def test_numbers_and_lists_take_part() -> None:
    x = clearprop.tensor([1.0, 2.0])
    total = np.inner(x, [3, 4]) + np.kron(2, x).sum() + np.vdot([1.0, 1.0], x) + np.cross([1, 2], x)
    total = total + np.tensordot([[1, 0]], x, 1)[0] + np.convolve(x, [1, 1]).sum()
    total.backward()
    assert x.grad.tolist() == [3 + 2 + 1 - 2 + 1 + 2, 4 + 2 + 1 + 1 + 0 + 2]


def test_multi_dot_takes_the_cheap_order() -> None:
    rng = np.random.default_rng(0)
    a, b, c, d = (rng.standard_normal(s) for s in ((9, 8), (8, 1), (1, 8), (8, 2)))
    graph = clearprop.trace(lambda *xs: np.linalg.multi_dot(xs), a, b, c, d)
    shapes = [node.out.spec.shape for node in graph.nodes if node.primitive.name == "matmul"]
    assert sorted(shapes) == [(1, 2), (9, 1), (9, 2)]


def test_trace_in_another_dtype() -> None:
    x = clearprop.tensor(np.eye(3, dtype="float32"))
    result = np.linalg.trace(x, dtype=np.float64)
    assert result.dtype == np.float64
    result.backward()
    assert x.grad.dtype == np.float32
    assert x.grad.tolist() == np.eye(3).tolist()


def test_products_of_whole_numbers() -> None:
    i = clearprop.tensor([[1, 2], [3, 4]])
    assert np.einsum("ij,jk", i, i).tolist() == [[7, 10], [15, 22]]
    assert np.linalg.trace(i).item() == 5
    assert np.convolve(i[0], i[1]).tolist() == [3, 10, 8]


@pytest.mark.parametrize(
    ("f", "shapes", "words"),
    [
        (np.vdot, ((2,), (3,)), "equally many"),
        (np.inner, ((2, 3), (4, 2)), "sizes 3 and 2 differ"),
        (np.tensordot, ((2, 3), (3, 2)), "equal sizes"),
        (lambda x, y: np.tensordot(x, y, ([0, 1], [0])), ((2, 3), (2, 3)), "as many axes"),
        (lambda x, y: np.tensordot(x, y, ([5], [0])), ((2, 3), (2, 3)), "out of range"),
        (np.linalg.outer, ((2, 3), (3,)), "np.outer flattens"),
        (np.cross, ((4,), (4,)), "2 or 3 numbers"),
        (np.linalg.cross, ((2,), (2,)), "vectors of 3 numbers"),
        (lambda *xs: np.linalg.multi_dot(xs), ((2, 3),), "two arrays or more"),
        (lambda *xs: np.linalg.multi_dot(xs), ((2, 3), (3,), (3, 2)), "may be vectors"),
        (lambda *xs: np.linalg.multi_dot(xs), ((2, 3), (2, 3)), "sizes 3 and 2 differ"),
        (np.vecdot, ((3,), (2,)), "sizes 3 and 2 differ"),
        (np.vecdot, ((), (2,)), "no vector"),
        (np.linalg.diagonal, ((3,),), "two axes or more"),
        (np.convolve, ((2, 3), (2,)), "sequences"),
        (np.convolve, ((0,), (2,)), "at least one number"),
    ],
)
def test_messages(f: Callable[..., Any], shapes: Shapes, words: str) -> None:
    with pytest.raises(ShapeError, match=words):
        f(*map(clearprop.tensor, draw(shapes)))


def test_unknown_mode() -> None:
    with pytest.raises(ValueError, match="'full', 'same' or 'valid', not 'best'"):
        np.convolve(clearprop.tensor([1.0]), [1.0], "best")  # type: ignore[call-overload]


def test_plane_vectors_do_not_warn() -> None:
    x = clearprop.tensor([1.0, 2.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.cross(x, x).item() == 0


def test_written_as_people_write() -> None:
    a, b = np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0])
    told = clearprop.explain(lambda a, b: np.sum(np.convolve(a + 1, b, "valid") ** 2), a, b)
    assert told.formula("a") == "dout/da = convolve(2 * convolve(a + 1, b, 'valid'), b[::-1])"
