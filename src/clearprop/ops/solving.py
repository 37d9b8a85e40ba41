"""Linear systems, inverses and determinants.

Formulas: M. Giles, Collected matrix derivative results for forward and reverse mode algorithmic
differentiation, 2008; for the pseudo-inverse G. Golub and V. Pereyra, The differentiation of
pseudo-inverses, 1973.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..bundle import Bundle
from ..errors import ShapeError
from ..primitive import Sample, answers, floats, primitive, together
from ..spec import ArraySpec, broadcast_shapes, promote
from ..tensor import Tensor
from .matrices import adjoint, ascending, matrix, square, well_conditioned
from .specs import same

_A = well_conditioned(3, 3)
_STACK = well_conditioned(2, 3, 3)
_COMPLEX = well_conditioned(3, 3, dtype="complex128")
_TALL, _WIDE = well_conditioned(4, 2), well_conditioned(2, 4)


def _lift(g: Any) -> Any:
    """A number for each matrix, to multiply matrices with."""
    return np.expand_dims(g, (-2, -1))


# ---- solve and inv


def solve_vjp_a(g: Any, out: Any, a: Any, b: Any) -> Any:
    return -(np.linalg.solve(a.mT, g) @ out.mT)


def solve_vjp_b(g: Any, out: Any, a: Any, b: Any) -> Any:
    return np.linalg.solve(a.mT, g)


def _solve_spec(a: Any, b: Any) -> ArraySpec:
    if a.shape[-1] != b.shape[-2]:
        raise ValueError(
            f"a matrix of size {a.shape[-1]} and right-hand sides of size {b.shape[-2]}"
        )
    batch = broadcast_shapes(a.shape[:-2], b.shape[:-2])
    return ArraySpec((*batch, *b.shape[-2:]), promote(a, b))


_solve_record = primitive(
    "solve",
    np.linalg.solve,
    spec=_solve_spec,
    vjp=(solve_vjp_a, solve_vjp_b),
    role="mixes",
    why="The gradient of the right-hand side solves the transposed system, and that of the matrix is minus "
    "its product with the solution.",
    samples=(
        Sample(_A, floats(3, 2)),
        Sample(_STACK, floats(3, 1)),
        Sample(_A, floats(2, 3, 2)),
        Sample(_COMPLEX, floats(3, 2)),
    ),
)


@answers(np.linalg.solve)
def solve(a: Any, b: Any) -> Any:
    a, b = square("np.linalg.solve", a), b if hasattr(b, "ndim") else np.asarray(b)
    if b.ndim == 1:
        return _solve_record(a, np.expand_dims(b, -1))[..., 0]
    return _solve_record(a, matrix("np.linalg.solve", b))


def inv_vjp(g: Any, out: Any, a: Any) -> Any:
    return -(out.mT @ g @ out.mT)


_inv_record = primitive(
    "inv",
    np.linalg.inv,
    spec=same,
    vjp=(inv_vjp,),
    role="mixes",
    why="Like minus one over the square of a number: the inverse stands on both sides of the gradient.",
    samples=(Sample(_A), Sample(_STACK), Sample(_COMPLEX)),
)


@answers(np.linalg.inv)
def inv(a: Any) -> Any:
    return _inv_record(square("np.linalg.inv", a))


# ---- determinants


def _cofactors(a: Any) -> Any:
    """The matrix of cofactors, also of singular matrices."""
    u, s, vh = np.linalg.svd(a)
    n = s.shape[-1]
    others = np.where(np.eye(n, dtype=bool), 1.0, np.expand_dims(s, -2)).prod(-1)
    sign = np.linalg.det(u) * np.linalg.det(vh)
    c = np.conj(u) * np.expand_dims(others, -2) @ np.conj(vh) * _lift(np.asarray(sign))
    return c.astype(a.dtype)


def cofactors_vjp(g: Any, out: Any, a: Any) -> Any:
    # of det(a) * inv(a).T, which it is for all but singular matrices
    back = np.linalg.inv(a).mT
    weight = np.sum(g * back, (-2, -1), keepdims=True)
    return (weight * back - back @ g.mT @ back) * _lift(np.linalg.det(a))


cofactors = primitive(
    "cofactors",
    _cofactors,
    spec=same,
    vjp=(cofactors_vjp,),
    role="mixes",
    why="Each is the determinant of what remains without one row and one column.",
    samples=(Sample(_A), Sample(_STACK), Sample(_COMPLEX)),
)


def det_vjp(g: Any, out: Any, a: Any) -> Any:
    return _lift(g) * cofactors(a)


def _number_spec(a: Any) -> ArraySpec:
    return ArraySpec(a.shape[:-2], a.dtype)


_det_record = primitive(
    "det",
    np.linalg.det,
    spec=_number_spec,
    vjp=(det_vjp,),
    role="scales",
    why="Raising an entry raises the determinant by its cofactor.",
    samples=(Sample(_A), Sample(_STACK), Sample(_COMPLEX)),
)


@answers(np.linalg.det)
def det(a: Any) -> Any:
    return _det_record(square("np.linalg.det", a))


def _slogdet(a: Any) -> Bundle:
    return Bundle(np.linalg.slogdet(a))


def _slogdet_spec(a: Any) -> Bundle:
    real = np.empty((), a.dtype).real.dtype
    return Bundle([ArraySpec(a.shape[:-2], a.dtype), ArraySpec(a.shape[:-2], real)])


def slogdet_vjp(g: Any, out: Any, a: Any) -> Any:
    back = np.linalg.inv(a).mT
    to_sign, to_log = g
    total = 0.0 * back if to_log is None else _lift(to_log) * back
    if a.dtype.kind == "c" and to_sign is not None:  # a real sign has no slope
        sign, _ = out
        total = total + back * _lift((to_sign * sign).imag * 1j)
    return total


_slogdet_record = primitive(
    "slogdet",
    _slogdet,
    spec=_slogdet_spec,
    vjp=(slogdet_vjp,),
    role="mixes",
    why="The slope of the logarithm of a determinant is the inverse, transposed.",
    samples=(Sample(_A), Sample(-_STACK), Sample(_COMPLEX)),
)


@answers(np.linalg.slogdet)
def slogdet(a: Any) -> Any:
    sign, log = _slogdet_record(square("np.linalg.slogdet", a))
    return _SlogdetResult(sign, log)


_SlogdetResult: Any = type(np.linalg.slogdet(np.eye(1)))


# ---- pseudo-inverses


def pinv_vjp(g: Any, out: Any, a: Any, **params: Any) -> Any:
    back, gh = adjoint(out), adjoint(g)
    rows, columns = np.eye(a.shape[-2], dtype=a.dtype), np.eye(a.shape[-1], dtype=a.dtype)
    beside = (rows - a @ out) @ gh @ out @ back
    across = back @ out @ gh @ (columns - out @ a)
    return beside + across - back @ g @ back


def _pinv_spec(a: Any, **params: Any) -> ArraySpec:
    return ArraySpec((*a.shape[:-2], a.shape[-1], a.shape[-2]), a.dtype)


_pinv_record = primitive(
    "pinv",
    np.linalg.pinv,
    spec=_pinv_spec,
    vjp=(ascending(pinv_vjp),),
    role="mixes",
    why="Like the inverse where there is one, with two terms for what a matrix without one leaves out.",
    samples=(
        Sample(_TALL),
        Sample(_WIDE),
        Sample(_STACK),
        Sample(well_conditioned(3, 2, dtype="complex128")),
    ),
)


@answers(np.linalg.pinv)
def pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    chosen = {"rcond": rcond, "rtol": rtol, "hermitian": hermitian or None}
    params = {key: value for key, value in chosen.items() if value is not None}
    return _pinv_record(matrix("np.linalg.pinv", a), **params)


def _lstsq(a: Any, b: Any, rcond: Any) -> Any:
    return np.linalg.lstsq(a, b, rcond)[0]


def lstsq_vjp(g: Any, out: Any, a: Any, b: Any, rcond: Any) -> Any:
    inverse = np.linalg.pinv(a)
    conjugated = ascending(pinv_vjp)
    return conjugated(g @ b.mT, inverse, a), inverse.mT @ g


def _lstsq_spec(a: Any, b: Any, rcond: Any) -> ArraySpec:
    return ArraySpec((a.shape[1], b.shape[1]), promote(a, b))


_lstsq_record = primitive(
    "lstsq",
    _lstsq,
    spec=_lstsq_spec,
    vjp=together(lstsq_vjp),
    role="mixes",
    why="The solution is the pseudo-inverse times the right-hand side, and so go the gradients.",
    samples=(Sample(_TALL, floats(4, 2), rcond=None), Sample(_WIDE, floats(2, 1), rcond=None)),
)


@answers(np.linalg.lstsq)
def lstsq(a: Any, b: Any, rcond: Any = None) -> Any:
    a = matrix("np.linalg.lstsq", a)
    b = b if hasattr(b, "ndim") else np.asarray(b)
    if a.ndim != 2 or b.ndim not in (1, 2) or a.shape[0] != b.shape[0]:
        raise ShapeError(
            f"np.linalg.lstsq needs a matrix and as many right-hand sides as it has rows, but the shapes are "
            f"{a.shape} and {b.shape}"
        )
    columns = b if b.ndim == 2 else np.expand_dims(b, -1)
    x = _lstsq_record(a, columns, rcond=rcond)
    s = np.linalg.svdvals(a)
    rank = np.linalg.matrix_rank(a, rtol=rcond)
    residuals = np.zeros(0, x.dtype)
    known = rank.value if isinstance(rank, Tensor) else rank
    full = isinstance(known, ArraySpec) or int(known) == a.shape[1]  # while tracing, take it to be
    if a.shape[0] > a.shape[1] and full:
        residuals = np.sum(np.abs(columns - a @ x) ** 2, 0)
    return (x if b.ndim == 2 else x[:, 0]), residuals, rank, s


# ---- composed


@answers(np.linalg.matrix_power)
def matrix_power(a: Any, n: int) -> Any:
    a = square("np.linalg.matrix_power", a)
    if n < 0:
        return matrix_power(np.linalg.inv(a), -n)
    result = None
    while n:  # squares of squares, as many as n has binary digits
        if n & 1:
            result = a if result is None else result @ a
        n >>= 1
        a = a @ a if n else a
    if result is None:
        return a * 0 + np.eye(a.shape[-1], dtype=a.dtype)
    return result * 1 if result is a else result


@answers(np.linalg.tensorsolve)
def tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    b = b if hasattr(b, "ndim") else np.asarray(b)
    if axes is not None:
        order = list(range(a.ndim))
        for axis in axes:
            order.remove(axis)
            order.append(axis)
        a = a.transpose(order)
    shape = a.shape[b.ndim :]
    size = int(np.prod(shape))
    if a.size != size * b.size or b.size != size:
        raise ShapeError(
            f"np.linalg.tensorsolve: a of shape {a.shape} and b of shape {b.shape} make no square system"
        )
    return np.linalg.solve(a.reshape(size, size), b.reshape(-1)).reshape(shape)


@answers(np.linalg.tensorinv)
def tensorinv(a: Any, ind: int = 2) -> Any:
    if ind <= 0:
        raise ValueError("np.linalg.tensorinv: ind must be positive")
    rows, columns = a.shape[:ind], a.shape[ind:]
    size = int(np.prod(rows))
    if size * size != a.size:
        raise ShapeError(
            f"np.linalg.tensorinv: shape {a.shape} with ind={ind} makes no square matrix"
        )
    return np.linalg.inv(a.reshape(size, size)).reshape(*columns, *rows)


@answers(np.linalg.cond)
def cond(x: Any, p: Any = None) -> Any:
    x = matrix("np.linalg.cond", x)
    if p in (None, 2, -2):
        s = np.linalg.svdvals(x)
        return s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    x = square("np.linalg.cond", x)
    norm = np.linalg.norm
    return norm(x, p, axis=(-2, -1)) * norm(np.linalg.inv(x), p, axis=(-2, -1))
