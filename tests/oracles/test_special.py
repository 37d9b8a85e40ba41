"""JAX and PyTorch as oracles for scipy.special: values, gradients and second derivatives, in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import special as sp

import clearprop
from clearprop.scipy import special as ours

Ranges = tuple[tuple[float, float], ...]
ANY: Ranges = ((-2, 2),)
UNIT: Ranges = ((0.05, 0.95),)
POSITIVE: Ranges = ((0.3, 3),)
TWO: Ranges = ((0.3, 3), (0.3, 3))

# by the names that SciPy and JAX share
JAX: dict[str, tuple[Callable[..., Any], Ranges]] = {
    "erf": (lambda s, x: s.erf(x), ANY),
    "erfc": (lambda s, x: s.erfc(x), ANY),
    "erfinv": (lambda s, x: s.erfinv(x), ((-0.9, 0.9),)),
    "ndtr": (lambda s, x: s.ndtr(x), ((-5, 5),)),
    "log_ndtr": (lambda s, x: s.log_ndtr(x), ((-5, 8),)),
    "ndtri": (lambda s, x: s.ndtri(x), UNIT),
    "expit": (lambda s, x: s.expit(x), ((-8, 8),)),
    "logit": (lambda s, x: s.logit(x), UNIT),
    "gamma": (lambda s, x: s.gamma(x), POSITIVE),
    "gamma below zero": (lambda s, x: s.gamma(x), ((-1.9, -1.1),)),
    "gammaln": (lambda s, x: s.gammaln(x), POSITIVE),
    "digamma": (lambda s, x: s.digamma(x), POSITIVE),
    "polygamma": (lambda s, x: s.polygamma(2, x), POSITIVE),
    "zeta": (lambda s, x: s.zeta(3.0, x), POSITIVE),
    "multigammaln": (lambda s, x: s.multigammaln(x, 3), ((1.5, 4),)),
    "beta": (lambda s, x, y: s.beta(x, y), TWO),
    "betaln": (lambda s, x, y: s.betaln(x, y), TWO),
    "poch": (lambda s, x, y: s.poch(x, y), TWO),
    "gammainc": (lambda s, x: s.gammainc(1.5, x), POSITIVE),
    "gammaincc": (lambda s, x: s.gammaincc(2.5, x), POSITIVE),
    "betainc": (lambda s, x: s.betainc(2.5, 1.5, x), UNIT),
    "xlogy": (lambda s, x, y: s.xlogy(x, y), TWO),
    "xlog1py": (lambda s, x, y: s.xlog1py(x, y), TWO),
    "entr": (lambda s, x: s.entr(x), POSITIVE),
    "rel_entr": (lambda s, x, y: s.rel_entr(x, y), TWO),
    "kl_div": (lambda s, x, y: s.kl_div(x, y), TWO),
    "i0": (lambda s, x: s.i0(x), ANY),
    "i1": (lambda s, x: s.i1(x), POSITIVE),
    "i0e": (lambda s, x: s.i0e(x), POSITIVE),
    "i1e": (lambda s, x: s.i1e(x), POSITIVE),
    "expi": (lambda s, x: s.expi(x), POSITIVE),
    "spence": (lambda s, x: s.spence(x), ((0.3, 0.9),)),
    "softmax": (lambda s, x: s.softmax(x, axis=1), ANY),
    "log_softmax": (lambda s, x: s.log_softmax(x, axis=0), ANY),
    "logsumexp": (lambda s, x, y: s.logsumexp(x, axis=1, b=y), ((-2, 2), (0.3, 2))),
}

# ours, and PyTorch's, where JAX has no such function or another rule
TORCH: dict[str, tuple[Callable[..., Any], Callable[[Any], Callable[..., Any]], Ranges]] = {
    "erfcx": (sp.erfcx, lambda t: t.special.erfcx, ANY),
    "log_ndtr": (sp.log_ndtr, lambda t: t.special.log_ndtr, ((-30, 8),)),
    "ndtri": (sp.ndtri, lambda t: t.special.ndtri, UNIT),
    "entr": (sp.entr, lambda t: t.special.entr, POSITIVE),
    "exp2": (sp.exp2, lambda t: t.special.exp2, ANY),
    "log1p": (sp.log1p, lambda t: t.special.log1p, POSITIVE),
    "expm1": (sp.expm1, lambda t: t.special.expm1, ANY),
    "log_expit": (sp.log_expit, lambda t: t.nn.functional.logsigmoid, ANY),
    "digamma": (sp.digamma, lambda t: t.special.digamma, ((-1.9, -1.1),)),
    "gammainc": (
        lambda x: sp.gammainc(1.5, x),
        lambda t: lambda x: t.special.gammainc(t.tensor(1.5, dtype=x.dtype), x),
        POSITIVE,
    ),
    "zeta": (lambda x: sp.zeta(3.0, x), lambda t: lambda x: t.special.zeta(3.0, x), POSITIVE),
    "i1": (sp.i1, lambda t: t.special.i1, POSITIVE),
    "i1e": (sp.i1e, lambda t: t.special.i1e, POSITIVE),
    "huber": (
        lambda x: sp.huber(0.7, x),
        lambda t: (
            lambda x: t.nn.functional.huber_loss(x, t.zeros_like(x), reduction="none", delta=0.7)
        ),
        ((0.8, 2.0),),
    ),
}


def draw(ranges: Ranges) -> tuple[np.random.Generator, list[Any], list[Any]]:
    rng = np.random.default_rng(11)
    shapes = ((3, 4), (3, 4))[: len(ranges)]
    xs = [rng.uniform(*r, shape) for r, shape in zip(ranges, shapes, strict=True)]
    return rng, xs, [rng.standard_normal(x.shape) for x in xs]


@pytest.mark.parametrize("name", JAX)
def test_as_in_jax(name: str) -> None:
    jax = pytest.importorskip("jax", reason="JAX is not installed (make test-all installs it)")
    from jax.scipy import special as theirs

    f, ranges = JAX[name]
    rng, xs, vs = draw(ranges)
    places = tuple(range(len(xs)))
    with jax.enable_x64(True):
        value, pullback = clearprop.vjp(lambda *xs: f(ours, *xs), *xs)
        expected, their_pullback = jax.vjp(lambda *xs: f(theirs, *xs), *xs)
        np.testing.assert_allclose(value, expected, rtol=1e-11, atol=1e-12)
        g = rng.standard_normal(value.shape)
        for a, b in zip(pullback(g), their_pullback(jax.numpy.asarray(g)), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-11)
        product = clearprop.hvp(lambda *xs: np.sum(f(ours, *xs) * g), tuple(xs), tuple(vs))
        gradient = jax.grad(lambda *xs: jax.numpy.sum(f(theirs, *xs) * g), places)
        second = jax.jvp(gradient, tuple(xs), tuple(vs))[1]
        for a, b in zip(product, second, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("name", TORCH)
def test_as_in_pytorch(name: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed (make test-all does it)")
    f, of, ranges = TORCH[name]
    theirs = of(torch)
    rng, (x,), (v,) = draw(ranges)
    t = torch.tensor(x, requires_grad=True)
    expected = theirs(t)
    value, pullback = clearprop.vjp(f, x)
    np.testing.assert_allclose(value, expected.detach().numpy(), rtol=1e-11, atol=1e-13)
    g = rng.standard_normal(value.shape)
    (first,) = torch.autograd.grad(expected, t, torch.tensor(g), create_graph=True)
    np.testing.assert_allclose(pullback(g)[0], first.detach().numpy(), rtol=1e-10, atol=1e-11)
    mine = clearprop.hvp(lambda x: np.sum(f(x) * g), (x,), (v,))[0]
    if first.requires_grad:
        (second,) = torch.autograd.grad(first, t, torch.tensor(v))
        np.testing.assert_allclose(mine, second.numpy(), rtol=1e-9, atol=1e-10)
