"""Arrays of Python objects that hold tensors: NumPy would compute on with them alone, so they are refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.errors import DtypeError, LostGradientError, TraceError
from tests.messages import message

X = np.array([1.0, 2.0])


def objects(*values: Any) -> Any:
    """An array of objects, filled one by one: NumPy asks nobody."""
    array = np.empty(len(values), dtype=object)
    for i, value in enumerate(values):
        array[i] = value
    return array


def eager(f: Callable[[Any], Any]) -> Any:
    return f(clearprop.tensor(X))


def within_grad(f: Callable[[Any], Any]) -> Any:
    return clearprop.grad(lambda x: np.sum(f(x)))(X)


def within_jacobian(f: Callable[[Any], Any]) -> Any:
    return clearprop.jacobian(f)(X)


def traced(f: Callable[[Any], Any]) -> Any:
    return clearprop.trace(f, X)


def explained(f: Callable[[Any], Any]) -> Any:
    return clearprop.explain(lambda x: np.sum(f(x)), X)


CURE = ("np.stack([...])", "`import clearprop.numpy as np`")
WAYS = [eager, within_grad, within_jacobian, traced, explained]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "make",
    [
        lambda x: np.array([x[0], 2 * x[1]]),  # here
        lambda x: np.array([x[0], 2.0], dtype=object),  # here
        lambda x: np.array([x, x]),  # here
        lambda x: np.array([x, x], dtype=object),  # here
        lambda x: np.asarray([[x[0]], [x[1]]]),  # here
        lambda x: np.sum([x[0], x[1]]),  # here
        lambda x: X * [x[0], x[1]],  # here
    ],
)
def test_an_array_of_tensors_is_refused_when_made(
    make: Callable[[Any], Any], way: Callable[[Any], Any]
) -> None:
    kind = TraceError if way is traced else LostGradientError
    with pytest.raises(kind) as caught:
        way(make)
    text = str(caught.value)
    assert all(phrase in text for phrase in CURE), text
    assert text.endswith("# here"), text


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("use", "operation"),
    [
        (lambda x, a: a * x, "multiply"),
        (lambda x, a: x * a, "multiply"),
        (lambda x, a: x[0] - a, "subtract"),
        (lambda x, a: x @ a, "matmul"),
        (lambda x, a: np.matmul(a, x), "matmul"),
        (lambda x, a: np.dot(x, a), "matmul"),
        (lambda x, a: np.maximum(x, a), "maximum"),
        (lambda x, a: np.where(X > 1, x, a), "where"),
        (lambda x, a: np.stack([x, a]), "stack"),
        (lambda x, a: np.concatenate([a, x]), "concatenate"),
        (lambda x, a: x**a, "power"),
        (lambda x, a: (x * 1).__setitem__(slice(None), a), "assign"),
    ],
)
def test_used_with_a_tensor(use: Any, operation: str, way: Callable[[Any], Any]) -> None:
    with pytest.raises(LostGradientError) as caught:
        way(lambda x: use(x, objects(x[0], 2.0)))
    text = str(caught.value)
    assert text.startswith(f"{operation} got an array of Python objects (dtype=object, shape (2,))")
    assert all(phrase in text for phrase in CURE), text


@pytest.mark.parametrize("way", [within_jacobian, traced])
def test_returned(way: Callable[[Any], Any]) -> None:
    def f(x: Any) -> Any:
        return objects(x[0], x[1]) * 2

    with pytest.raises(LostGradientError, match="f returned an array of Python objects"):
        way(f)


def test_returned_to_any_transform() -> None:
    def f(x: Any) -> Any:
        return {"a": objects(x[0], x[1])}

    for run in (
        lambda: clearprop.grad(f)(X),
        lambda: clearprop.vjp(f, X),
        lambda: clearprop.jvp(f, X, X),
        lambda: clearprop.explain(f, X),
    ):
        with pytest.raises(LostGradientError, match="f returned an array of Python objects"):
            run()


def test_differentiated() -> None:
    message(
        LostGradientError,
        lambda: clearprop.grad(np.sum)(objects(clearprop.tensor(1.0), 2.0)),  # here
        "the argument of sum is an array of Python objects",
        *CURE,
    )

    def f(p: Any) -> Any:
        return p

    with pytest.raises(LostGradientError, match=r"the argument\['a'\] of f is an array of Python"):
        clearprop.grad(f)({"a": objects(clearprop.tensor(1.0))})


def test_a_ufunc_of_such_an_array_alone_fails_with_the_cure_as_its_cause() -> None:
    with pytest.raises(TypeError, match="no callable sin method") as caught:
        eager(lambda x: np.sin(objects(x[0], x[1])))
    cause = caught.value.__cause__
    assert isinstance(cause, AttributeError)
    assert "NumPy's function is np.sin(t)" in str(cause)
    assert all(phrase in str(cause) for phrase in CURE)


def test_methods_that_arrays_do_not_have() -> None:
    t = clearprop.tensor(X)
    with pytest.raises(AttributeError, match=r"no 'exp'; NumPy's function is np\.exp\(t\)"):
        t.exp()
    assert not hasattr(t, "exp")
    assert "exp" not in dir(t)
    assert {"sum", "conj", "shape", "backward", "grad"} <= set(dir(t))


def test_python_arithmetic_on_the_objects_keeps_gradients() -> None:
    # NumPy leaves the arithmetic to the objects, so nothing is lost
    assert within_grad(lambda x: objects(x[0], 3 * x[1]).sum()).tolist() == [1, 3]


@pytest.mark.parametrize("way", WAYS)
def test_numbers_as_objects(way: Callable[[Any], Any]) -> None:
    for numbers in (np.array([1.0, 2.0], dtype=object), objects(1, None)):
        with pytest.raises(DtypeError, match=r"multiply got an array of Python objects.*astype"):
            way(lambda x, numbers=numbers: x * numbers)
    with pytest.raises(DtypeError, match="objects"):
        clearprop.grad(np.sum)(np.array([1.0], dtype=object))


@pytest.mark.parametrize(
    ("name", "instead"),
    [("unsqueeze", "np.expand_dims"), ("t", "t.T"), ("relu", "clearprop.relu"), ("add_", "t += v")],
)
def test_methods_that_tensors_of_pytorch_have(name: str, instead: str) -> None:
    t = clearprop.tensor(X)
    with pytest.raises(AttributeError, match=f"no '{name}'") as caught:
        getattr(t, name)
    assert instead in str(caught.value)
    assert not hasattr(t, name)
    assert name not in dir(t)


def test_parameters_are_not_changed_through_data() -> None:
    t = clearprop.tensor(X)
    with pytest.raises(AttributeError, match=r"t\.value.*no_grad"):
        t.data -= 1.0
    with pytest.raises(AttributeError, match=r"t\.value.*no_grad"):
        t.data = X
