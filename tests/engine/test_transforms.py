"""`grad` and its kin: arguments, containers, nesting, and what must not be confused."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest

import clearprop
from clearprop import grad, hessian, hvp, jacobian, jvp, tensor, value_and_grad, vjp
from clearprop.errors import ClearpropError, DtypeError, GradientError
from clearprop.transforms import jacobians
from clearprop.transforms.trees import flatten, paths


def f(x: Any, y: Any) -> Any:
    return x * x * y  # (2xy, x²)


# ---- grad and value_and_grad


def test_grad_of_a_python_float_is_a_float() -> None:
    g = grad(lambda x: x**2)(3.0)
    assert isinstance(g, float)
    assert g == 6
    assert f"{g:.1f}" == "6.0"


def test_argnums() -> None:
    assert grad(f)(3.0, 5.0) == 30
    assert grad(f, 1)(3.0, 5.0) == 9
    assert grad(f, -1)(3.0, 5.0) == 9
    assert grad(f, (0, 1))(3.0, 5.0) == (30, 9)
    assert grad(f, [1])(3.0, 5.0) == (9,)
    assert grad(f, (-1, 0))(3.0, 5.0) == (9, 30)


def test_the_other_arguments_stay_plain() -> None:
    def g(x: Any, n: int, *, scale: float) -> Any:
        assert type(n) is int
        assert type(scale) is float
        return x**n * scale

    assert grad(g)(3.0, 2, scale=10.0) == 60


def test_value_and_grad() -> None:
    value, g = value_and_grad(f, (0, 1))(3.0, 5.0)
    assert (value, g) == (45, (30, 9))
    assert isinstance(value, float)


@pytest.mark.parametrize("shape", [(1,), (1, 1)])
def test_an_array_of_one_number_is_one_number(shape: tuple[int, ...]) -> None:
    def f(x: np.ndarray) -> np.ndarray:
        return np.sum(x**3).reshape(shape)

    assert grad(f)(X).tolist() == (3 * X**2).tolist()
    for with_value in (value_and_grad(f), clearprop.compile(value_and_grad(f))):
        value, g = with_value(X)
        assert (value.shape, value.item()) == (shape, np.sum(X**3))
        assert g.tolist() == (3 * X**2).tolist()
    (value, aux), _ = value_and_grad(lambda x: (f(x), "aux"), has_aux=True)(X)
    assert (value.shape, aux) == (shape, "aux")
    assert hessian(f)(X).tolist() == np.diag(6 * X).tolist()
    assert hvp(f, X, X).tolist() == (6 * X**2).tolist()
    for several in ((2,), (0,), (1, 2)):
        with pytest.raises(GradientError, match="returned shape"):
            grad(lambda x, s=several: np.zeros(s) + x.sum())(X)


def test_has_aux() -> None:
    def loss(x: Any) -> Any:
        y = x * x
        return y * 2, {"square": y, "note": "kept"}

    g, aux = grad(loss, has_aux=True)(3.0)
    assert (g, aux) == (12, {"square": 9, "note": "kept"})
    assert not isinstance(aux["square"], clearprop.Tensor)
    (value, aux), g = value_and_grad(loss, has_aux=True)(3.0)
    assert (value, aux["square"], g) == (18, 9, 12)
    _, pullback, aux = vjp(loss, 3.0, has_aux=True)
    assert aux["note"] == "kept"
    assert pullback(1.0) == (12,)
    j, aux = jacobian(loss, has_aux=True)(3.0)
    assert (j, aux["square"]) == (12, 9)


def test_without_dependence_the_gradient_is_zero() -> None:
    x = np.ones((2, 3), np.float32)
    g = grad(lambda x: 7.0)(x)
    assert (g.shape, g.dtype, g.any()) == ((2, 3), np.float32, np.False_)
    assert grad(lambda x, y: y * 2, (0, 1))(1.0, 2.0) == (0, 2)
    assert grad(lambda x: np.sum(x.detach() * 2))(1.0) == 0
    assert grad(lambda x: tensor(2.0) * 3)(1.0) == 0
    assert jacobian(lambda x: np.ones(2))(np.ones(3)).tolist() == [[0] * 3] * 2
    y, dy = jvp(lambda x: np.ones(2), 1.0, 1.0)
    assert (y.tolist(), dy.tolist()) == ([1, 1], [0, 0])
    assert vjp(lambda x: np.ones(2), 1.0)[1](np.ones(2)) == (0,)
    assert hessian(lambda x: 3 * x)(2.0) == 0


def test_grad_keeps_name_and_docstring() -> None:
    def loss(x: Any) -> Any:
        """How bad it is."""
        return x

    assert grad(loss).__name__ == "loss"
    assert value_and_grad(loss).__doc__ == "How bad it is."


def test_grad_of_a_ufunc_and_of_a_partial_function() -> None:
    from functools import partial

    assert grad(np.sin)(0.0) == 1
    assert grad(np.multiply, 1)(3.0, 5.0) == 3
    assert grad(partial(f, y=5.0))(3.0) == 30


def test_results_are_writable_and_unshared() -> None:
    gx, gy = grad(lambda x, y: np.sum(x + y), (0, 1))(np.ones(3), np.ones(3))
    gx += 1
    assert gy.tolist() == [1, 1, 1]
    _, pullback = vjp(lambda x: x + 0, np.ones(2))
    g = np.array([1.0, 2.0])
    (back,) = pullback(g)
    back *= 100
    assert g.tolist() == [1, 2]
    assert pullback(g)[0].tolist() == [1, 2], "a pullback can be called again"


# ---- vjp, jvp, jacobian, hessian, hvp


X = np.array([2.0, 3.0, 5.0])
# F(x) = (x0·x1, x1·x2²):  J = [[x1, x0, 0], [0, x2², 2·x1·x2]]
J = [[3.0, 2.0, 0.0], [0.0, 25.0, 30.0]]


def big_f(x: Any) -> Any:
    return np.stack([x[0] * x[1], x[1] * x[2] ** 2])


def test_jacobian_layouts() -> None:
    assert jacobian(big_f)(X).tolist() == J
    assert jacobian(big_f, layout="numerator")(X).tolist() == J
    assert jacobian(big_f, layout="denominator")(X).tolist() == np.transpose(J).tolist()


@pytest.mark.parametrize("layout", ["numerator", "denominator"])
def test_jacobian_forward_is_jacobian_back(layout: str) -> None:
    def f(p: Any, w: Any) -> Any:
        return {
            "a": np.tanh(np.outer(p["x"], w)) * p["s"],
            "b": np.sum(w),
            "c": w[:0],
            "d": np.ones(2),
        }

    args = {"x": np.arange(3.0), "s": np.float64(0.5)}, np.linspace(-1, 1, 4)
    forward, back, chosen = (
        jacobian(f, (0, 1), layout=layout, mode=mode) for mode in ("forward", "reverse", "auto")
    )
    wanted = back(*args)
    for found in (forward(*args), chosen(*args), clearprop.trace(forward, *args).evaluate(*args)):
        assert paths(found) == paths(wanted)
        for x, y in zip(flatten(found)[0], flatten(wanted)[0], strict=True):
            assert (x.shape, x.dtype) == (y.shape, y.dtype)
            np.testing.assert_allclose(x, y, rtol=1e-12)


def test_jacobian_chooses_the_fewer_sweeps(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = 0

    def wide(x: Any) -> Any:
        nonlocal calls
        calls += 1
        return np.sin(np.outer(x, np.arange(50.0)))

    asked: list[str] = []
    columns = jacobians._columns
    monkeypatch.setattr(jacobians, "_columns", lambda run: asked.append("forward") or columns(run))
    x = np.arange(2.0)
    np.testing.assert_allclose(jacobian(wide)(x), jacobian(wide, mode="reverse")(x), rtol=1e-12)
    jacobian(lambda x: x**2)(x)
    assert (asked, calls) == (["forward"], 2)
    second = jacobian(jacobian(wide, mode="forward"), mode="forward")(x)
    np.testing.assert_allclose(second, jacobian(jacobian(wide))(x), atol=1e-12)


def test_jacobian_modes_that_are_refused() -> None:
    with pytest.raises(ValueError, match="mode='back': use 'auto', 'forward' or 'reverse'"):
        jacobian(np.sin, mode="back")  # type: ignore[arg-type]
    with pytest.raises(clearprop.UnsupportedError, match="mode='reverse'"):
        jacobian(np.exp, mode="forward")(1j)


def test_jacobian_shapes_of_matrices() -> None:
    x, w = np.ones((2, 3)), np.ones((3, 4))
    assert jacobian(np.matmul)(x, w).shape == (2, 4, 2, 3)
    assert jacobian(np.matmul, 1)(x, w).shape == (2, 4, 3, 4)
    assert jacobian(np.matmul, layout="denominator")(x, w).shape == (2, 3, 2, 4)
    over_x, over_w = jacobian(np.matmul, (0, 1))(x, w)
    assert (over_x.shape, over_w.shape) == ((2, 4, 2, 3), (2, 4, 3, 4))
    assert jacobian(np.sum)(x).tolist() == np.ones((2, 3)).tolist()
    assert jacobian(lambda x: np.zeros((0,)) + x[:0])(X).shape == (0, 3)


def test_derivative_of_a_number_by_a_number_is_a_number() -> None:
    for found in (jacobian(np.sin)(0.0), hessian(np.cos)(0.0), jacobian(np.exp)(0j)):
        assert isinstance(found, np.number)


def test_vjp_and_jvp_are_products_with_the_jacobian() -> None:
    y, pullback = vjp(big_f, X)
    assert y.tolist() == [6, 75]
    # (1, 10) J = (3, 2 + 250, 300)
    assert pullback(np.array([1.0, 10.0]))[0].tolist() == [3, 252, 300]
    y, dy = jvp(big_f, X, np.array([1.0, 10.0, 100.0]))
    # J (1, 10, 100) = (3 + 20, 250 + 3000)
    assert (y.tolist(), dy.tolist()) == ([6, 75], [23, 3250])


def test_jvp_of_several_arguments() -> None:
    # d(x²y) = 2xy dx + x² dy = 30·0.1 + 9·2
    y, dy = jvp(f, (3.0, 5.0), (0.1, 2.0))
    assert (y, dy) == (45, pytest.approx(21.0, rel=1e-15))


def test_hessian_and_hvp() -> None:
    def g(x: Any) -> Any:
        return x[0] ** 2 * x[1] + x[2] ** 3

    # [[2·x1, 2·x0, 0], [2·x0, 0, 0], [0, 0, 6·x2]]
    h = [[6.0, 4.0, 0.0], [4.0, 0.0, 0.0], [0.0, 0.0, 30.0]]
    assert hessian(g)(X).tolist() == h
    assert hvp(g, X, np.array([1.0, 10.0, 100.0])).tolist() == [46, 4, 3000]
    # x²y: second derivatives 2y, 2x, 2x, 0
    assert hessian(f, (0, 1))(3.0, 5.0) == ((10, 6), (6, 0))
    assert hvp(f, (3.0, 5.0), (1.0, 10.0)) == (70, 6)


def test_hessian_of_a_quadratic_form(rng: np.random.Generator) -> None:
    a, x = rng.standard_normal((4, 4)), rng.standard_normal(4)
    np.testing.assert_allclose(hessian(lambda x: x @ a @ x)(x), a + a.T, rtol=1e-13, atol=1e-14)


# ---- containers


class Point(NamedTuple):
    x: Any
    y: Any


Old = namedtuple("Old", ["a", "b"])  # the untyped kind is in use, too


@dataclass
class Layer:
    w: Any
    b: Any


@dataclass(frozen=True, slots=True)
class Model:
    layers: tuple[Layer, ...]
    scale: Any

    def __post_init__(self) -> None:
        if not isinstance(self.scale, float):
            raise TypeError("made anew, with something else in the place of a number")


def test_containers_come_back_as_they_went_in() -> None:
    cases: list[tuple[Callable[[Any], Any], Any, Any]] = [
        (lambda p: p["a"] * p["b"], {"a": 2.0, "b": 3.0}, {"a": 3, "b": 2}),
        (lambda p: p[0] * p[1], [2.0, 3.0], [3, 2]),
        (lambda p: p[0] * p[1], (2.0, 3.0), (3, 2)),
        (lambda p: p.x * p.y, Point(2.0, 3.0), Point(3, 2)),
        (lambda p: p.a * p.b, Old(2.0, 3.0), Old(3, 2)),
        (lambda p: p.w * p.b, Layer(2.0, 3.0), Layer(3, 2)),
        (
            lambda p: p["u"][0] * p["v"].x,
            {"u": [2.0], "v": Point(3.0, 4.0)},
            {"u": [3], "v": Point(2, 0)},
        ),
        (
            lambda p: p["a"] * 2,
            {"a": 2.0, "none": None, "empty": ()},
            {"a": 2, "none": None, "empty": ()},
        ),
    ]
    for function, at, expected in cases:
        g = grad(function)(at)
        assert g == expected
        assert type(g) is type(at)


def test_frozen_dataclasses_nest() -> None:
    first = Layer(np.array([[2.0]]), np.array([1.0]))
    second = Layer(np.array([[3.0]]), np.array([0.5]))
    model = Model((first, second), 10.0)

    def loss(model: Model, x: Any) -> Any:
        for layer in model.layers:
            x = x @ layer.w + layer.b
        return np.sum(x) * model.scale

    # h = 2x + 1 = 11 at x = 5; y = 3h + 0.5 = 33.5; L = 10y
    value, g = value_and_grad(loss)(model, np.array([5.0]))
    assert value == 335
    assert g.layers[1].w.tolist() == [[110]]
    assert g.layers[1].b.tolist() == [10]
    assert g.layers[0].w.tolist() == [[150]]  # 10·3·5
    assert g.layers[0].b.tolist() == [30]
    assert g.scale == 33.5


def test_outputs_in_containers() -> None:
    def g(x: Any) -> Any:
        return {"square": x * x, "pair": (x, 3 * x)}

    assert jacobian(g)(2.0) == {"square": 4, "pair": (1, 3)}
    y, pullback = vjp(g, 2.0)
    assert y == {"square": 4, "pair": (2, 6)}
    assert pullback({"square": 1.0, "pair": (10.0, 100.0)}) == (4 + 10 + 300,)
    y, dy = jvp(g, 2.0, 0.5)
    assert dy == {"square": 2, "pair": (0.5, 1.5)}


def test_jacobian_and_hvp_over_containers() -> None:
    p = {"a": 2.0, "b": 3.0}
    assert jacobian(lambda p: (p["a"] * p["b"], p["a"]))(p) == ({"a": 3, "b": 2}, {"a": 1, "b": 0})
    assert hvp(lambda p: p["a"] ** 2 * p["b"], p, {"a": 1.0, "b": 0.0}) == {"a": 6, "b": 4}
    h = hessian(lambda p: p["a"] ** 2 * p["b"])(p)
    assert h == {"a": {"a": 6, "b": 4}, "b": {"a": 4, "b": 0}}


def test_same_array_twice_is_two_variables() -> None:
    x = np.array([1.0, 2.0])
    a, b = grad(lambda x, y: np.sum(x * 2 + y * 3), (0, 1))(x, x)
    assert (a.tolist(), b.tolist()) == ([2, 2], [3, 3])


def test_a_number_that_is_no_number_is_named() -> None:
    with pytest.raises(DtypeError, match=r"\['layers'\]\[1\].*int64"):
        grad(lambda p: p["layers"][0])({"layers": [1.0, 2]})
    with pytest.raises(ClearpropError, match="argnums"):
        grad(f, 2)(1.0, 2.0)


# ---- threads


def test_threads_do_not_disturb_each_other(rng: np.random.Generator) -> None:
    w = rng.standard_normal((20, 20))

    def loss(x: Any) -> Any:
        for _ in range(20):
            x = np.tanh(x @ w)
        return np.sum(x**2)

    x = rng.standard_normal(20)
    expected = grad(loss)(x)
    with ThreadPoolExecutor(8) as pool:
        for g in pool.map(lambda _: grad(loss)(x), range(32)):
            assert np.array_equal(g, expected)
