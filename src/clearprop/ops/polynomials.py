"""Polynomials given by their coefficients, the highest power first, as in NumPy's `poly*` functions.

Some of NumPy's results are shorter where leading coefficients are zero. While tracing, when no values are
known, they keep their full length: the same polynomials.
"""

from __future__ import annotations

import numpy as np

from ..engine.array_types import AnyArray, Array, ArrayLike
from ..engine.arrays import as_array
from ..engine.primitive import Custom, Draw, Sample, answers, floats, primitive
from ..engine.spec import ArraySpec, promote
from ..engine.tensor import Tensor
from ..errors import ShapeError


def _array(p: ArrayLike) -> Array:
    if isinstance(p, list | tuple) and any(isinstance(c, Tensor) for c in p):
        return np.stack(p)
    return as_array(p)


def _coefficients(name: str, p: Array) -> Array:
    p = _array(p)
    if p.ndim > 1:
        raise ShapeError(
            f"{name}: the coefficients are one sequence, the highest power first, but the shape is "
            f"{p.shape}"
        )
    return p if p.ndim else p.reshape(1)


def _value(p: AnyArray) -> AnyArray:
    """Return the numbers, or None if they are not known."""
    if isinstance(p, Tensor):
        return p.value if p.is_known else None
    return p


def _trimmed(p: Array) -> Array:
    """Drop leading zeros, as far as they are known."""
    value = _value(p)
    if value is None or not value.size:
        return p
    nonzero = np.flatnonzero(value)
    start = int(nonzero[0]) if nonzero.size else value.size - 1
    return p[start:] if start else p


# ---- values


def polyval_vjp_p(g: Array, out: Array, p: Array, x: Array) -> Array:
    sums = []
    for power in range(p.size):
        g = g * x if power else g
        sums.append(np.sum(g))
    return np.stack(sums[::-1]) if sums else np.zeros_like(p)


def polyval_vjp_x(g: Array, out: Array, p: Array, x: Array) -> Array:
    powers = np.arange(p.size - 1, 0, -1).astype(out.dtype)
    return g * _polyval_record(p[:-1] * powers, x)


def _polyval_spec(p: Array, x: Array) -> ArraySpec:
    return ArraySpec(x.shape, promote(p, x) if p.size else x.dtype)


_polyval_record = primitive(
    "polyval",
    np.polyval,
    spec=_polyval_spec,
    vjp=(polyval_vjp_p, polyval_vjp_x),
    role="mixes",
    why="The coefficients get the powers that they stand before, the place gets the derivative.",
    samples=(
        Sample(floats(4), floats(2, 3)),
        Sample(floats(3), floats()),
        Sample(floats(1), floats(2)),
        Sample(Draw((3,), dtype="complex128"), Draw((2,), dtype="complex128")),
        Sample(floats(3), Draw((2,), dtype="complex128")),
    ),
)


@answers(np.polyval)
def polyval(p: Array, x: Array) -> Array:
    return _polyval_record(_coefficients("polyval", p), _array(x))


def vander_vjp(g: Array, out: Array, x: Array, n: int, increasing: bool) -> Array:
    if n < 2:
        return np.zeros_like(x)
    g = g if increasing else g[:, ::-1]
    powers = _vander_record(x, n=n - 1, increasing=True)
    return np.sum(g[:, 1:] * powers * np.arange(1, n), axis=1)


def _vander(x: Array, n: int, increasing: bool) -> Array:
    return np.vander(x, n, increasing)


def _vander_spec(x: Array, n: int, increasing: bool) -> ArraySpec:
    return ArraySpec((x.size, n), np.promote_types(x.dtype, int))


def _write_vander(x: str, n: int, increasing: bool) -> str:
    return f"vander({x}, {n}{', increasing=True' if increasing else ''})"


_vander_record = primitive(
    "vander",
    _vander,
    spec=_vander_spec,
    vjp=(vander_vjp,),
    role="scales",
    why="Each power has its slope: the exponent times the power below.",
    notation=Custom(_write_vander, wraps=False),
    samples=(
        Sample(floats(3), n=4, increasing=False),
        Sample(floats(3), n=3, increasing=True),
        Sample(floats(2), n=1, increasing=False),
        Sample(Draw((2,), dtype="complex128"), n=3, increasing=False),
    ),
)


@answers(np.vander)
def vander(x: Array, N: int | None = None, increasing: bool = False) -> Array:
    if x.ndim != 1:
        raise ShapeError(f"vander: a vector is needed, but the shape is {x.shape}")
    return _vander_record(x, n=x.size if N is None else int(N), increasing=bool(increasing))


# ---- derivatives and integrals


@answers(np.polyder)
def polyder(p: Array, m: int = 1) -> Array:
    if m < 0:
        raise ValueError("polyder: the order m is not negative; np.polyint integrates")
    p = _coefficients("polyder", p)
    for _ in range(int(m)):
        p = p[:-1] * np.arange(p.size - 1, 0, -1)
    return p


@answers(np.polyint)
def polyint(p: Array, m: int = 1, k: AnyArray = None) -> Array:
    if m < 0:
        raise ValueError("polyint: the order m is not negative; np.polyder differentiates")
    p, m = _coefficients("polyint", p), int(m)
    k = _coefficients("polyint", np.zeros(m) if k is None else k)
    if k.size == 1 and m > 1:
        k = np.broadcast_to(k, (m,))
    if k.size < m:
        raise ShapeError(f"polyint: {m} constants of integration are needed, but k has {k.size}")
    for i in range(m):
        p = np.concatenate([p / np.arange(p.size, 0, -1), k[i : i + 1]])
    return p


# ---- arithmetic


