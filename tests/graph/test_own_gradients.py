"""Blocks with a gradient of their own: containers, several results, and code that nobody can look into."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import special

import clearprop
from clearprop.errors import GradientError, ShapeError, TraceError, UnsupportedError
from clearprop.testing import assert_grads

# ---- opaque: loops with float(), SciPy on plain arrays


@clearprop.block
def squares(x):
    return np.asarray([float(v) ** 2 for v in np.asarray(x)])


@squares.gradient
def squares_gradient(g, out, x):
    return 2 * g * x


@clearprop.block
def gamma(x):
    return special.gamma(np.asarray(x, dtype=float))


@gamma.gradient
def gamma_gradient(g, out, x):
    x = np.asarray(x, dtype=float)
    return np.asarray(g) * special.gamma(x) * special.digamma(x)


@gamma.jvp
def gamma_jvp(t, out, x):
    return t * np.asarray(out) * special.digamma(np.asarray(x))


X = np.array([1.3, 2.4, 0.6])


def loss(x):
    h = np.sin(x) + 2
    return np.sum(3 * squares(h) * gamma(h + 1))


def differences(f: Callable[..., Any], x: Any) -> Any:
    steps = 1e-6 * np.eye(x.size).reshape(-1, *x.shape)
    return np.reshape([(f(x + d) - f(x - d)) / 2e-6 for d in steps], x.shape)


GETTING = {
    "grad": lambda f, x: clearprop.grad(f)(x),
    "compile": lambda f, x: clearprop.compile(clearprop.grad(f))(x),
    "trace": lambda f, x: clearprop.trace(clearprop.grad(f), x).evaluate(x),
    "explain": lambda f, x: clearprop.explain(f, x).gradients["x"],
    "grad of a trace": lambda f, x: clearprop.grad(clearprop.trace(f, x).evaluate)(x),
}


@pytest.mark.parametrize("how", GETTING)
@pytest.mark.parametrize("f", [loss, lambda x: np.sum(gamma(x)), lambda x: np.sum(squares(x * x))])
def test_opaque_blocks_everywhere(f: Callable[..., Any], how: str) -> None:
    np.testing.assert_allclose(GETTING[how](f, X), differences(f, X), rtol=1e-7)


def test_backward_of_an_opaque_block() -> None:
    x = clearprop.tensor(X)
    loss(x).backward()
    np.testing.assert_allclose(x.grad, differences(loss, X), rtol=1e-7)


def test_an_opaque_block_is_a_gate_without_parts() -> None:
    graph = clearprop.trace(clearprop.grad(loss), X)
    graph.verify()
    named = {node.primitive.name: node for node in graph.nodes}
    assert named["squares"].body is None
    assert named["gamma"].out.spec == clearprop.ArraySpec((3,), "float64")
    assert named["gamma_gradient"].body is None
    assert "squares_gradient" not in named  # NumPy operations: looked into
    assert "gamma(" in clearprop.explain(loss, X).svg() or "gamma" in str(
        clearprop.explain(loss, X)
    )


@pytest.mark.parametrize("name", ["square", "softmax", "relu", "sum", "gather", "one_hot"])
def test_compile_knows_a_block_by_more_than_its_name(name: str) -> None:
    def cubed(x: Any) -> Any:
        return np.asarray([float(v) ** 3 for v in np.asarray(x)])

    cubed.__name__ = name
    cube = clearprop.block(cubed)
    cube.gradient(lambda g, out, x: 3 * g * x * x)
    compiled = clearprop.compile(clearprop.value_and_grad(lambda x: np.sum(cube(x) + 1)))
    value, gradient = compiled(np.array([2.0, 3.0]))
    assert value == 37
    np.testing.assert_array_equal(gradient, [12, 27])


def test_compile_leaves_an_opaque_block_to_numpy() -> None:
    compiled = clearprop.compile(loss)
    np.testing.assert_allclose(compiled(X), loss(X), rtol=1e-14)
    np.testing.assert_allclose(compiled(X + 1), loss(X + 1), rtol=1e-14)
    assert "left to NumPy" in str(compiled.report())
    assert "gamma" in str(compiled.report())


def test_two_blocks_of_one_name_are_two() -> None:
    def made(k):
        @clearprop.block
        def times(x):
            return np.asarray([float(v) * k for v in x])

        @times.gradient
        def times_gradient(g, out, x):
            return g * k

        return times

    two, three = made(2.0), made(3.0)
    f = clearprop.compile(lambda x: two(x) + three(x))
    np.testing.assert_array_equal(f(X), X * 2.0 + X * 3.0)
    for k in (4.0, 5.0):
        np.testing.assert_array_equal(clearprop.compile(made(k))(X), X * k)


def test_specs_alone_do_not_do_for_an_opaque_block() -> None:
    with pytest.raises(TraceError, match=r"block squares .* Trace with arrays as examples"):
        clearprop.trace(lambda x: squares(x), clearprop.ArraySpec((3,), float))


def test_forward_through_opaque_blocks() -> None:
    step = np.array([1.0, -2.0, 0.5])
    y, dy = clearprop.jvp(lambda x: gamma(x * x) * x, X, step)
    plus, minus = X + 1e-6 * step, X - 1e-6 * step
    slope = (special.gamma(plus**2) * plus - special.gamma(minus**2) * minus) / 2e-6
    np.testing.assert_allclose(dy, slope, rtol=1e-7)
    np.testing.assert_allclose(y, special.gamma(X * X) * X)


def test_what_opaque_gradients_cannot_do_is_said() -> None:
    @clearprop.block
    def cube(x):
        return math.pow(x, 3)

    @cube.gradient
    def cube_gradient(g, out, x):
        return g * 3 * math.pow(x, 2)

    with pytest.raises(UnsupportedError, match=r"block cube .* with @cube\.jvp"):
        clearprop.jvp(cube, 2.0, 1.0)
    with pytest.raises(UnsupportedError, match="no second derivatives; write it with NumPy"):
        clearprop.grad(clearprop.grad(cube))(2.0)
    x = clearprop.tensor(2.0)
    cube(x).backward(create_graph=True)
    with pytest.raises(UnsupportedError, match="no second derivatives; write it with NumPy"):
        x.grad.backward()
    with pytest.raises(UnsupportedError, match="no second derivatives; write it with NumPy"):
        clearprop.hessian(lambda x: np.sum(gamma(x)))(X)

    @cube.jvp
    def cube_jvp(t, out, x):
        return np.ones(2)

    with pytest.raises(ShapeError, match=r"jvp of block cube returned shapes \[\(2,\)\]"):
        clearprop.jvp(cube, 2.0, 1.0)


def test_jvp_needs_a_gradient_first() -> None:
    @clearprop.block
    def plain(x):
        return x

    with pytest.raises(GradientError, match=r"give it one with @plain\.gradient first"):
        plain.jvp(lambda t, out, x: t)


# ---- several results, containers


@clearprop.block
def polar(r, angle):
    return {"x": r * np.cos(angle), "y": r * np.sin(angle)}


@polar.gradient
def polar_gradient(g, out, r, angle):
    dr = g["x"] * np.cos(angle) + g["y"] * np.sin(angle)
    return dr, g["y"] * out["x"] - g["x"] * out["y"]


@clearprop.block
def affine(params, x, power):
    return x**power @ params["w"] + params["b"]


@affine.gradient
def affine_gradient(g, out, params, x, power):
    dw = (x**power).T @ g
    return {"b": g.sum(0), "w": dw}, (g @ params["w"].T) * power * x ** (power - 1), None


@clearprop.block
def opaque_pair(x):
    x = np.asarray(x)
    return float(x[0] * x[1]), np.sort(x)


@opaque_pair.gradient
def opaque_pair_gradient(g, out, x):
    product, ordered = g
    x = np.asarray(x)
    back = np.empty(len(x))
    back[np.argsort(x)] = np.asarray(ordered)
    back[:2] += float(product) * x[1::-1]
    return back


def from_polar(r, angle):
    at = polar(r, angle)
    return at["x"] ** 2 + 3 * at["y"]


def in_layers(params, x):
    return np.sum(affine(params, affine(params, x, 2), 1) ** 2)


PARAMS = {"w": np.array([[0.5, -1.0], [2.0, 0.3]]), "b": np.array([0.1, 0.2])}


def test_several_results() -> None:
    assert_grads(from_polar, 1.5, 0.4, argnums=(0, 1))
    for run in (clearprop.grad, lambda f, n: clearprop.compile(clearprop.grad(f, n))):
        dr, da = run(from_polar, (0, 1))(1.5, 0.4)
        x, y = 1.5 * np.cos(0.4), 1.5 * np.sin(0.4)
        assert dr == pytest.approx(2 * x * np.cos(0.4) + 3 * np.sin(0.4))
        assert da == pytest.approx(-2 * x * y + 3 * x)
    polar.check_gradient(1.5, 0.4)


def test_a_result_that_is_not_used_gets_zeros() -> None:
    assert clearprop.grad(lambda r: polar(r, 0.4)["y"])(2.0) == pytest.approx(np.sin(0.4))


def test_containers_in() -> None:
    x = np.array([[1.0, 2.0], [0.5, -1.0], [2.0, 0.1]])
    assert_grads(in_layers, PARAMS, x, argnums=(0, 1), order=2)
    expected = clearprop.grad(in_layers)(PARAMS, x)
    graph = clearprop.trace(clearprop.grad(in_layers), PARAMS, x)
    graph.verify()
    for found in (
        clearprop.compile(clearprop.grad(in_layers))(PARAMS, x),
        graph.evaluate(PARAMS, x),
        graph.open().evaluate(PARAMS, x),
    ):
        for key in "wb":
            np.testing.assert_allclose(found[key], expected[key], rtol=1e-12)
    affine.check_gradient(PARAMS, x, 2)


def test_opaque_with_several_results() -> None:
    def f(x):
        product, ordered = opaque_pair(np.exp(x))
        return product * np.sum(ordered * np.arange(3.0))

    for how in GETTING:
        np.testing.assert_allclose(GETTING[how](f, X), differences(f, X), rtol=1e-7, err_msg=how)


def test_gradients_in_another_container_are_refused() -> None:
    @clearprop.block
    def scaled(params):
        return params["w"] * 2

    @scaled.gradient
    def scaled_gradient(g, out, params):
        return g * 2

    with pytest.raises(
        GradientError, match="returned float64 for arguments dict; return gradients"
    ):
        clearprop.grad(lambda w: scaled({"w": w}))(1.0)


@pytest.mark.parametrize("where", ["block doubled", "the gradient of block doubled"])
def test_code_that_writes_into_what_it_was_given(where: str) -> None:
    def twice(x: Any) -> Any:
        x *= 2
        return x

    careful = (lambda x: twice(x.copy())) if where.startswith("the") else twice

    @clearprop.block
    def doubled(x: Any) -> Any:
        return careful(x)

    @doubled.gradient
    def doubled_gradient(g: Any, out: Any, x: Any) -> Any:
        return g * twice(x) if where.startswith("the") else 2 * g

    with pytest.raises(UnsupportedError, match=rf"{where} writes into .*x = x\.copy\(\)"):
        clearprop.grad(lambda x: np.sum(doubled(x) ** 2))(np.ones(2))
