"""Tensors next to plain NumPy arrays, NumPy scalars and Python numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import clearprop
from tests.numeric import slopes

ARRAY = np.array([10.0, 20.0])
MIXES: dict[str, tuple[Callable[[Any], Any], list[float], list[float]]] = {
    # at x = (2, 4): value, slope
    "array + tensor": (lambda x: ARRAY + x, [12, 24], [1, 1]),
    "array - tensor": (lambda x: ARRAY - x, [8, 16], [-1, -1]),
    "array * tensor": (lambda x: ARRAY * x, [20, 80], [10, 20]),
    "tensor * array": (lambda x: x * ARRAY, [20, 80], [10, 20]),
    "array / tensor": (lambda x: ARRAY / x, [5, 5], [-2.5, -1.25]),
    "array ** tensor": (lambda x: np.array([1.0, 1.0]) ** x, [1, 1], [0, 0]),
    "array @ tensor": (lambda x: ARRAY @ x, 100, [10, 20]),  # type: ignore[dict-item]
    "np.float64 * tensor": (lambda x: np.float64(3) * x, [6, 12], [3, 3]),
    "np.float64 - tensor": (lambda x: np.float64(3) - x, [1, -1], [-1, -1]),
    "np.int64 + tensor": (lambda x: np.int64(3) + x, [5, 7], [1, 1]),
    "int / tensor": (lambda x: 8 / x, [4, 2], [-2, -0.5]),
    "float ** tensor": (lambda x: 1.0**x, [1, 1], [0, 0]),
    "ufunc with an array first": (lambda x: np.multiply(ARRAY, x), [20, 80], [10, 20]),
    "maximum with an array first": (lambda x: np.maximum(np.array([3.0, 3.0]), x), [3, 4], [0, 1]),
    "list in a stack": (lambda x: np.stack([x[0], 3 * x[1]]), [2, 12], [1, 3]),
}


@pytest.mark.parametrize("name", MIXES)
def test_mixing_with_plain_values(name: str) -> None:
    f, value, slope = MIXES[name]
    x = clearprop.tensor([2.0, 4.0])
    y = f(x)
    assert isinstance(y, clearprop.Tensor)
    assert y.tolist() == value
    y.sum().backward()
    assert x.grad.tolist() == slope


def test_array_in_place_with_a_tensor_is_refused() -> None:
    a = np.ones(2)
    with pytest.raises(TypeError, match="a = a"):
        a += clearprop.tensor([1.0, 2.0])


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x * 2.5,
        lambda x: 1 - x,
        lambda x: x / 3,
        lambda x: x**2,
        lambda x: x**0.5,
        lambda x: 2.0**x,
        lambda x: np.maximum(x, 0.0),
        lambda x: np.where(x > 0, x, 0.0),
        lambda x: x.mean() + x.std() + x.sum() / len(x),
        lambda x: np.clip(x, 0.1, 0.9),
        clearprop.sigmoid,
        clearprop.log_softmax,
    ],
)
@pytest.mark.parametrize("size", [3, 1])
def test_python_numbers_keep_single_precision(f: Callable[[Any], Any], size: int) -> None:
    x = clearprop.tensor(np.full(size, 0.5), dtype=np.float32)
    y = f(x)
    assert y.dtype == np.float32
    y.sum().backward()
    assert x.grad.dtype == np.float32


def test_dtypes_promote_as_in_numpy() -> None:
    single, double = clearprop.tensor(np.float32(2)), clearprop.tensor(3.0)
    assert (single * double).dtype == np.float64
    assert (single * np.float64(2)).dtype == np.float64
    assert (clearprop.tensor([1, 2]) / 2).dtype == np.float64
    assert (single * np.array([1, 2], np.int8)).dtype == np.float32
    (single * double).backward()
    assert (single.grad.dtype, double.grad.dtype) == (np.float32, np.float64)


LISTS: dict[str, Callable[[Any], Any]] = {
    "power": lambda x: x ** [1, 2],
    "base": lambda x: [1.0, 2.0] ** x,
    "quotient": lambda x: (1, 2) / x,
    "range": lambda x: x * range(2),
    "matmul": lambda x: x @ [1, 2],
    "matmul with a matrix": lambda x: [[1, 2], [3, 4]] @ x,
    "where": lambda x: np.where([True, False], x, [0, 1]),
    "maximum": lambda x: np.maximum([0, 9], x),
}


@pytest.mark.parametrize("name", LISTS)
def test_lists_are_operands(name: str) -> None:
    f = LISTS[name]
    x = np.array([2.0, 3.0])

    def loss(x: Any) -> Any:
        return np.sum(f(x) ** 2)

    expected = slopes(loss, x)
    np.testing.assert_allclose(clearprop.grad(loss)(x), expected, 1e-6)
    traced = clearprop.trace(clearprop.grad(loss), x)
    np.testing.assert_allclose(traced.evaluate(x), expected, 1e-6)


def test_lists_of_tensors_are_operands() -> None:
    x, y = clearprop.tensor([2.0, 3.0]), clearprop.tensor(5.0)
    np.sum(x * [y, 2.0] + (1.0, y)).backward()
    np.testing.assert_array_equal(x.grad, [5.0, 2.0])
    assert y.grad == 3.0


def test_looks_like_an_array() -> None:
    x = clearprop.tensor([[1.0, 2.0, 3.0]])
    assert (x.shape, x.ndim, x.size, x.dtype, len(x)) == ((1, 3), 2, 3, np.float64, 1)
    assert x.tolist() == [[1, 2, 3]]
    assert clearprop.tensor(2.5).item() == 2.5
    assert f"{clearprop.tensor(2.5):.2f}" == "2.50"
    assert repr(clearprop.tensor([1.0])) == "tensor([1.])"
    assert repr(clearprop.tensor([1.0], requires_grad=False)) == "tensor([1.], requires_grad=False)"
    assert repr(np.exp(clearprop.tensor(0.0))) == "tensor(1., made by exp)"
    with pytest.raises(TypeError, match="0-d"):
        len(clearprop.tensor(1.0))
    with pytest.raises(TypeError, match="0-d"):
        iter(clearprop.tensor(1.0))


def test_comparisons_and_python_choices() -> None:
    x = clearprop.tensor(2.0)
    y = x * x if x > 1 else -x
    y.backward()
    assert x.grad == 4
    assert {x: 1}[x] == 1, "hashed by identity"
    assert (clearprop.tensor([1.0, 2.0]) == np.array([1.0, 3.0])).tolist() == [True, False]


def test_tensor_of_a_tensor_is_a_new_leaf() -> None:
    x = clearprop.tensor([1.0, 2.0])
    y = clearprop.tensor(x * 2)
    y.sum().backward()
    assert y.grad.tolist() == [1, 1]
    assert x.grad is None


MASKED = np.ma.masked_array([[1.0, 2.0], [3.0, 4.0]], [[False, True], [False, False]])
MATRIX = np.asarray(MASKED).view(np.matrix)


@pytest.mark.parametrize("other", [MASKED, MATRIX], ids=["masked", "matrix"])
@pytest.mark.parametrize(
    "f",
    [
        lambda t, x: t * x,
        lambda t, x: t @ x,
        lambda t, x: np.add(t, x),
        lambda t, x: np.dot(x, t),
        lambda t, x: clearprop.tensor(x),
        lambda t, x: clearprop.grad(lambda y: np.sum(y * y))(x),
        lambda t, x: clearprop.trace(lambda y: y * x, np.ones((2, 2))),
    ],
)
def test_what_computes_in_a_way_of_its_own_is_refused(f: Any, other: Any) -> None:
    message = "which has an arithmetic of its own. Use np.asarray"
    with pytest.raises(clearprop.UnsupportedError, match=message):
        f(clearprop.tensor(np.ones((2, 2))), other)


def test_other_kinds_of_arrays_are_arrays(tmp_path: Path) -> None:
    kept = np.memmap(tmp_path / "numbers", np.float64, "w+", shape=(3,))
    kept[:] = [1.0, 2.0, 3.0]
    t = clearprop.tensor([1.0, 1.0, 1.0])
    product = t * kept
    assert type(product.value) is np.ndarray
    product.sum().backward()
    assert t.grad.tolist() == [1.0, 2.0, 3.0]
    assert clearprop.grad(lambda x: np.sum(x * x))(kept).tolist() == [2.0, 4.0, 6.0]


@pytest.mark.parametrize("function", [np.dot, np.outer, np.kron, np.multiply])
@pytest.mark.parametrize("number", [2**70, -(2**65), 2**63])
def test_whole_numbers_of_many_bits(function: Callable[..., Any], number: int) -> None:
    x = np.array([1.0, 2.0, 3.0])
    f = clearprop.grad(lambda x: np.sum(function(x, number)))
    np.testing.assert_array_equal(f(x), np.full(3, float(number)))
    np.testing.assert_array_equal(clearprop.compile(f)(x), np.full(3, float(number)))


@pytest.mark.parametrize("number", [2**64, -(2**70)])
def test_whole_numbers_of_many_bits_leave_the_layout_as_it_is(number: int) -> None:
    """While tracing, where what is written to lies follows from the arrays it is made of."""

    def f(x: Any) -> Any:
        y = x.T * number
        row = y.reshape(-1)  # a copy, since y lies as x.T does
        y[0] = x[0, 0]
        return np.sum(y) + np.sum(row)

    x = np.arange(1.0, 7.0).reshape(2, 3)
    by_hand = np.array([[number + 3.0, 2.0 * number, 2.0 * number], [number] + [2.0 * number] * 2])
    gradient = clearprop.grad(f)
    np.testing.assert_array_equal(gradient(x), by_hand)
    np.testing.assert_array_equal(clearprop.compile(gradient)(x), by_hand)