def _aligned(name: str, a1: Array, a2: Array) -> list[Array]:
    """Return both with the same number of coefficients, the shorter one filled up with zeros in front."""
    both = [_coefficients(name, a1), _coefficients(name, a2)]
    size = max(a.size for a in both)
    return [
        a if a.size == size else np.concatenate([np.zeros(size - a.size, a.dtype), a]) for a in both
    ]


@answers(np.polyadd)
def polyadd(a1: Array, a2: Array) -> Array:
    one, other = _aligned("polyadd", a1, a2)
    return one + other


@answers(np.polysub)
def polysub(a1: Array, a2: Array) -> Array:
    one, other = _aligned("polysub", a1, a2)
    return one - other


@answers(np.polymul)
def polymul(a1: Array, a2: Array) -> Array:
    one, other = (_trimmed(_coefficients("polymul", a)) for a in (a1, a2))
    return np.convolve(one, other)


@answers(np.polydiv)
def polydiv(u: Array, v: Array) -> tuple[Array, Array]:
    """Return quotient and remainder, by long division."""
    u, v = (_coefficients("polydiv", a) + 0.0 for a in (u, v))
    rest = u + np.zeros((), v.dtype)
    n = v.size
    scale = 1.0 / v[0]
    quotient = []
    for _ in range(u.size - n + 1):
        factor = scale * rest[0]
        quotient.append(factor)
        tail = rest[1:n] - factor * v[1:]
        rest = np.concatenate([tail, rest[n:]]) if rest.size > n else tail
    if not quotient:
        return np.zeros(1, rest.dtype), _without_small(rest)
    if not rest.size:
        rest = np.zeros(1, rest.dtype)
    return np.stack(quotient), _without_small(rest)


def _without_small(rest: Array) -> Array:
    """Return a remainder without leading coefficients that NumPy takes for zero, as far as they are known."""
    value = _value(rest)
    if value is None:
        return rest
    start = 0
    while start < value.size - 1 and np.allclose(value[start], 0, rtol=1e-14):
        start += 1
    return rest[start:] if start else rest


# ---- roots


@answers(np.poly)
def poly(seq_of_zeros: Array) -> Array:
    """Answer `np.poly`; of a matrix, with its characteristic polynomial."""
    zeros: AnyArray = _array(seq_of_zeros)
    zeros = _coefficients("poly", np.linalg.eigvals(zeros) if zeros.ndim == 2 else zeros)
    zeros = np.astype(zeros, np.dtype(np.mintypecode(zeros.dtype.char)))
    product = np.ones(1, zeros.dtype)
    one = product[0]
    for i in range(zeros.size):
        product = np.convolve(product, np.stack([one, -zeros[i]]))
    value = _value(zeros) if zeros.dtype.kind == "c" else None
    if value is None or not np.array_equal(np.sort(value), np.sort(np.conj(value))):
        return product
    return np.real(product)  # of conjugate pairs


def _roots(p: Array) -> Array:
    found = np.roots(p).astype(np.result_type(p.dtype, np.complex64))
    if found.size != p.size - 1:
        raise ValueError("the leading coefficient is zero, which makes fewer roots")
    return found


def _roots_spec(p: Array) -> ArraySpec:
    return ArraySpec((p.size - 1,), np.result_type(p.dtype, np.complex64))


def roots_vjp(g: Array, out: Array, p: Array) -> Array:
    slope = _polyval_record(p[:-1] * np.arange(p.size - 1, 0, -1).astype(p.dtype), out)
    g, sums = -g / slope, []
    for power in range(p.size):
        g = g * out if power else g
        sums.append(np.sum(g))
    return np.stack(sums[::-1])


_roots_record = primitive(
    "roots",
    _roots,
    spec=_roots_spec,
    vjp=(roots_vjp,),
    role="mixes",
    why="A root moves until the polynomial is zero again: the flatter it is there, the further.",
    samples=(
        Sample(np.array([1.0, 0.5, 2.0, 3.0])),
        Sample(np.array([2.0, 1.0, -3.0])),
        Sample(np.array([1.0 + 1.0j, 0.5 - 1.0j, 2.0, 0.3j])),
    ),
)


@answers(np.roots)
def roots(p: AnyArray) -> Array:
    """Answer `np.roots`. As in NumPy, the result is complex only if some root is; while tracing, always."""
    p = _trimmed(_coefficients("roots", p))
    if p.dtype.kind not in "fc":
        p = np.astype(p, float)
    out = _roots_record(p)
    value = _value(out)
    if p.dtype.kind == "c" or value is None or value.imag.any():
        return out
    return np.real(out)


@answers(np.polyfit)
def polyfit(x: Array, y: Array, deg: int, rcond: float | None = None, w: AnyArray = None) -> Array:
    """Fit by least squares, by the pseudoinverse of the powers of x, in columns of length one."""
    x, y = _array(x), _array(y)
    if x.ndim != 1 or not x.size or y.ndim not in (1, 2) or y.shape[0] != x.size:
        raise ShapeError(
            f"polyfit: a vector of places and as many values (or columns of them) are needed, but the "
            f"shapes are {x.shape} and {y.shape}"
        )
    powers = np.vander(x + 0.0, int(deg) + 1)
    if w is not None:
        w = _coefficients("polyfit", w)
        powers, y = powers * w[:, None], y * (w[:, None] if y.ndim == 2 else w)
    scale = np.sqrt(np.sum(powers * powers, axis=0))
    if rcond is None:
        rcond = x.size * float(np.finfo(powers.dtype).eps)
    found = np.linalg.pinv(powers / scale, rcond) @ y
    return found / (scale[:, None] if y.ndim == 2 else scale)
