"""Where a gradient would be lost in silence there is an error that says so, and how to mend it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from clearprop import grad, tensor
from clearprop.errors import LostGradientError, UnsupportedError
from tests.messages import message

X = tensor([1.0, 2.0])


# ---- losing a gradient


def test_math_function_within_grad() -> None:
    message(
        LostGradientError,
        lambda: grad(lambda x: math.sin(x))(1.0),  # here
        "float(t)",
        "np.sin, not math.sin",
        "float(t.detach())",
    )


def test_python_conversions_within_grad() -> None:
    message(LostGradientError, lambda: grad(lambda x: x * float(x))(1.0), "float(t)")  # here
    message(LostGradientError, lambda: grad(lambda x: x * int(x))(1.0), "int(t)")  # here
    message(
        LostGradientError,
        lambda: grad(lambda x: x * x.item())(1.0),  # here
        "item()",
        "t.detach().item()",
    )
    assert grad(lambda x: x * x.detach().item())(3.0) == 3
    assert (X.sum().item(), X.item(1)) == (3, 2), "to read a loss"


def test_tolist_in_a_transform() -> None:
    message(
        LostGradientError,
        lambda: grad(lambda x: sum(x.tolist()))(np.ones(2)),  # here
        "list(t)",
        "t.detach().tolist()",
    )
    assert grad(lambda x: x[0] * sum(x.detach().tolist()))(np.ones(2)).tolist() == [2, 0]
    assert tensor([1.0, 2.0]).tolist() == [1, 2]
    assert grad(lambda x: x * float(x.detach()))(3.0) == 3


def test_float_of_a_result_is_fine_outside() -> None:
    assert float(X.sum()) == 3
    assert int(X.sum()) == 3


@pytest.mark.parametrize(
    "f",
    [
        lambda: np.asarray(X),  # here
        lambda: np.array(X),  # here
        lambda: np.array([X, X]),  # here
        lambda: np.array([tensor(1.0), tensor(2.0)]),  # here
        lambda: tensor([tensor(1.0), 2.0]),  # here
    ],
)
def test_becoming_a_plain_array(f: Callable[[], Any]) -> None:
    message(LostGradientError, f, "drop the gradient", "np.stack", "t.detach()")


FILL = "clearprop.tensor(array, requires_grad=False) as the array to assign into"


def test_assignment_into_a_plain_array() -> None:
    a = np.zeros(3)

    def assign() -> None:
        a[:2] = X  # here

    message(LostGradientError, assign, "assignment into an array", FILL)
    assert a.tolist() == [0, 0, 0]


def test_assignment_of_one_number_into_a_plain_array() -> None:
    a = np.zeros(3)

    def assign() -> None:
        a[0] = X[0]

    # NumPy puts its own error on top of whatever a float conversion raises
    with pytest.raises(ValueError, match="setting an array element") as caught:
        assign()
    cause = caught.value.__cause__
    assert isinstance(cause, LostGradientError)
    assert FILL in str(cause)
    assert "a[0] = X[0]" in str(cause)
    a[0] = X[0].detach()
    assert a.tolist() == [1, 0, 0]


def test_such_an_assignment_in_a_transform() -> None:
    def f(x: np.ndarray) -> object:
        a = np.zeros(3)
        a[0] = x[0] ** 2  # here
        return a.sum()

    message(LostGradientError, lambda: grad(f)(np.ones(3)), FILL)


def test_numpy_of_a_tensor_with_gradient() -> None:
    message(LostGradientError, lambda: X.numpy(), "detach().numpy()")  # here
    assert X.detach().numpy().tolist() == [1, 2]
    assert np.asarray(X.detach()).tolist() == [1, 2]


def test_out_and_in_place_operators_of_plain_arrays() -> None:
    a = np.zeros(2)

    def add() -> None:
        nonlocal a
        a += X  # here

    message(LostGradientError, add, "a = a + t", "np.add")
    message(LostGradientError, lambda: np.exp(X, out=a), "out=", "np.exp")  # here
    message(LostGradientError, lambda: np.sum(X, 0, out=a[0]), "out=", "np.sum")  # here


# ---- unsupported


def test_unsupported_function() -> None:
    message(
        UnsupportedError,
        lambda: np.union1d(X, X),  # here
        "np.union1d has no gradient",
        "Near it: ",
        "@clearprop.block",
        "t.detach()",
        "CONTRIBUTING.md",
    )
    message(UnsupportedError, lambda: np.char.join(X, X), "np.char.join")  # here


def test_unsupported_argument() -> None:
    message(UnsupportedError, lambda: np.cumsum(X, 0, None, None), "np.cumsum", "axis=None")  # here
    message(UnsupportedError, lambda: np.exp(X, where=X > 1), "where=", "np.where(mask")  # here
    message(UnsupportedError, lambda: np.exp(X, dtype=float), "dtype=", "x.astype(dtype)")  # here
    message(UnsupportedError, lambda: np.where(X > 0, X), "np.where(condition, x, y)")  # here
