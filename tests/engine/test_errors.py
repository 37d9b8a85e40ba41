"""Messages are part of what is promised: class, key phrases, and the user's own line."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop import grad, tensor
from clearprop.errors import (
    ClearpropError,
    DtypeError,
    GradientError,
    LostGradientError,
    ShapeError,
    UnsupportedError,
)
from tests.messages import message

X = tensor([1.0, 2.0])
ARRAY = np.ones(3)


# ---- not a scalar


def test_backward_on_an_array() -> None:
    message(
        GradientError,
        lambda: (X * X).backward(),  # here
        "shape (2,)",
        "clearprop.jacobian",
        "clearprop.vjp",
        "backward(gradient)",
        ".sum()",
    )


def test_grad_of_an_array() -> None:
    message(
        GradientError,
        lambda: grad(np.exp)(np.ones(2)),  # here
        "exp returned shape (2,)",
        "clearprop.jacobian",
        "clearprop.vjp",
        ".sum()",
    )


@pytest.mark.parametrize(
    ("output", "named"),
    [((1.0, 2.0), "a tuple"), (None, "None"), ("s", "a str"), ([1.0], "a list")],
)
def test_grad_of_something_else(output: Any, named: str) -> None:
    def loss(x: Any) -> Any:
        return output

    message(GradientError, lambda: grad(loss)(1.0), f"returned {named}", "has_aux")  # here


def test_has_aux_without_a_pair() -> None:
    message(
        ClearpropError,
        lambda: grad(np.sin, has_aux=True)(1.0),  # here
        "sin must return a pair (output, aux)",
    )


# ---- nothing requires a gradient


def test_nothing_requires_a_gradient() -> None:
    c = tensor(1.0, requires_grad=False)
    message(
        GradientError,
        lambda: (c * 2).backward(),  # here
        "requires no gradient",
        "clearprop.tensor(x)",
        "requires_grad",
        "no_grad()",
        "detach()",
    )


def test_backward_on_whole_numbers() -> None:
    message(GradientError, lambda: tensor(3).backward(), "int64", "floating point")  # here


def test_backward_within_no_grad() -> None:
    with clearprop.no_grad():
        y = X.sum()
        message(GradientError, lambda: y.backward(), "within no_grad()")  # here


def test_retain_grad_of_a_constant() -> None:
    message(GradientError, lambda: tensor(3).retain_grad(), "requires no gradient")  # here


# ---- whole numbers


def test_grad_at_an_integer() -> None:
    message(
        DtypeError,
        lambda: grad(lambda x: x * x)(3),  # here
        "int64",
        "3.0 instead of 3",
        "floating point",
    )


def test_grad_at_an_integer_of_many_bits() -> None:
    with pytest.raises(DtypeError, match=r"is a whole number of 71 bits\. Use float\(x\)"):
        grad(lambda x: x * 2.0)(2**70)
    assert grad(lambda x: x * 2.0)(float(2**70)) == 2.0


def test_an_integer_of_many_bits_comes_back_from_compiled_code() -> None:
    assert clearprop.compile(lambda x: 2**70)(np.ones(2)) == 2**70


def test_grad_at_an_integer_array() -> None:
    message(
        DtypeError,
        lambda: grad(np.sum)(np.arange(3)),  # here
        "int64 of shape (3,)",
        "x.astype(float)",
        "the argument of sum",
    )


def test_grad_at_an_integer_in_a_container() -> None:
    message(
        DtypeError,
        lambda: grad(lambda p: p["w"][0])({"w": [1.0, True]}),  # here
        "['w'][1]",
        "bool",
    )


def test_grad_at_a_string() -> None:
    message(DtypeError, lambda: grad(np.sum)("text"), "a str", "argnums")  # here


def test_integer_tensor_that_wants_a_gradient() -> None:
    message(
        DtypeError,
        lambda: tensor([1, 2], requires_grad=True),  # here
        "int64 of shape (2,)",
        "x.astype(float)",
    )
    message(DtypeError, lambda: tensor(1).requires_grad_(), "3.0 instead of 3")  # here


def test_tensor_of_no_numbers() -> None:
    message(DtypeError, lambda: tensor("text"), "numbers")  # here
    message(DtypeError, lambda: tensor([None]), "numbers")  # here


def test_argnums_out_of_range() -> None:
    message(
        ClearpropError,
        lambda: grad(math.hypot, argnums=2)(1.0, 2.0),  # here
        "argnums=2",
        "hypot",
        "2 positional arguments",
    )


def test_a_transform_of_no_function() -> None:
    message(UnsupportedError, lambda: grad(3.0), "not a float", "grad(f)(x)")  # here
    message(UnsupportedError, lambda: clearprop.hessian(X), "backward()", "x.grad")  # here


def test_arguments_where_positions_belong() -> None:
    def f(x: Any, rate: Any) -> Any:
        return x * rate

    message(UnsupportedError, lambda: grad(f, 3.0), "argnums=3.0", "grad(f)(x)")  # here
    message(UnsupportedError, lambda: clearprop.jacobian(f, ARRAY), "jacobian(f)(x)")  # here
    message(UnsupportedError, lambda: grad(f, "rate"), "by position", "'rate' is at 1")  # here
    message(UnsupportedError, lambda: grad(f, ("x", "rate")), "'x' is at 0, 'rate' is at 1")  # here


def test_a_position_is_no_loss() -> None:
    message(
        DtypeError,
        lambda: grad(np.argmax)(np.ones(3)),  # here
        "argmax returned int64",
        "moves in steps",
    )


# ---- shapes


def test_matrices_that_do_not_fit() -> None:
    a = tensor(np.ones((2, 3)))
    message(
        ShapeError,
        lambda: a @ np.ones((2, 3)),  # here
        "each row of the first has 3 numbers, each column of the second 2; a @ b.T or a.T @ b would fit",
    )
    message(ShapeError, lambda: a @ np.ones((2, 4)), "2; a.T @ b would fit")  # here
    message(ShapeError, lambda: a @ np.ones(2), "each column of the second 2\n")  # here
    message(ShapeError, lambda: a @ 2.0, "a number cannot be a factor of @; use *")  # here


@pytest.mark.parametrize(
    ("name", "f", "shapes"),
    [
        ("add", lambda: X + ARRAY, "(2,) and (3,)"),  # here
        ("subtract", lambda: ARRAY - X, "(3,) and (2,)"),  # here
        ("multiply", lambda: np.multiply(X, ARRAY), "(2,) and (3,)"),  # here
        ("maximum", lambda: np.maximum(X, ARRAY), "(2,) and (3,)"),  # here
        ("matmul", lambda: X @ np.ones((3, 4)), "(2,) and (3, 4)"),  # here
        ("matmul", lambda: X @ 2.0, "(2,) and ()"),  # here
        ("where", lambda: np.where(X > 0, X, ARRAY), "(2,) and (2,) and (3,)"),  # here
        ("stack", lambda: np.stack([X, ARRAY]), "(2,) and (3,)"),  # here
        ("concatenate", lambda: np.concatenate([X, np.ones((1, 2))]), "(1, 2)"),  # here
        ("broadcast_to", lambda: np.broadcast_to(X, (2, 3)), "(2,)"),  # here
        ("reshape", lambda: X.reshape(3), "(2,)"),  # here
        ("squeeze", lambda: np.squeeze(X, 0), "(2,)"),  # here
        ("transpose", lambda: X.transpose(0, 0), "(2,)"),  # here
        ("transpose", lambda: X.transpose(5), "(2,)"),  # here
        ("axis 5", lambda: X.swapaxes(0, 5), "1"),  # here
        ("axis 5", lambda: np.moveaxis(X, 0, 5), "1"),  # here
        ("axis -3", lambda: np.expand_dims(X, -3), "2"),  # here
        ("axis", lambda: X.sum((0, 0)), "(0, 0)"),  # here
        ("axis 2", lambda: X.sum(2), "1"),  # here
    ],
)
def test_shapes_that_do_not_fit(name: str, f: Callable[[], Any], shapes: str) -> None:
    message(ShapeError, f, name, shapes)


def test_shape_error_inside_a_function_names_its_line() -> None:
    def layer(x: Any, w: Any) -> Any:
        return np.tanh(x @ w)  # here

    text = message(ShapeError, lambda: grad(layer)(np.ones(4), np.ones((3, 2))), "(4,) and (3, 2)")
    assert "in layer" in text


def test_shape_error_within_a_sweep_is_of_the_class_that_numpy_users_catch() -> None:
    assert issubclass(ShapeError, ValueError)
    assert issubclass(DtypeError, TypeError)
    assert issubclass(GradientError, RuntimeError)
    assert issubclass(LostGradientError, TypeError)
    assert issubclass(UnsupportedError, TypeError)


@pytest.mark.parametrize("seed", [np.ones(3), 1.0, [1.0, 2.0, 3.0], np.ones((2, 1))])
def test_wrong_seed(seed: Any) -> None:
    message(
        ShapeError,
        lambda: (X * X).backward(seed),  # here
        "shape (2,)",
        f"has shape {np.shape(seed)}",
    )


def test_wrong_seeds_of_transforms() -> None:
    _, pullback = clearprop.vjp(lambda x: (x, x), 1.0)
    message(ShapeError, lambda: pullback(1.0), "returned 2 arrays", "has 1")  # here
    message(ShapeError, lambda: pullback((np.ones(2), 1.0)), "shape ()", "(2,)")  # here
    message(
        ShapeError,
        lambda: clearprop.jvp(np.sin, (1.0,), (1.0, 2.0)),  # here
        "1 primals",
        "2",
    )
    message(
        ShapeError,
        lambda: clearprop.hvp(np.sum, np.ones(2), np.ones(3)),  # here
        "shape (2,)",
        "shape (3,)",
    )


# ---- used twice, changed, kept


def test_second_backward() -> None:
    y = (X * X).sum()
    y.backward()
    message(
        GradientError,
        lambda: y.backward(),  # here
        "freed by an earlier backward",
        "backward(retain_graph=True)",
        "compute the loss again",
    )
    X.zero_grad()


def test_changes_in_place() -> None:
    t = tensor([1.0, 2.0])

    def change() -> None:
        t[0] = 1.0  # here

    message(GradientError, change, "leaf", "clearprop.no_grad()", "t.copy()")
    stretched = np.broadcast_to(t * 1, (2, 2))

    def assign() -> None:
        stretched[0] = 1.0  # here

    message(UnsupportedError, assign, "view", "t.copy()")
    number = (t * 1)[0]

    def assign_into_a_number() -> None:
        number[...] = 1.0  # here

    message(UnsupportedError, assign_into_a_number, "numbers do not change", "t[0] = v")


def test_line_that_called_numpy_code_written_in_python() -> None:
    polyval = np.polynomial.polynomial.polyval
    message(ShapeError, lambda: polyval(X, np.ones((3, 3)), tensor=False), "(3,) and (2,)")  # here


def test_line_within_a_thread() -> None:
    found: list[str] = []

    def work() -> None:
        found.append(message(ShapeError, lambda: X + ARRAY, "(2,) and (3,)"))  # here

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert len(found) == 1


def test_line_of_code_without_a_file() -> None:
    code = compile("x + y", "<made up>", "eval")
    with pytest.raises(ShapeError) as caught:
        eval(code, {"x": X, "y": ARRAY})
    assert str(caught.value).splitlines()[1:] == ["  at <made up>:1, in <module>"]
