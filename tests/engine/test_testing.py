"""check_grads: it accepts what is right, and says what, where and how far where something is wrong."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.errors import ClearpropError, GradientError, GradientMismatch
from clearprop.testing import assert_grads, check_grads
from tests.messages import message


def with_rule(function: Callable[..., Any], rule: Callable[..., Any]) -> clearprop.Block:
    """A block that computes `function` and claims that `rule` is its gradient."""
    block = clearprop.block(function)
    block.gradient(rule)
    return block


def product(left, right):
    return left * right


def matrix_product(left, right):
    return left @ right


def affine(x, w, b):
    return x @ w + b


@dataclasses.dataclass
class Model:
    weight: Any
    name: str = "linear"


# ---- what is right


@pytest.mark.parametrize("mode", ["rev", "fwd"])
@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize(
    ("f", "args"),
    [
        (lambda x: x**3, (2.0,)),
        (lambda x, y: np.sin(x) * y, (np.ones((2, 3)), np.array([1.0, -2.0, 3.0]))),
        (affine, (np.ones((2, 3)), np.arange(6.0).reshape(3, 2), np.zeros(2))),
        (lambda x: np.log(x), (np.array([1e-3, 1.0, 1e3]),)),
        (lambda z: np.exp(z) * np.conj(z), (np.array([1 + 2j, -0.5j]),)),
        (lambda z, x: (z * x).imag ** 2 + z.real, (np.array([1 + 2j, 0.3j]), np.ones(2))),
        (lambda x: x.real + 2 * x.imag, (1j,)),
        (lambda x: [x * x, {"a": x.sum()}], (np.arange(3.0),)),
        (lambda x: np.zeros(2), (1.0,)),
        (lambda x: x, (np.zeros((0, 3)),)),
    ],
)
def test_accepts_what_is_right(
    f: Callable[..., Any], args: tuple[Any, ...], order: int, mode: str
) -> None:
    check_grads(f, args, order, (mode,))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "longdouble", "complex64"])
def test_any_precision(dtype: str, rng: np.random.Generator) -> None:
    x, y = rng.uniform(0.5, 2, (2, 5)).astype(dtype)
    assert_grads(lambda x, y: np.sum(x * y / (x + y)) * x, x, y)


def test_large_arrays(rng: np.random.Generator) -> None:
    x, w = rng.normal(size=(30, 20)), rng.normal(size=(20, 10)) * 100
    assert_grads(lambda x, w: np.tanh(x @ w / 100), x, w)
    assert_grads(lambda x: x * x, (rng.normal(size=100) + 1j * rng.normal(size=100)))


def test_large_values_do_not_alarm() -> None:
    assert_grads(lambda x: 1e9 + np.sin(x), np.array([0.5, 1.0]))
    assert_grads(lambda x: x * x, np.array([3e4, 2e4], np.float32))


def test_containers() -> None:
    params = {"w": np.ones((3, 2)), "steps": 3, "layers": [2.0, (np.float32(1.5),)]}

    def loss(params: Any, model: Any, *extra: Any) -> Any:
        scale = params["layers"][0] * params["layers"][1][0]
        return {"loss": np.sum(params["w"] @ model.weight) * scale**2 + extra[0], "label": "x"}

    check_grads(loss, (params, Model(np.ones(2)), 4.0))


def test_tensors_as_arguments_and_in_the_closure() -> None:
    w = clearprop.tensor([1.0, 2.0])
    assert_grads(lambda x: np.sum(w * x**2), clearprop.tensor([3.0, 4.0]))
    assert w.grad is None


def test_a_lone_argument_needs_no_tuple() -> None:
    check_grads(lambda x: np.sum(x[0] * x[1]), [2.0, 3.0])


def test_a_tensor_may_be_what_the_function_returns_on_arrays() -> None:
    # clearprop.tensor within: the value is a Tensor even where the arguments are arrays
    assert_grads(lambda x: clearprop.tensor(2.0) * x, 3.0)


# ---- what is wrong


@pytest.mark.parametrize(
    ("function", "rule", "shapes", "phrases"),
    [
        (product, lambda g, out, x, y: (-g * y, g * x), ((3,), (3,)), "left sign is wrong"),
        (product, lambda g, out, x, y: (g * y, 2 * g * x), ((), ()), "right it is 2 times"),
        (product, lambda g, out, x, y: (g * y, 1.001 * g * x), ((3,), (3,)), "right 1.001 times"),
        (product, lambda g, out, x, y: (y, g * x), ((3,), (3,)), "left 3 of 3 entries"),
        (product, lambda g, out, x, y: (g * y, None), ((2,), (2,)), "right it is zero"),
        (product, lambda g, out, x, y: (g * x, g * x), ((2,), (2,)), "left 2 of 2 entries"),
        (
            matrix_product,
            lambda g, out, x, y: ((g @ y.T).T, x.T @ g),
            ((3, 3), (3, 3)),
            "left transpose",
        ),
        (
            matrix_product,
            lambda g, out, x, y: (g @ y, x.T @ g),
            ((3, 3), (3, 3)),
            "left entries differ",
        ),
        (
            affine,
            lambda g, out, x, w, b: (g @ w.T, x.T @ g, g[0]),
            ((4, 3), (3, 2), (2,)),
            "b entries differ",
        ),
    ],
    ids=[
        "sign",
        "factor",
        "small factor",
        "without upstream",
        "forgotten",
        "own value",
        "transposed",
        "wrong product",
        "missing sum",
    ],
)
@pytest.mark.parametrize("modes", [("rev",), ("fwd",), ("rev", "fwd")])
def test_rejects(
    function: Callable[..., Any],
    rule: Callable[..., Any],
    shapes: tuple[tuple[int, ...], ...],
    phrases: str,
    modes: tuple[str, ...],
    rng: np.random.Generator,
) -> None:
    args = tuple(np.asarray(rng.normal(size=shape))[()] for shape in shapes)
    check_grads(function, args, 1, modes)
    with pytest.raises(GradientMismatch) as caught:
        check_grads(with_rule(function, rule), args, 1, modes)
    text = str(caught.value)
    assert function.__name__ in text
    if modes == ("fwd",):
        assert "along a random direction (forward mode) is wrong" in text
    else:
        name, _, hint = phrases.partition(" ")
        assert f" for {name} is wrong" in text
        assert hint in text, text


@pytest.mark.parametrize("size", [3, 64, 65, 1000])
def test_one_wrong_entry_is_found_and_named(size: int) -> None:
    wrong = np.ones(size)
    wrong[size - 2] = 1.1
    block = with_rule(lambda x: x**2, lambda g, out, x: g * 2 * x * wrong)
    with pytest.raises(GradientMismatch, match=rf"for x is wrong at \[{size - 2}\]: expected"):
        assert_grads(block, np.linspace(0.5, 1, size))


def test_one_wrong_entry_of_a_large_complex_array() -> None:
    wrong = np.ones((20, 30))
    wrong[7, 21] = -1
    block = with_rule(lambda z: z**2, lambda g, out, z: g * 2 * np.conj(z) * wrong)
    with pytest.raises(GradientMismatch, match=r"is wrong at \[7, 21\]"):
        assert_grads(block, np.full((20, 30), 1 + 0.5j))


def test_the_whole_message() -> None:
    cube = with_rule(lambda x: x**3, lambda g, out, x: g * x**2)
    cube.__name__ = "cube"
    text = message(
        GradientMismatch,
        lambda: assert_grads(cube, 2.0),  # here
    )
    assert text.startswith(
        "the gradient of cube for x is wrong: expected 12 by central differences, got 4; "
        "it is 0.3333 times what is expected\n"
    )


def test_names_lead_into_containers() -> None:
    slip = with_rule(lambda x: 2 * x, lambda g, out, x: g)

    def f(params: Any) -> Any:
        return np.sum(slip(params["layers"][1]) * np.array([1.0, 5.0])) + params["a"]

    with pytest.raises(GradientMismatch, match=r"f for params\['layers'\]\[1\] is wrong at \[1\]"):
        check_grads(f, ({"a": 1.0, "layers": [1.0, np.ones(2)]},))


def test_names_of_further_arguments_and_of_those_without_a_name() -> None:
    slip = with_rule(lambda x: 2 * x, lambda g, out, x: g)
    with pytest.raises(GradientMismatch, match=r"for rest\[1\] is wrong"):
        assert_grads(lambda first, *rest: first * slip(rest[1]), 1.0, 2.0, 3.0)

    class Callable_:
        __signature__ = "none"

        def __call__(self, x: Any) -> Any:
            return slip(x)

    with pytest.raises(GradientMismatch, match="of Callable_ for argument 0 is wrong"):
        assert_grads(Callable_(), 1.0)


def test_second_derivatives_are_checked_on_their_own() -> None:
    # the rule is right, but hides from the second derivative how it depends on x
    square = with_rule(
        lambda x: x**2,
        lambda g, out, x: g * 2 * clearprop.tensor(x, requires_grad=False),
    )
    check_grads(square, (3.0,), order=1)
    with pytest.raises(GradientMismatch, match=r"^the second derivative of"):
        check_grads(square, (3.0,), order=2, modes=["rev"])
    with pytest.raises(GradientMismatch, match=r"^the second derivative of .*forward mode"):
        check_grads(square, (3.0,), order=2, modes=["fwd"])


def test_third_derivatives() -> None:
    def hidden(g: Any, out: Any, x: Any) -> Any:
        return g * 2 * clearprop.tensor(x, requires_grad=False)

    square = with_rule(lambda x: x**2, hidden)
    cube = with_rule(lambda x: x**3, lambda g, out, x: g * 3 * square(x))
    check_grads(cube, (3.0,), order=2)
    with pytest.raises(GradientMismatch, match=r"^the third derivative of"):
        check_grads(cube, (3.0,), order=3)


def test_tolerances() -> None:
    slip = with_rule(lambda x: x * 2, lambda g, out, x: g * 2.001)
    with pytest.raises(GradientMismatch):
        assert_grads(slip, 1.0)
    assert_grads(slip, 1.0, rtol=1e-2, order=1)
    assert_grads(slip, 1.0, atol=1e-2, order=1)
    with pytest.raises(GradientMismatch):
        assert_grads(slip, np.float32(1.0), rtol=1e-4, atol=1e-5)
    assert_grads(
        slip, np.float32(1.0), order=1
    )  # a thousandth is within what single precision sees


def test_only_the_arguments_asked_for() -> None:
    half = with_rule(product, lambda g, out, x, y: (g * y, 7 * g * x))
    check_grads(half, (2.0, 3.0), order=1, argnums=0)
    check_grads(half, (2.0, 3.0), order=1, argnums=[-2])
    with pytest.raises(GradientMismatch, match="for right"):
        check_grads(half, (2.0, 3.0), order=1, argnums=(1,))


def test_the_edge_of_the_domain() -> None:
    with np.errstate(invalid="ignore"):
        with pytest.raises(GradientMismatch, match=r"expected nan .* give a smaller eps="):
            assert_grads(lambda x: np.sqrt(x - 1), 1.0001)
        assert_grads(lambda x: np.sqrt(x - 1), 1.0001, eps=1e-6, order=1)


def test_a_gradient_that_is_not_a_number_is_wrong() -> None:
    def trap(x: Any) -> Any:  # its value is fine at 0
        return np.where(x > 0, x**1.5 / x, x)

    with np.errstate(all="ignore"), pytest.raises(GradientMismatch, match="got nan"):
        assert_grads(trap, 0.0, eps=1e-5)


# ---- what cannot be checked


def test_nothing_to_check() -> None:
    def f(x: Any) -> Any:
        return x

    with pytest.raises(GradientError, match="no argument of f that is to be checked"):
        check_grads(f, (3, "a"))
    with pytest.raises(GradientError, match="returned no floating numbers"):
        check_grads(lambda x: "text", (1.0,))


def test_wrong_options() -> None:
    with pytest.raises(ValueError, match=r"modes=.*'rev' and 'fwd'"):
        check_grads(np.sin, (1.0,), modes=("reverse",))
    with pytest.raises(ValueError, match="modes='fwd'"):
        check_grads(np.sin, (1.0,), modes="fwd")
    with pytest.raises(ClearpropError, match="argnums=2, but there are 2 arguments"):
        check_grads(product, (1.0, 2.0), argnums=2)
    with pytest.raises(ClearpropError, match="argnums='x': arguments are named by position"):
        check_grads(product, (1.0, 2.0), argnums="x")


def test_the_same_in_every_run() -> None:
    slip = with_rule(product, lambda g, out, x, y: (g * y, 1.01 * g * x))
    texts = []
    for _ in range(2):
        with pytest.raises(GradientMismatch) as caught:
            assert_grads(slip, np.ones(100), np.ones(100))
        texts.append(str(caught.value))
    assert texts[0] == texts[1]


def test_what_it_is_given_stays_as_it_is(rng: np.random.Generator) -> None:
    x = rng.normal(size=(3, 4))
    before = x.copy()
    assert_grads(lambda x: np.sin(x), x)
    assert np.array_equal(x, before)
    assert x.flags.writeable
