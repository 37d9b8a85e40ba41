"""JAX as an oracle: the same NumPy code gives the same derivatives under both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import clearprop

jax = pytest.importorskip("jax", reason="JAX is not installed (make test-all installs it)")
jnp = pytest.importorskip("jax.numpy", reason="JAX is not installed (make test-all installs it)")

Shapes = tuple[tuple[int, ...], ...]
ONE: Shapes = ((3, 4),)
ROWS = np.array([2, 0, 2])
MASK = np.array([[True, False, True, True], [False] * 4, [True, False, False, True]])

MOST = np.array([[True, False, True, True], [False, True, True, False], [True, True, False, True]])


@pytest.fixture(autouse=True)
def double_precision() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


class Ours:
    """What NumPy has no function for, by the names that JAX uses."""

    sigmoid = staticmethod(clearprop.sigmoid)
    relu = staticmethod(clearprop.relu)
    softmax = staticmethod(clearprop.softmax)
    log_softmax = staticmethod(clearprop.log_softmax)
    logsumexp = staticmethod(clearprop.logsumexp)


# each function is written once, and gets `np` and `nn` from either library
CASES: dict[str, tuple[Callable[..., Any], Shapes]] = {
    "arithmetic": (lambda n, nn, x, y: (x + y) * (x - y) / (y * y + 1) - -x, ((3, 1), (2, 1, 4))),
    "power": (lambda n, nn, x, y: (x * x + 0.5) ** y + x**3 + 2.0**y, ((3, 1), (4,))),
    "exponentials": (lambda n, nn, x: n.exp(x) + n.expm1(x) * n.sin(x) - n.cos(2 * x), ONE),
    "logarithms": (lambda n, nn, x: n.log(x * x + 1) * n.log1p(x * x) * n.sqrt(x * x + 2), ONE),
    "other bases": (lambda n, nn, x: n.exp2(x) * n.log2(x * x + 1) * n.log10(x * x + 2), ONE),
    "angles": (lambda n, nn, x: n.tan(x / 2) * n.arctan(x) + n.deg2rad(x) * n.rad2deg(x), ONE),
    "inverse sines": (lambda n, nn, x: n.arcsin(x / 3) * n.arccos(x / 4), ONE),
    "hyperbolic": (lambda n, nn, x: n.sinh(x) * n.cosh(x) * n.arcsinh(x), ONE),
    "inverse hyperbolic": (lambda n, nn, x: n.arccosh(x * x + 2) * n.arctanh(x / 3), ONE),
    "right triangles": (lambda n, nn, x, y: n.hypot(x, y) * n.arctan2(x, y), ((3, 1), (4,))),
    "roots": (lambda n, nn, x: n.cbrt(x * x + 1) * n.square(x) * n.reciprocal(x * x + 1), ONE),
    "sums of two exponentials": (
        lambda n, nn, x, y: n.logaddexp(x, y) * n.logaddexp2(x, y),
        ((3, 1), (4,)),
    ),
    "remainders": (lambda n, nn, x, y: n.fmod(x, y) + n.remainder(x, y) ** 2, ((3, 1), (4,))),
    "floor division": (lambda n, nn, x: x // 0.7 * x + n.divmod(x, 0.3)[1] ** 2, ONE),
    "waves": (lambda n, nn, x: n.sinc(x) * n.i0(x), ONE),
    "interpolated": (
        lambda n, nn, x, y: n.interp(x, n.array([-1.5, -0.3, 0.4, 1.6]), y) ** 2,
        ((3, 4), (4,)),
    ),
    "unwrapped": (lambda n, nn, x: n.unwrap(5 * x) ** 2, ONE),
    "selected": (
        lambda n, nn, x, y: n.select([x > 0.5, x > -0.5], [x * y, n.sin(x)], 3.0) + n.fmax(x, y),
        ((3, 4), (4,)),
    ),
    "parts": (lambda n, nn, x: n.modf(x)[0] ** 2 + n.trunc(x) * x + n.round(x, 1) * x, ONE),
    "saturating": (lambda n, nn, x: n.tanh(x) * nn.sigmoid(3 * x), ONE),
    "kinks": (lambda n, nn, x: nn.relu(x) * n.abs(x - 0.1) + n.clip(x, -0.5, 0.7), ONE),
    "choices": (
        lambda n, nn, x, y: n.where(MASK, n.maximum(x, y), n.minimum(x, 2 * y)),
        ((3, 4), (4,)),
    ),
    "sums": (
        lambda n, nn, x: n.sum(x**2, (0, 2)) * n.mean(x, 1, keepdims=True).sum(),
        ((2, 3, 4),),
    ),
    "spread": (lambda n, nn, x: n.var(x, 0, ddof=1) * n.std(x, (0, 1)), ONE),
    "masked": (
        lambda n, nn, x: n.sum(x, 0, where=MOST) * n.mean(x**2, 0, where=MOST) + n.prod(x, 0),
        ONE,
    ),
    "weighed": (
        lambda n, nn, x, w: n.average(x**2, 1, w * w + 1) * n.cov(x, aweights=w * w + 1)[0],
        ((3, 4), (4,)),
    ),
    "running": (
        lambda n, nn, x: n.cumsum(x**2, 1) * n.cumprod(x * MASK, 0) - n.diff(x, prepend=0.0),
        ONE,
    ),
    "slopes": (
        lambda n, nn, x: (
            n.gradient(x**2, 0.5, axis=1) * n.trapezoid(x, n.arange(4.0) ** 2)[:, None]
        ),
        ONE,
    ),
    "without NaN": (
        lambda n, nn, x: (
            n.nansum(n.where(MOST, x, n.nan)) * n.nanmean(n.where(MOST, x**2, n.nan), 0)
            + n.nanvar(n.where(MOST, x, n.nan)) * n.nanprod(n.where(MOST, x, n.nan), 0)
            + n.nanmedian(n.where(MOST[::2], x[::2], n.nan), 1).sum()
            + n.nanmax(n.where(MOST, x**2, n.nan))
        ),
        ONE,
    ),
    "ordered": (
        lambda n, nn, x: (
            n.median(x, 0) * n.quantile(x, 0.3, 0, method="midpoint")
            + n.percentile(x, 60.0) * n.ptp(x, 0)
        ),
        ONE,
    ),
    "norms": (
        lambda n, nn, x: (
            n.linalg.norm(x, axis=1) * n.linalg.vector_norm(x, ord=3, axis=1)
            + n.linalg.matrix_norm(x, ord=1) * n.linalg.norm(x, n.inf)
        ),
        ONE,
    ),
    "correlated": (lambda n, nn, x: n.corrcoef(x) * n.std(x, 1, ddof=1), ONE),
    "extremes": (lambda n, nn, x: n.max(x**2, 1) * n.min(x, 1), ONE),
    "safe sums": (lambda n, nn, x: nn.logsumexp(x, 1) * nn.logsumexp(x), ONE),
    "softmax": (lambda n, nn, x: nn.softmax(x, axis=0) * nn.log_softmax(x, axis=1), ONE),
    "matmul": (lambda n, nn, x, y: x @ y, ((5, 1, 2, 3), (4, 3, 2))),
    "dot": (lambda n, nn, x, y: n.dot(x, y), ((2, 3), (4, 3, 2))),
    "outer": (lambda n, nn, x, y: n.outer(x, y) ** 2, ((3,), (4,))),
    "vdot": (lambda n, nn, x, y: n.vdot(x, y), ((2, 3), (6,))),
    "inner": (lambda n, nn, x, y: n.inner(x, y), ((2, 3), (4, 2, 3))),
    "tensordot": (lambda n, nn, x, y: n.tensordot(x, y, ([0, -1], [1, 0])), ((2, 3, 4), (4, 2))),
    "kron": (lambda n, nn, x, y: n.kron(x, y), ((2, 1), (3, 1, 2))),
    "cross": (lambda n, nn, x, y: n.cross(x, y, axisa=0, axisc=0), ((3, 4), (4, 3))),
    "multi_dot": (lambda n, nn, *xs: n.linalg.multi_dot(xs), ((2, 3), (3, 4), (4,))),
    "vecdot": (lambda n, nn, x, y: n.vecdot(x, y, axis=0), ((3, 2), (3, 2))),
    "matvec": (lambda n, nn, x, y: n.einsum("...ij,...j", x, y), ((4, 1, 2, 3), (5, 3))),
    "diagonals": (
        lambda n, nn, x: n.linalg.diagonal(x, offset=1) * n.trace(x, -1, 0, 2).sum(),
        ((2, 4, 4),),
    ),
    "einsum": (
        lambda n, nn, x, y, z: n.einsum("iji,jk...,kl->l...i", x, y, z),
        ((2, 3, 2), (3, 4, 5), (4, 2)),
    ),
    "convolve": (
        lambda n, nn, x, y: n.convolve(x, y, "same") * n.convolve(y, x)[1:6],
        ((5,), (4,)),
    ),
    "correlate": (
        lambda n, nn, x, y: n.correlate(x, y, "full") * n.correlate(y, x, "valid").sum(),
        ((5,), (3,)),
    ),
    "fft": (
        lambda n, nn, x: n.fft.fft(x, 5, 0, "ortho").real ** 2 * n.fft.ifft2(x).imag.sum(),
        ONE,
    ),
    "rfft": (
        lambda n, nn, x: n.fft.rfft2(x).imag ** 2 * n.fft.irfftn(x, norm="forward").sum(),
        ONE,
    ),
    "hfft": (lambda n, nn, x: n.fft.hfft(x * 1j, 5) * n.fft.ihfft(x, 8).imag, ONE),
    "polynomials": (
        lambda n, nn, p, x: n.polyval(n.polymul(p, n.polyint(n.polyder(p))), x) * n.vander(x, 1)[0],
        ((3,), (4,)),
    ),
    "polynomial sums": (lambda n, nn, p, q: n.polyadd(p, q) * n.polysub(q, p), ((3,), (5,))),
    "polynomial of roots": (lambda n, nn, z: n.poly(z), ((3,),)),
    "layout": (
        lambda n, nn, x: (
            n.transpose(x, (2, 0, 1)).reshape(4, 6) @ n.swapaxes(x, 0, 1).reshape(6, 4)
        ),
        ((2, 3, 4),),
    ),
    "axes": (
        lambda n, nn, x: (n.expand_dims(x, 1) * n.moveaxis(x, 0, 1)[:, :, None])[..., 0] ** 2,
        ((3, 3),),
    ),
    "stretched": (lambda n, nn, x: n.broadcast_to(x, (2, 3, 4)) ** 2, ((3, 1),)),
    "joined": (
        lambda n, nn, x, y: (
            n.concatenate([x, y, x], 1) ** 2 * n.stack([y, y * y], 0).sum((0, 1, 2))
        ),
        ((2, 1), (2, 3)),
    ),
    "turned": (
        lambda n, nn, x: n.roll(x, 1, 0) * n.rot90(n.flip(x, 0), 2) * n.roll(x, 5),
        ONE,
    ),
    "copied": (
        lambda n, nn, x: n.tile(x, (2, 1)) ** 2 * n.repeat(x, 2, 0) + n.resize(x, (6, 4)) ** 2,
        ONE,
    ),
    "framed": (
        lambda n, nn, x: (
            n.pad(x, 2, "reflect") * n.pad(x, 2, "symmetric") * n.pad(x, 2, "wrap")
            + n.pad(x, 2, "edge") * n.pad(x, 2, "maximum") * n.pad(x, 2, constant_values=3)
            + n.pad(x, 2, "linear_ramp", end_values=-1.0) ** 2 * n.pad(x, 2, "mean")
        ),
        ONE,
    ),
    "by columns": (
        lambda n, nn, x: n.reshape(x, (2, 6), order="F") * n.ravel(x, order="F").reshape(2, 6),
        ONE,
    ),
    "triangles": (
        lambda n, nn, x: n.diagonal(x, 1) ** 2 * n.trace(x, -1) + (n.tril(x, 1) * n.triu(x)).sum(),
        ONE,
    ),
    "put together": (
        lambda n, nn, x, y: (
            n.block([[x, y], [n.ones((1, 3)), 2.0 * y[:1]]]) ** 2
            * n.hstack([n.column_stack([y, x]), x[:, :1]])[:1, :4]
            * n.vstack([n.append(x, y, 1), n.dstack([x, x])[:1, :, 0].sum() * n.ones((1, 4))])
        ),
        ((2, 3), (2, 1)),
    ),
    "inserted": (
        lambda n, nn, x, y: (
            n.insert(x, 1, y, axis=0) ** 2 * n.insert(n.delete(x, 0, 1), 3, 1.0, 1)[:1]
        ),
        ((3, 4), (4,)),
    ),
    "sorted": (
        lambda n, nn, x: n.sort(x, 1) ** 2 * n.take_along_axis(x, n.argsort(x, 0), 0),
        ONE,
    ),
    "chosen": (
        lambda n, nn, x, y: n.choose(ROWS % 2, [x[:, :3], y]) ** 2 * n.compress(MASK[0], x, 1),
        ((3, 4), (3,)),
    ),
    "indices": (lambda n, nn, x: x[ROWS, 1:] ** 2 * x[:, ::-2].sum() + x[-1, None, ROWS], ONE),
    "mask": (lambda n, nn, x: x[MASK] ** 2, ONE),
}


@pytest.mark.parametrize("name", CASES)
def test_value_gradient_second_order_and_jvp(name: str) -> None:
    f, shapes = CASES[name]
    rng = np.random.default_rng(6)
    xs = tuple(rng.uniform(-2, 2, shape) for shape in shapes)
    vs = tuple(rng.standard_normal(shape) for shape in shapes)

    def ours(*xs: Any) -> Any:
        return f(np, Ours, *xs)

    def theirs(*xs: Any) -> Any:
        return f(jnp, jax.nn, *xs)

    value, pullback = clearprop.vjp(ours, *xs)
    expected, their_pullback = jax.vjp(theirs, *xs)
    np.testing.assert_allclose(value, expected, rtol=1e-12, atol=1e-13)
    g = rng.standard_normal(np.shape(value))
    for a, b in zip(pullback(g), their_pullback(jnp.asarray(g)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-11)
    forward = clearprop.jvp(ours, xs, vs)[1]
    np.testing.assert_allclose(forward, jax.jvp(theirs, xs, vs)[1], rtol=1e-11, atol=1e-11)

    places = tuple(range(len(xs)))
    product = clearprop.hvp(lambda *xs: np.sum(ours(*xs) * g), xs, vs)
    gradient = jax.grad(lambda *xs: jnp.sum(theirs(*xs) * g), places)
    for a, b in zip(product, jax.jvp(gradient, xs, vs)[1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10)


def test_jacobian_and_hessian() -> None:
    rng = np.random.default_rng(7)
    x, w = rng.standard_normal(3), rng.standard_normal((3, 2))

    def layer(n: Any) -> Callable[..., Any]:
        return lambda x, w: n.tanh(x @ w) * n.sum(x)

    ours = clearprop.jacobian(layer(np), (0, 1))(x, w)
    for a, b in zip(ours, jax.jacobian(layer(jnp), (0, 1))(x, w), strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13)
    ours = clearprop.hessian(lambda x, w: np.sum(layer(np)(x, w)), (0, 1))(x, w)
    theirs = jax.hessian(lambda x, w: jnp.sum(layer(jnp)(x, w)), (0, 1))(x, w)
    for row, their_row in zip(ours, theirs, strict=True):
        for a, b in zip(row, their_row, strict=True):
            assert a.shape == b.shape
            np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-12)


def test_containers_and_aux() -> None:
    rng = np.random.default_rng(8)
    params = {"w": rng.standard_normal((4, 3)), "layers": [rng.standard_normal(3), (2.0,)]}
    x = rng.standard_normal((5, 4))

    def loss(n: Any) -> Callable[[Any], Any]:
        def run(p: Any) -> Any:
            h = n.tanh(x @ p["w"] + p["layers"][0]) * p["layers"][1][0]
            return n.mean(h**2), h

        return run

    (value, aux), g = clearprop.value_and_grad(loss(np), has_aux=True)(params)
    (their_value, their_aux), their_g = jax.value_and_grad(loss(jnp), has_aux=True)(params)
    assert value == pytest.approx(float(their_value), rel=1e-13)
    np.testing.assert_allclose(aux, their_aux, rtol=1e-13)
    ours, structure = jax.tree.flatten(g)
    theirs, their_structure = jax.tree.flatten(their_g)
    assert structure == their_structure
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13)


def test_third_derivatives() -> None:
    def f(n: Any) -> Callable[[Any], Any]:
        return lambda x: n.exp(n.sin(x)) * n.tanh(x) / (1 + x**2)

    ours, theirs = f(np), f(jnp)
    for _ in range(3):
        ours, theirs = clearprop.grad(ours), jax.grad(theirs)
        for x in (-1.3, 0.2, 2.0):
            assert ours(x) == pytest.approx(float(theirs(x)), rel=1e-12)
