"""Reading and writing parts of tensors, with NumPy's meaning, and changes in place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.errors import DtypeError, GradientError, ShapeError
from clearprop.testing import assert_grads
from tests.numeric import slopes

ROWS = np.array([2, 0, 2])
COLUMNS = np.array([1, 3, 1])
MASK = np.array([[True, False, True, False], [False] * 4, [True, True, True, True]])

INDICES: dict[str, Any] = {
    "a number": 1,
    "a negative number": -1,
    "a NumPy number": np.int64(2),
    "two numbers": (1, 2),
    "a slice": slice(1, None),
    "backwards": slice(None, None, -2),
    "nothing": slice(2, 2),
    "all": slice(None),
    "ellipsis": (..., 0),
    "new axis": (slice(None), None, 1),
    "0-d index": (1, 2, ...),
    "rows": ROWS,
    "a list": [0, 0, 1],
    "a range and a list": (range(3), [1, 0, 1]),
    "tuples of numbers": ((0, 2), (1, 3)),
    "no range": range(0),
    "negative rows": np.array([-1, 0, -1]),
    "2-D rows": np.array([[0, 1], [1, 1]]),
    "no rows": np.array([], int),
    "places": (ROWS, COLUMNS),
    "places that broadcast": (ROWS[:, None], COLUMNS),
    "row numbers and a slice": (ROWS, slice(1, 3)),
    "a slice and column numbers": (slice(None), COLUMNS),
    "a number and column numbers": (1, COLUMNS),
    "ellipsis and column numbers": (..., COLUMNS),
    "new axis and rows": (None, ROWS),
    "mask": MASK,
    "row mask": np.array([True, False, True]),
    "a slice and a column mask": (slice(1, None), np.array([True, False, False, True])),
    "row numbers and a column mask": (np.array([2, 2]), np.array([True, False, False, True])),
    "empty mask": np.zeros((3, 4), bool),
}


@pytest.mark.parametrize("name", INDICES)
def test_reading(name: str, rng: np.random.Generator) -> None:
    index = INDICES[name]
    x = rng.standard_normal((3, 4))
    t = clearprop.tensor(x)
    part = t[index]
    assert part.shape == x[index].shape
    assert np.array_equal(part.value, x[index])
    g = rng.standard_normal(part.shape)
    (part * g).sum().backward()
    expected = np.zeros_like(x)
    np.add.at(expected, index, g)
    np.testing.assert_allclose(t.grad, expected, rtol=1e-15)


def test_reading_one_place_twice_counts_twice() -> None:
    t = clearprop.tensor([1.0, 2.0, 3.0])
    (t[[0, 2, 0, 0]] * np.array([1.0, 10.0, 100.0, 1000.0])).sum().backward()
    assert t.grad.tolist() == [1101.0, 0.0, 10.0]  # 1 + 100 + 1000


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128"])
@pytest.mark.parametrize("picked", ["all once", "some twice", "many", "numbers in rows"])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_reading_many_rows(axis: int, picked: str, dtype: str, rng: np.random.Generator) -> None:
    x = rng.standard_normal((9, 7, 11)).astype(dtype)
    n = x.shape[axis]
    rows = {
        "all once": rng.permutation(n).astype(np.int8) - n,
        "some twice": np.array([0, 2, -1, 2, -n]),
        "many": rng.integers(-n, n, 300),
        "numbers in rows": rng.integers(0, n, (4, 25)).astype(np.uint8),
    }[picked]
    index = (..., rows) if axis == -1 else (slice(None),) * axis + (rows,)
    t = clearprop.tensor(x)
    part = t[index]
    assert np.array_equal(part.value, x[index])
    g = rng.standard_normal(part.shape).astype(dtype)
    part.backward(g)
    expected = np.zeros_like(x)
    np.add.at(expected, index, g)
    np.testing.assert_allclose(t.grad, expected, 1e-5 if dtype == "float32" else 1e-13, 1e-5)


def test_positions_out_of_range() -> None:
    t = clearprop.tensor(np.ones((2, 3)))
    for index in ([2], (slice(None), [-4]), 5, (0, 3), ([0], [7])):
        with pytest.raises(IndexError):
            t[index]
    with pytest.raises(IndexError):
        t[1.5]
    with pytest.raises(IndexError, match="float64"):
        t[clearprop.tensor([1.0])]
    with pytest.raises(IndexError):
        t[0, 0, 0]


def test_index_may_be_a_tensor() -> None:
    t = clearprop.tensor([1.0, 5.0, 3.0])
    best = t.argmax()
    assert not best.requires_grad
    t[best].backward()
    assert t.grad.tolist() == [0, 1, 0]
    labels = clearprop.tensor([2, 2])
    t.zero_grad()
    t[labels].sum().backward()
    assert t.grad.tolist() == [0, 0, 2]


def fill_low(x: Any, v: Any) -> Any:
    y = x * 2
    y[x < 0.5] = v
    return np.sum(y**2)


def test_one_number_goes_where_a_mask_says_that_depends_on_arguments() -> None:
    x, expected = np.array([[0.2, 0.7], [0.9, 0.4]]), [[0.0, 5.6], [7.2, 0.0]]
    gradient = clearprop.grad(fill_low, argnums=(0, 1))
    graph = clearprop.trace(gradient, x, 3.0)
    for dx, dv in (gradient(x, 3.0), graph.evaluate(x, 3.0), clearprop.compile(gradient)(x, 3.0)):
        np.testing.assert_allclose(dx, expected)
        assert dv == 12.0
    rows = clearprop.trace(clearprop.grad(assigned, 1), x, 3.0, x[0] > 0.5)
    assert rows.evaluate(x, 3.0, np.array([False, True])) == 2.6
    with pytest.raises(clearprop.TraceError, match=r"unknown number of entries. Use np.where"):
        clearprop.trace(fill_low, x, np.ones(2))


def assigned(y: Any, v: Any, m: Any) -> Any:
    y = y + 0.0
    y[m] = v
    return np.sum(y * np.array([[0.1, 0.2], [1.3, 1.3]]))


def test_mask_may_be_a_tensor() -> None:
    t = clearprop.tensor([1.0, -5.0, 3.0])
    (t[t > 0] ** 2).sum().backward()
    assert t.grad.tolist() == [2, 0, 6]


def test_iteration_and_unpacking() -> None:
    t = clearprop.tensor([[1.0, 2.0], [3.0, 4.0]])
    (a, b), second = t
    (a * b + sum(second)).backward()
    assert t.grad.tolist() == [[2, 1], [1, 1]]


def test_second_derivative_through_an_index() -> None:
    h = clearprop.hessian(lambda x: x[[0, 0, 1]].sum() * x[1])(np.array([2.0, 3.0]))
    assert h.tolist() == [[0, 2], [2, 2]]  # 2·x0·x1 + x1²


# ---- writing


def assign(index: Any) -> Callable[[Any, Any], Any]:
    def f(x: Any, v: Any) -> Any:
        y = x.copy()
        y[index] = v
        return y

    return f


@pytest.mark.parametrize("stretched", [False, True])
@pytest.mark.parametrize("name", INDICES)
def test_writing(name: str, stretched: bool, rng: np.random.Generator) -> None:
    f = assign(INDICES[name])
    x = rng.standard_normal((3, 4))
    value = rng.standard_normal(() if stretched else x[INDICES[name]].shape)
    g = rng.standard_normal((3, 4))
    y, pullback = clearprop.vjp(f, x, value)
    np.testing.assert_array_equal(y, f(x, value))
    dx, dv = pullback(g)
    np.testing.assert_allclose(dx, slopes(lambda x: np.sum(g * f(x, value)), x), 1e-8, 1e-9)
    np.testing.assert_allclose(dv, slopes(lambda v: np.sum(g * f(x, v)), value), 1e-8, 1e-9)


def test_last_writer_wins() -> None:
    t = clearprop.tensor(np.zeros(3), requires_grad=False)
    v = clearprop.tensor([5.0, 6.0, 7.0])
    t[[1, 1, 0]] = v
    assert t.tolist() == [7, 6, 0]
    t.backward(np.array([1.0, 10.0, 100.0]))
    assert v.grad.tolist() == [0, 10, 1]


def test_building_an_array_step_by_step() -> None:
    # x, x², x³ at 2: slopes 1, 4, 12
    x = clearprop.tensor(2.0)
    table = clearprop.tensor(np.zeros(3), requires_grad=False)
    for n in range(3):
        table[n] = x ** (n + 1)
    (table * np.array([1.0, 10.0, 100.0])).sum().backward()
    assert x.grad == 1 + 40 + 1200


def test_assigning_inside_grad() -> None:
    def f(x: Any) -> Any:
        x[1] = x[0] * 3
        return (x * x).sum()

    x = np.array([2.0, 5.0, 1.0])
    # x0² + 9·x0² + x2²: 20·x0 = 40, 0, 2
    assert clearprop.grad(f)(x).tolist() == [40, 0, 2]
    assert x.tolist() == [2, 5, 1], "the caller's array is left alone"


def test_assigning_into_a_leaf_that_wants_a_gradient_is_refused() -> None:
    t = clearprop.tensor([1.0, 2.0])
    with pytest.raises(GradientError, match="no_grad"):
        t[0] = 3.0
    with clearprop.no_grad():
        t[0] = 3.0
    assert t.tolist() == [3, 2]


def test_assigning_a_gradient_into_whole_numbers_is_refused() -> None:
    t = clearprop.tensor([1, 2])
    with pytest.raises(DtypeError, match="float"):
        t[0] = clearprop.tensor(1.5)
    t[0] = 7
    assert t.tolist() == [7, 2]


def test_assigned_value_must_fit() -> None:
    t = clearprop.tensor(np.zeros((2, 3)), requires_grad=False)
    with pytest.raises(ShapeError, match="assign"):
        t[0] = np.ones(4)
    with pytest.raises(IndexError):
        t[5] = 1.0


# ---- operators in place


OPERATIONS: dict[str, tuple[Callable[[Any], Any], list[float]]] = {
    # y = 3x at x = (1, 2), then the change; the slope by hand
    "+=": (lambda y: y.__iadd__(10.0), [3, 3]),
    "-=": (lambda y: y.__isub__(10.0), [3, 3]),
    "*=": (lambda y: y.__imul__(10.0), [30, 30]),
    "/=": (lambda y: y.__itruediv__(10.0), [0.3, 0.3]),
    "**=": (lambda y: y.__ipow__(2), [18, 36]),  # 9x² → 18x
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_operators_in_place(name: str) -> None:
    change, expected = OPERATIONS[name]
    x = clearprop.tensor([1.0, 2.0])
    y = x * 3
    same = change(y)
    assert same is y
    y.sum().backward()
    np.testing.assert_allclose(x.grad, expected, rtol=1e-15)


def test_in_place_with_itself() -> None:
    x = clearprop.tensor([1.0, 2.0])
    y = x * 1
    y += y
    y *= y  # (2x)² → 8x
    y.sum().backward()
    assert x.grad.tolist() == [8, 16]


def test_values_from_before_a_change_keep_their_gradients() -> None:
    x = clearprop.tensor([1.0, 2.0, 3.0])
    y = x * 2
    old = (y * y).sum()  # 4x² → 8x
    y[0] = 100.0
    y *= 10
    new = y.sum()  # 100·10, 20x₁, 20x₂
    old.backward(retain_graph=True)
    assert x.grad.tolist() == [8, 16, 24]
    x.zero_grad()
    new.backward()
    assert x.grad.tolist() == [0, 20, 20]


def test_both_versions_in_one_sum() -> None:
    x = clearprop.tensor([1.0, 2.0])
    y = x * 3
    z = y * x  # 3x² → 6x
    y += z  # 3x + 3x² → 3 + 6x
    (y + z).sum().backward()
    assert x.grad.tolist() == [3 + 12, 3 + 24]


def test_changed_value_has_no_gradient_yet() -> None:
    x = clearprop.tensor([1.0, 2.0])
    y = x * 3
    y.retain_grad()
    y.sum().backward(retain_graph=True)
    assert y.grad.tolist() == [1, 1]
    y += 1
    assert y.grad is None


def test_a_change_that_is_not_recorded_keeps_what_was_used_before() -> None:
    a, c = clearprop.tensor([1.0, 2.0]), clearprop.tensor([3.0, 4.0])
    t = a * 1
    t[0] = 5.0
    y = (t * c).sum()
    with clearprop.no_grad():
        t += 1
    y.backward()
    assert (t.tolist(), c.grad.tolist(), a.grad.tolist()) == ([6, 3], [5, 2], [0, 4])


def test_in_place_keeps_shape_and_dtype() -> None:
    y = clearprop.tensor(np.ones(3, np.float32)) * 1
    y += np.float64(2)
    assert y.dtype == np.float32
    with pytest.raises(ShapeError, match="t = t"):
        y += np.ones((2, 3))
    whole = clearprop.tensor([1, 2])
    with pytest.raises(DtypeError, match="int64"):
        whole += 0.5


def test_parameter_update_after_backward() -> None:
    w = clearprop.tensor([1.0, 2.0])
    for expected in ([0.8, 1.6], [0.64, 1.28]):  # w − 0.1·2w = 0.8 w
        (w * w).sum().backward()
        with clearprop.no_grad():
            w -= 0.1 * w.grad
        w.zero_grad()
        np.testing.assert_allclose(w.value, expected, rtol=1e-15)
    assert w.is_leaf
    assert w.requires_grad


def test_parameter_changed_before_backward_is_noticed() -> None:
    w = clearprop.tensor([1.0, 2.0])
    loss = (w * w).sum()
    with clearprop.no_grad():
        w -= 0.5
    with pytest.raises(GradientError, match="changed in place"):
        loss.backward()


# ---- windows


def by_entries(x: Any) -> Any:
    y = x.copy()
    y[0] += 2 * x[1, 0]
    y[1:] *= x[0]
    y[:, -1] -= 1
    y[1, ::2] /= x[0, 0]
    y[0, 1] **= 2
    y[...] += x
    y[0, 1, ...] += x[1, 1]
    y[[0, 0]] += 1
    return y


def by_slices(x: Any) -> Any:
    y = x.copy()
    row, rows = y[0], [y[1:], y[:1]]
    row += x[1]
    twice = row * row
    rows = [y[1:]]
    rows[0] *= x[0, 0]
    y[0][1] = x[1, 2] ** 2
    y[1:][0][::2] += y[0][1]
    column = y[:, 1]
    column[:] = column * 3
    return y + twice


def by_numbers(x: Any) -> Any:
    total = x[0, 0]  # in NumPy a number, not a view
    first = total
    for entry in x[1]:
        total += entry * entry
    y = x * total
    one = y[0, 0]
    one *= 5
    return y + first


@pytest.mark.parametrize("f", [by_entries, by_slices, by_numbers])
def test_changing_parts_in_place_as_in_numpy(f: Callable[[Any], Any]) -> None:
    x = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]) / 3
    np.testing.assert_allclose(f(clearprop.tensor(x)).value, f(x), rtol=1e-15)
    assert_grads(lambda x: np.sin(f(x)), x)
    gradient = clearprop.grad(lambda x: np.sum(f(x) ** 2))
    traced = clearprop.trace(gradient, x).evaluate(x)
    np.testing.assert_allclose(traced, gradient(x), rtol=1e-14)


def test_a_parameter_is_updated_by_parts() -> None:
    w = clearprop.tensor(np.ones((2, 3)))
    with pytest.raises(GradientError, match="a leaf that requires a gradient was changed in place"):
        w[0] += 1.0
    with clearprop.no_grad():
        w[0] -= 0.5
        row = w[1]
        row -= 0.25
        row[0] = 7.0
    assert w.is_leaf
    assert w.requires_grad
    assert w.tolist() == [[0.5] * 3, [7, 0.75, 0.75]]


def test_an_entry_changed_in_place_costs_one_assignment() -> None:
    def f(x: Any) -> Any:
        y = x * 2
        y[1:] += 1.0
        return y

    names = [node.primitive.name for node in clearprop.trace(f, np.ones(3)).nodes]
    assert names == ["multiply", "slice", "add", "assign"]


def test_one_number_taken_out_is_a_copy() -> None:
    t = clearprop.tensor([1.0, 2.0]) * 1
    first = t[0]
    t[0] = 5.0
    assert (first * 3).item() == 3
    first += 1.0
    assert (first.item(), t.tolist()) == (2, [5, 2])
    there = t[1, ...]  # with an ellipsis it is a window
    there += 1.0
    assert t.tolist() == [5, 3]


def test_inputs_keep_the_array_they_were_given() -> None:
    array = np.ones(3)
    t = clearprop.tensor(array)
    array[0] = 99.0
    assert t.tolist() == [1, 1, 1]


def test_backward_of_a_strided_window() -> None:
    t = clearprop.tensor(np.arange(6.0).reshape(2, 3))
    (t.T[::-1, 1] * np.array([1.0, 10.0, 100.0])).sum().backward()
    assert t.grad.tolist() == [[0, 0, 0], [100, 10, 1]]
