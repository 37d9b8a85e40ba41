"""PyTorch as an oracle: values, gradients and second derivatives of every family, in float64."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import clearprop

torch = pytest.importorskip("torch", reason="PyTorch is not installed (make test-all installs it)")
F = torch.nn.functional

Shapes = tuple[tuple[int, ...], ...]
ONE: Shapes = ((3, 4),)
STRETCHED: Shapes = ((3, 1), (2, 1, 4))
ROWS = np.array([0, 2, 2])
MASK = np.array([[True, False, True, True], [False] * 4, [True, False, False, True]])


def assigned(x: Any, v: Any) -> Any:
    y = x * 1
    y[1:, ::2] = v
    return y


def positive(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *xs: f(*(x * x + 0.5 for x in xs))


def spectra(n: Any) -> dict[str, Callable[..., Any]]:
    """Real functions of each Fourier transform, in NumPy or PyTorch."""
    f, axes = n.fft, "axes" if n is np else "dim"

    def power(z: Any) -> Any:
        return z.real**2 + z.real * z.imag

    return {
        "fft": lambda x: power(f.fft(x, 6, 0)),
        "ifft": lambda x: power(f.ifft(x, 3, 1, "ortho")),
        "rfft": lambda x: power(f.rfft(x, 5)) * power(f.rfft(x, 4)).sum(),
        "irfft": lambda x: f.irfft(f.fft(x), 5) * f.irfft(x, norm="forward")[0, 0],
        "hfft": lambda x: f.hfft(f.fft(x), 7),
        "ihfft": lambda x: power(f.ihfft(x)),
        "fft2": lambda x: power(f.fft2(x, norm="forward")),
        "fftn": lambda x: power(f.ifftn(x, (4, 2), **{axes: (0, 1)})),
        "rfftn": lambda x: power(f.rfftn(x, norm="ortho")),
        "irfft2": lambda x: f.irfft2(f.fft2(x), (2, 6)),
        "fftshift": lambda x: f.fftshift(x) * f.ifftshift(x),
    }


def factored(n: Any) -> dict[str, Callable[..., Any]]:
    """Functions of factorizations, in NumPy or PyTorch, of matrices that are made well conditioned."""
    linalg = n.linalg

    def ready(x: Any) -> Any:
        return x @ x.T + n.eye(3, dtype=x.dtype) * (2.0 + n.arange(3))

    def through_eig(x: Any) -> Any:
        w, v = linalg.eig(ready(x) + 0.3 * x)
        return (((v * n.exp(w / 9)) @ linalg.inv(v)) * (1 + 2j)).real

    def through_eigh(x: Any) -> Any:
        w, v = linalg.eigh(ready(x))
        return (v * n.exp(-w)) @ v.T

    def through_svd(x: Any) -> Any:
        u, s, vh = linalg.svd(ready(x) + x, full_matrices=False)
        return (u * n.sin(s)) @ vh

    def through_qr(x: Any) -> Any:
        q, r = linalg.qr(ready(x) + x)
        return (q * 1.5) @ (r * r)

    return {
        "solve": lambda x: linalg.solve(ready(x), x),
        "inv": lambda x: linalg.inv(ready(x)),
        "det": lambda x: linalg.det(ready(x)) / 100,
        "slogdet": lambda x: linalg.slogdet(ready(x))[1],
        "cholesky": lambda x: linalg.cholesky(ready(x)),
        "pinv": lambda x: linalg.pinv(ready(x)[:, :2] + x[:, :2]),
        "matrix_power": lambda x: linalg.matrix_power(ready(x) / 5, 3),
        "eig": through_eig,
        "eigh": through_eigh,
        "svd": through_svd,
        "qr": through_qr,
    }


CASES: dict[str, tuple[Callable[..., Any], Callable[..., Any], Shapes]] = {
    "add": (np.add, torch.add, STRETCHED),
    "subtract": (np.subtract, torch.sub, STRETCHED),
    "multiply": (np.multiply, torch.mul, STRETCHED),
    "divide": (lambda x, y: x / (y * y + 1), lambda x, y: x / (y * y + 1), STRETCHED),
    "power": (positive(np.power), positive(torch.pow), STRETCHED),
    "square": (lambda x: x**2, lambda x: x**2, ONE),
    "absolute": (np.abs, torch.abs, ONE),
    "exp": (np.exp, torch.exp, ONE),
    "log": (positive(np.log), positive(torch.log), ONE),
    "log1p": (positive(np.log1p), positive(torch.log1p), ONE),
    "expm1": (np.expm1, torch.expm1, ONE),
    "sqrt": (positive(np.sqrt), positive(torch.sqrt), ONE),
    "sin": (np.sin, torch.sin, ONE),
    "cos": (np.cos, torch.cos, ONE),
    "tanh": (np.tanh, torch.tanh, ONE),
    "sigmoid": (clearprop.sigmoid, torch.sigmoid, ONE),
    "relu": (clearprop.relu, F.relu, ONE),
    "maximum": (np.maximum, torch.maximum, STRETCHED),
    "minimum": (np.minimum, torch.minimum, STRETCHED),
    "where": (
        lambda x, y: np.where(MASK, x, y * y),
        lambda x, y: torch.where(torch.tensor(MASK), x, y * y),
        ((3, 4), (4,)),
    ),
    **{
        name: (getattr(np, name), getattr(torch, name), ONE)
        for name in (
            *("tan", "arctan", "sinh", "cosh", "arcsinh", "exp2", "square", "reciprocal"),
            *("deg2rad", "rad2deg", "sinc", "i0", "nan_to_num", "positive", "trunc", "round"),
        )
    },
    **{
        name: (positive(getattr(np, name)), positive(getattr(torch, name)), ONE)
        for name in ("log2", "log10")
    },
    **{
        name: (getattr(np, name), getattr(torch, name), STRETCHED)
        for name in ("arctan2", "hypot", "logaddexp", "logaddexp2", "copysign", "fmax", "fmin")
    },
    **{
        name: (
            lambda x, name=name: getattr(np, name)(np.tanh(x)),
            lambda x, name=name: getattr(torch, name)(torch.tanh(x)),
            ONE,
        )
        for name in ("arcsin", "arccos", "arctanh")
    },
    "arccosh": (lambda x: np.arccosh(x * x + 1.5), lambda x: torch.arccosh(x * x + 1.5), ONE),
    "remainder": (np.remainder, torch.remainder, STRETCHED),
    "fmod": (np.fmod, torch.fmod, STRETCHED),
    "float_power": (positive(np.float_power), positive(torch.float_power), STRETCHED),
    "ldexp": (
        lambda x: np.ldexp(x, np.array([1, -1, 2, 0])),
        lambda x: x * torch.tensor([2, 0.5, 4, 1]),
        ONE,
    ),
    "frexp": (lambda x: np.frexp(x)[0] ** 2, lambda x: torch.frexp(x)[0] ** 2, ONE),
    "modf": (lambda x: np.modf(x)[0] ** 2, lambda x: torch.frac(x) ** 2, ONE),
    "clip between tensors": (np.clip, torch.clamp, ((3, 4), (4,), (3, 1))),
    "running maximum": (
        lambda x: np.maximum.accumulate(x, 1) ** 2,
        lambda x: torch.cummax(x, 1)[0] ** 2,
        ONE,
    ),
    "outer of a difference": (np.subtract.outer, lambda x, y: x[:, None] - y[None], ((3,), (4,))),
    "clip": (lambda x: np.clip(x, -0.5, 0.8), lambda x: torch.clamp(x, -0.5, 0.8), ONE),
    "sum": (lambda x: np.sum(x * x, (0, 2)), lambda x: torch.sum(x * x, (0, 2)), ((2, 3, 4),)),
    "mean": (lambda x: x.mean(1, keepdims=True) * x, lambda x: x.mean(1, True) * x, ONE),
    "var": (lambda x: np.var(x, 0, ddof=1), lambda x: torch.var(x, 0, correction=1), ONE),
    "std": (lambda x: np.std(x, (0, 1)), lambda x: torch.std(x, (0, 1), correction=0), ONE),
    "max": (lambda x: np.max(x * x, 1), lambda x: torch.amax(x * x, 1), ONE),
    "min": (lambda x: np.min(x * x, 0), lambda x: torch.amin(x * x, 0), ONE),
    "prod": (lambda x: np.prod(x, 1), lambda x: torch.prod(x, 1), ONE),
    "prod with zeros": (
        lambda x: np.prod(x * MASK, 1),
        lambda x: torch.prod(x * torch.tensor(MASK), 1),
        ONE,
    ),
    "cumsum": (lambda x: np.cumsum(x, 1) ** 2, lambda x: torch.cumsum(x, 1) ** 2, ONE),
    "cumprod": (lambda x: np.cumprod(x, 0), lambda x: torch.cumprod(x, 0), ONE),
    "cumprod with zeros": (
        lambda x: np.cumprod(x * MASK, 1),
        lambda x: torch.cumprod(x * torch.tensor(MASK), 1),
        ONE,
    ),
    "diff": (lambda x: np.diff(x, 2) ** 2, lambda x: torch.diff(x, 2) ** 2, ONE),
    "gradient": (
        lambda x: np.gradient(x, np.array([0.0, 1.0, 2.5]), axis=0, edge_order=2),
        lambda x: torch.gradient(
            x, spacing=(torch.tensor(np.array([0.0, 1.0, 2.5])),), dim=0, edge_order=2
        )[0],
        ONE,
    ),
    "trapezoid": (np.trapezoid, torch.trapezoid, ((3, 4), (4,))),
    "cov": (np.cov, torch.cov, ONE),
    "corrcoef": (np.corrcoef, torch.corrcoef, ONE),
    "quantile": (
        lambda x: np.quantile(x, [0.2, 0.75], 1),
        lambda x: torch.quantile(x, torch.tensor(np.array([0.2, 0.75])), 1),
        ONE,
    ),
    "median": (lambda x: np.median(x, 0), lambda x: torch.median(x, 0).values, ONE),
    "norm": (lambda x: np.linalg.norm(x, axis=1), lambda x: torch.linalg.norm(x, dim=1), ONE),
    "norm of order 3": (
        lambda x: np.linalg.vector_norm(x, ord=3),
        lambda x: torch.linalg.vector_norm(x, 3),
        ONE,
    ),
    "norm of order 0.5": (
        lambda x: np.linalg.vector_norm(x, ord=0.5, axis=0),
        lambda x: torch.linalg.vector_norm(x, 0.5, dim=0),
        ONE,
    ),
    "spectral norm": (
        lambda x: np.linalg.norm(x, 2) * np.linalg.norm(x, "nuc"),
        lambda x: torch.linalg.matrix_norm(x, 2) * torch.linalg.matrix_norm(x, "nuc"),
        ONE,
    ),
    "norm of a matrix": (
        lambda x: np.linalg.norm(x, 1) * np.linalg.norm(x, -np.inf),
        lambda x: torch.linalg.matrix_norm(x, 1) * torch.linalg.matrix_norm(x, -float("inf")),
        ONE,
    ),
    "logsumexp": (lambda x: clearprop.logsumexp(x, 1), lambda x: torch.logsumexp(x, 1), ONE),
    "softmax": (lambda x: clearprop.softmax(x, 0), lambda x: torch.softmax(x, 0), ONE),
    "log_softmax": (clearprop.log_softmax, lambda x: torch.log_softmax(x, -1), ONE),
    "matmul": (np.matmul, torch.matmul, ((5, 1, 2, 3), (4, 3, 2))),
    "matmul of a vector": (np.matmul, torch.matmul, ((3,), (5, 3, 4))),
    "dot": (np.dot, torch.dot, ((4,), (4,))),
    "outer": (np.outer, torch.outer, ((3,), (4,))),
    "vdot": (np.vdot, torch.vdot, ((4,), (4,))),
    "inner": (np.inner, torch.inner, ((2, 3), (4, 3))),
    "tensordot": (
        lambda x, y: np.tensordot(x, y, ([0, 2], [1, 0])),
        lambda x, y: torch.tensordot(x, y, ([0, 2], [1, 0])),
        ((2, 3, 4), (4, 2)),
    ),
    "kron": (np.kron, torch.kron, ((2, 3), (3, 2))),
    "cross": (np.cross, torch.linalg.cross, ((4, 3), (1, 3))),
    "vecdot": (np.vecdot, torch.linalg.vecdot, ((4, 3), (3,))),
    "multi_dot": (
        lambda *xs: np.linalg.multi_dot(xs),
        lambda *xs: torch.linalg.multi_dot(xs),
        ((3,), (3, 2), (2, 4)),
    ),
    "trace": (np.trace, torch.trace, ((3, 4),)),
    "diagonal": (
        lambda x: np.linalg.diagonal(x, offset=1),
        lambda x: torch.diagonal(x, 1, -2, -1),
        ((2, 3, 4),),
    ),
    "einsum": (
        lambda x, y: np.einsum("...ij,...kj->...ik", x, y),
        lambda x, y: torch.einsum("...ij,...kj->...ik", x, y),
        ((2, 1, 2, 3), (4, 3, 3)),
    ),
    "einsum of three": (
        lambda x, m, y: np.einsum("bi,ij,bj->b", x, m, y),
        lambda x, m, y: torch.einsum("bi,ij,bj->b", x, m, y),
        ((4, 2), (2, 3), (4, 3)),
    ),
    "einsum on a diagonal": (
        lambda x, y: np.einsum("bii,ij->bj", x, y),
        lambda x, y: torch.einsum("bii,ij->bj", x, y),
        ((2, 3, 3), (3, 2)),
    ),
    "vander": (
        lambda x: np.vander(x, 4, increasing=True),
        lambda x: torch.linalg.vander(x, N=4),
        ((3,),),
    ),
    "correlate": (
        lambda x, v: np.correlate(x, v),
        lambda x, v: F.conv1d(x[None], v[None, None])[0],
        ((6,), (3,)),
    ),
    "convolve": (
        np.convolve,
        lambda x, v: F.conv1d(x[None], v.flip(0)[None, None], padding=2)[0],
        ((6,), (3,)),
    ),
    "transpose": (
        lambda x: x.transpose(2, 0, 1) ** 2,
        lambda x: x.permute(2, 0, 1) ** 2,
        ((2, 3, 4),),
    ),
    "reshape": (lambda x: x.reshape(2, -1) ** 2, lambda x: x.reshape(2, -1) ** 2, ONE),
    "broadcast_to": (
        lambda x: np.broadcast_to(x, (2, 3, 4)) ** 2,
        lambda x: torch.broadcast_to(x, (2, 3, 4)) ** 2,
        ((3, 1),),
    ),
    "concatenate": (
        lambda x, y: np.concatenate([x, y, x], 1) ** 2,
        lambda x, y: torch.cat([x, y, x], 1) ** 2,
        ((2, 1), (2, 3)),
    ),
    "stack": (
        lambda x, y: np.stack([x, y], 1) ** 2,
        lambda x, y: torch.stack([x, y], 1) ** 2,
        ((2, 3), (2, 3)),
    ),
    "roll": (
        lambda x: np.roll(x, (1, -2), (0, 1)) * x,
        lambda x: torch.roll(x, (1, -2), (0, 1)) * x,
        ONE,
    ),
    "windows": (
        lambda x: np.lib.stride_tricks.sliding_window_view(x, 2, 1) ** 3,
        lambda x: x.unfold(1, 2, 1) ** 3,
        ONE,
    ),
    "flip": (lambda x: np.flip(x, 1) * x, lambda x: torch.flip(x, (1,)) * x, ONE),
    "rot90": (lambda x: np.rot90(x, -1) ** 2, lambda x: torch.rot90(x, -1) ** 2, ONE),
    "tile": (lambda x: np.tile(x, (2, 3)) ** 2, lambda x: torch.tile(x, (2, 3)) ** 2, ONE),
    "repeat": (
        lambda x: np.repeat(x, 2, 1) ** 2,
        lambda x: torch.repeat_interleave(x, 2, 1) ** 2,
        ONE,
    ),
    "repeat by numbers": (
        lambda x: np.repeat(x, [1, 0, 3], 0) ** 2,
        lambda x: torch.repeat_interleave(x, torch.tensor([1, 0, 3]), 0) ** 2,
        ONE,
    ),
    "pad": (
        lambda x: np.pad(x, ((1, 0), (2, 3)), constant_values=1.5) ** 2,
        lambda x: F.pad(x, (2, 3, 1, 0), value=1.5) ** 2,
        ONE,
    ),
    "pad by reflection": (
        lambda x: np.pad(x[None], ((0, 0), (0, 0), (2, 3)), "reflect") ** 2,
        lambda x: F.pad(x[None], (2, 3), "reflect") ** 2,
        ONE,
    ),
    "pad with the edge": (
        lambda x: np.pad(x[None], ((0, 0), (0, 0), (2, 3)), "edge") ** 2,
        lambda x: F.pad(x[None], (2, 3), "replicate") ** 2,
        ONE,
    ),
    "diagonal of many": (
        lambda x: np.diagonal(x, 1, 0, 2) ** 2,
        lambda x: torch.diagonal(x, 1, 0, 2) ** 2,
        ((3, 2, 4),),
    ),
    "diag": (lambda x: np.diag(x, -1) ** 2, lambda x: torch.diag(x, -1) ** 2, ((3,),)),
    "triangles": (
        lambda x: np.tril(x, 1) * np.triu(x),
        lambda x: torch.tril(x, 1) * torch.triu(x),
        ONE,
    ),
    "sort": (lambda x: np.sort(x, 0) ** 2, lambda x: torch.sort(x, 0)[0] ** 2, ONE),
    "take_along_axis": (
        lambda x: np.take_along_axis(x, ROWS[:, None], 1) ** 2,
        lambda x: torch.take_along_dim(x, torch.tensor(ROWS[:, None]), 1) ** 2,
        ONE,
    ),
    "block": (
        lambda x, y: np.block([[x, y], [y, x]]) ** 2,
        lambda x, y: torch.cat([torch.cat([x, y], 1), torch.cat([y, x], 1)]) ** 2,
        ((3, 4), (3, 4)),
    ),
    "split": (
        lambda x: np.split(x, [1, 3], 1)[1] ** 2,
        lambda x: torch.split(x, [1, 2, 1], 1)[1] ** 2,
        ONE,
    ),
    "meshgrid": (
        lambda x, y: np.multiply(*np.meshgrid(x, y, indexing="ij")),
        lambda x, y: torch.mul(*torch.meshgrid(x, y, indexing="ij")),
        ((3,), (4,)),
    ),
    "slices": (lambda x: x[1:, :3] ** 2, lambda x: x[1:, :3] ** 2, ONE),
    "rows": (lambda x: x[ROWS] ** 2, lambda x: x[ROWS] ** 2, ONE),
    "mask": (lambda x: x[MASK] ** 2, lambda x: x[torch.tensor(MASK)] ** 2, ONE),
    "assignment": (assigned, assigned, ((3, 4), (2, 2))),
    **{name: (f, spectra(torch)[name], ONE) for name, f in spectra(np).items()},
}
CASES.update({name: (f, factored(torch)[name], ((3, 3),)) for name, f in factored(np).items()})


def leaves(arrays: list[Any]) -> list[Any]:
    return [torch.tensor(x, requires_grad=True) for x in arrays]


@pytest.mark.parametrize("name", CASES)
def test_value_gradient_and_second_order(name: str) -> None:
    ours, theirs, shapes = CASES[name]
    rng = np.random.default_rng(5)
    arrays = [rng.uniform(-2, 2, shape) for shape in shapes]
    ts = leaves(arrays)
    expected = theirs(*ts)
    value, pullback = clearprop.vjp(ours, *arrays)
    np.testing.assert_allclose(value, expected.detach().numpy(), rtol=1e-12, atol=1e-13)
    g = rng.standard_normal(value.shape)
    first = torch.autograd.grad(
        expected, ts, torch.tensor(g), create_graph=True, materialize_grads=True
    )
    for mine, other in zip(pullback(g), first, strict=True):
        np.testing.assert_allclose(mine, other.detach().numpy(), rtol=1e-11, atol=1e-12)
    vs = [rng.standard_normal(shape) for shape in shapes]
    mixed = sum((d * torch.tensor(v)).sum() for d, v in zip(first, vs, strict=True))
    if mixed.requires_grad:
        second = torch.autograd.grad(mixed, ts, allow_unused=True, materialize_grads=True)
        products = [d.numpy(force=True) for d in second]
    else:
        products = [np.zeros(shape) for shape in shapes]
    mine = clearprop.hvp(lambda *xs: np.sum(ours(*xs) * g), tuple(arrays), tuple(vs))
    for a, b in zip(mine, products, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "exp",
            "log",
            "log1p",
            "expm1",
            "sqrt",
            "sin",
            "cos",
            "tan",
            "tanh",
            "sinh",
            "cosh",
            "square",
        ),
        *(
            "arcsin",
            "arccos",
            "arctan",
            "arcsinh",
            "arccosh",
            "arctanh",
            "log2",
            "log10",
            "reciprocal",
        ),
        *("abs", "sgn", "angle", "negative", "sigmoid", "sinc"),
    ],
)
def test_complex_functions(name: str) -> None:
    ours = {"sgn": np.sign, "sigmoid": clearprop.sigmoid}.get(name) or getattr(np, name)
    rng = np.random.default_rng(7)
    z, g = rng.standard_normal((2, 5)) + 1j * rng.standard_normal((2, 5))
    t = torch.tensor(z, requires_grad=True)
    expected = getattr(torch, name)(t)
    value, pullback = clearprop.vjp(ours, z)
    np.testing.assert_allclose(value, expected.detach().numpy(), rtol=1e-12)
    g = g if expected.is_complex() else g.real
    expected.backward(torch.tensor(g))
    np.testing.assert_allclose(pullback(g)[0], t.grad.numpy(), rtol=1e-11)


@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "divide", "power"])
def test_complex_functions_of_two(name: str) -> None:
    rng = np.random.default_rng(8)
    z, g = rng.standard_normal((2, 5)) + 1j * rng.standard_normal((2, 5))
    for x, y in ((z, z[::-1].copy()), (rng.uniform(0.5, 2, 5), z), (z, rng.uniform(0.5, 2, 5))):
        ts = leaves([x, y])
        expected = (torch.pow if name == "power" else getattr(torch, name))(*ts)
        value, pullback = clearprop.vjp(getattr(np, name), x, y)
        np.testing.assert_allclose(value, expected.detach().numpy(), rtol=1e-12)
        expected.backward(torch.tensor(g))
        for mine, t in zip(pullback(g), ts, strict=True):
            np.testing.assert_allclose(mine, t.grad.numpy(), rtol=1e-11)


# ---- models


def test_linear_regression_of_100_points() -> None:
    rng = np.random.default_rng(1)
    x = rng.uniform(-5, 5, (100, 4))
    y = x @ np.array([[1, 1], [1.5, 1.5], [2, 3], [2.5, -0.5]]) + np.array([0.0, -1.0])
    start = [rng.standard_normal((4, 2)), np.zeros(2)]
    w, b = map(clearprop.tensor, start)
    tw, tb = leaves(start)
    tx, ty = torch.tensor(x), torch.tensor(y)
    losses = []
    for rate in [0.1] + [0.01] * 20:
        loss = ((x @ w + b - y) ** 2).mean()
        their_loss = ((tx @ tw + tb - ty) ** 2).mean()
        loss.backward()
        their_loss.backward()
        losses.append(loss.item())
        assert losses[-1] == pytest.approx(their_loss.item(), rel=1e-11)
        np.testing.assert_allclose(w.grad, tw.grad.numpy(), rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(b.grad, tb.grad.numpy(), rtol=1e-10, atol=1e-12)
        with clearprop.no_grad(), torch.no_grad():
            w -= rate * w.grad
            b -= rate * b.grad
            tw -= rate * tw.grad
            tb -= rate * tb.grad
        w.grad = b.grad = tw.grad = tb.grad = None
    assert all(after < before for before, after in pairwise(losses))


def test_network_with_one_hidden_layer_trains_alike() -> None:
    rng = np.random.default_rng(2)
    x, labels = rng.standard_normal((20, 5)), rng.integers(0, 3, 20)
    start = [
        rng.standard_normal((5, 16)),
        np.zeros(16),
        rng.standard_normal((16, 3)) / 4,
        np.zeros(3),
    ]
    ours, theirs = [clearprop.tensor(p) for p in start], leaves(start)
    losses = []
    for _ in range(50):
        w1, b1, w2, b2 = ours
        scores = clearprop.relu(x @ w1 + b1) @ w2 + b2
        loss = -clearprop.log_softmax(scores)[np.arange(20), labels].mean()
        loss.backward()
        w1, b1, w2, b2 = theirs
        their_loss = F.cross_entropy(
            F.relu(torch.tensor(x) @ w1 + b1) @ w2 + b2, torch.tensor(labels)
        )
        their_loss.backward()
        losses.append(loss.item())
        # rounding differences grow a little with each step
        assert losses[-1] == pytest.approx(their_loss.item(), rel=1e-9)
        with clearprop.no_grad(), torch.no_grad():
            for p, q in zip(ours, theirs, strict=True):
                p -= 0.3 * p.grad
                q -= 0.3 * q.grad
                p.grad = q.grad = None
    assert losses[-1] < losses[0] / 2


@pytest.mark.parametrize(
    ("dtype", "rtol", "atol"), [("float64", 1e-9, 1e-12), ("float32", 2e-4, 2e-6)]
)
def test_batchnorm_tanh_cross_entropy(dtype: str, rtol: float, atol: float) -> None:
    # in single precision, where 1e-7 is one rounding, sums of many terms are added in another order
    rng = np.random.default_rng(3)
    batch, inputs, hidden, classes = 32, 30, 64, 27
    x = rng.standard_normal((batch, inputs)).astype(dtype)
    labels = rng.integers(0, classes, batch)
    shapes = [(inputs, hidden), (hidden,), (1, hidden), (1, hidden), (hidden, classes), (classes,)]
    start = [(rng.standard_normal(s) * 0.1).astype(dtype) for s in shapes]
    start[2] += 1

    ours = [clearprop.tensor(p) for p in start]
    w1, b1, gain, shift, w2, b2 = ours
    h = x @ w1 + b1
    normal = (h - h.mean(0, keepdims=True)) / np.sqrt(h.var(0, ddof=1, keepdims=True) + 1e-5)
    scores = np.tanh(gain * normal + shift) @ w2 + b2
    loss = -clearprop.log_softmax(scores, 1)[np.arange(batch), labels].mean()
    loss.backward()
    assert loss.dtype == dtype

    theirs = leaves(start)
    w1, b1, gain, shift, w2, b2 = theirs
    h = torch.tensor(x) @ w1 + b1
    normal = (h - h.mean(0, True)) / torch.sqrt(h.var(0, True, True) + 1e-5)
    their_loss = F.cross_entropy(torch.tanh(gain * normal + shift) @ w2 + b2, torch.tensor(labels))
    their_loss.backward()
    assert loss.item() == pytest.approx(their_loss.item(), rel=rtol)
    for p, q in zip(ours, theirs, strict=True):
        assert p.grad.dtype == dtype
        np.testing.assert_allclose(p.grad, q.grad.numpy(), rtol, atol)


# ---- conventions


def test_kinks_as_in_pytorch() -> None:
    x = np.array([-1.0, 0.0, 1.0])
    for ours, theirs in (
        (clearprop.relu, F.relu),
        (np.abs, torch.abs),
        (lambda x: np.clip(x, 0, 1), lambda x: torch.clamp(x, 0, 1)),
        (lambda x: np.maximum(x, np.zeros(3)), lambda x: torch.maximum(x, torch.zeros(3))),
        (lambda x: np.max(x * x, 0), lambda x: torch.amax(x * x, 0)),
        (lambda x: x**0, lambda x: x**0),
        (lambda x: np.copysign(x, -1.0), lambda x: torch.copysign(x, torch.tensor(-1.0))),
    ):
        (t,) = leaves([x])
        theirs(t).sum().backward()
        mine = clearprop.grad(lambda x, f=ours: np.sum(f(x)))(x)
        assert mine.tolist() == t.grad.tolist()


def test_gradients_accumulate_as_in_pytorch() -> None:
    found = []
    for make in (clearprop.tensor, lambda v: torch.tensor(v, dtype=float, requires_grad=True)):
        x = make([1.0, 2.0])
        y = x * x
        y.retain_grad()
        y.sum().backward(retain_graph=True)
        (y * 3).sum().backward()
        found.append((x.grad.tolist(), y.grad.tolist()))
    assert found[0] == found[1] == ([8, 16], [4, 4])
