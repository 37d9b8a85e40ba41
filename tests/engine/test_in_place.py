"""Changes in place: every operator and target, and `out=`, beside NumPy and differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.errors import (
    DtypeError,
    GradientError,
    LostGradientError,
    ShapeError,
    UnsupportedError,
)
from tests.numeric import same_value, slopes

X = np.array([[0.55, -1.27, 2.03], [1.58, 0.71, -0.22]])
MASK = np.array([[True, False, True], [False, False, True]])
ROWS, COLUMNS = np.array([1, 0, 1]), np.array([0, 2, 1])


def gradients(f: Callable[[Any], Any], x: Any) -> dict[str, Any]:
    """The gradient of `f`, by every way to it."""
    t = clearprop.tensor(x)
    f(t).backward()
    gradient = clearprop.grad(f)
    return {
        "grad": gradient(x),
        "backward": t.grad,
        "trace": clearprop.trace(gradient, x).evaluate(x),
        "compile": clearprop.compile(gradient)(x),
    }


def check(f: Callable[[Any], Any], x: Any = X) -> None:
    """Value as NumPy has it, gradient as differences have it."""
    t = clearprop.tensor(x)
    result = f(t)
    assert same_value(result.value, f(x))
    expected = slopes(f, x)
    for way, found in gradients(f, x).items():
        np.testing.assert_allclose(found, expected, 1e-7, 1e-8, err_msg=way)


# ---- operators

OPERATORS = {
    "+=": [2.5, "v"],
    "-=": [2.5, "v"],
    "*=": [2.5, "v"],
    "/=": [2.5, "v"],
    "//=": [0.3, "v"],
    "%=": [0.3, "v"],
    "**=": [2, 3.0],
}
WHOLE = {
    "+=": 3,
    "-=": 3,
    "*=": 3,
    "//=": 3,
    "%=": 3,
    "**=": 2,
    "&=": 3,
    "|=": 3,
    "^=": 3,
    "<<=": 1,
    ">>=": 1,
}
TARGETS = [
    "a",
    "a[MASK]",
    "a[1]",
    "a[:, ::-2]",
    "a[1:][0]",
    "a[ROWS, COLUMNS]",
    "a[[1]]",
    "a[0, 1]",
    "a[..., 2]",
]


def statement(text: str) -> Callable[[Any, Any], None]:
    """Run a statement that changes `a`; `v` is a value beside it with a gradient of its own."""
    code = compile(text, "<test>", "exec")

    def run(a: Any, v: Any) -> None:
        names = {"MASK": MASK, "ROWS": ROWS, "COLUMNS": COLUMNS, "np": np}
        exec(code, {**names, "a": a, "v": v})

    return run


@pytest.mark.parametrize("operator", OPERATORS)
def test_operators_on_every_target(operator: str) -> None:
    changes = [statement(f"{t} {operator} {c}") for t in TARGETS for c in OPERATORS[operator]]

    def f(x: Any) -> Any:
        total = 0.0
        for i, change in enumerate(changes):
            a = x * 1.0
            before = a * x
            change(a, 1.1 + x[0, 0] ** 2)
            total = total + np.sum(a * (x + 0.1 * i)) + np.sum(before) * 0.1
        return total

    check(f)


@pytest.mark.parametrize("operator", WHOLE)
def test_operators_on_whole_numbers(operator: str) -> None:
    changes = [statement(f"{t} {operator} {WHOLE[operator]}") for t in TARGETS]

    def f(x: Any) -> Any:
        total = 0.0
        for change in changes:
            a = np.abs(x * 4).astype(np.int16)
            change(a, None)
            assert a.dtype == np.int16
            total = total + np.sum(a * x)
        return total

    check(f)


@pytest.mark.parametrize("operator", ["+=", "//=", "|="])
@pytest.mark.parametrize("target", TARGETS)
def test_operators_on_what_has_no_history(operator: str, target: str) -> None:
    change = statement(f"{target} {operator} 3")
    numbers = np.array([[5, -6, 7], [8, 9, -10]])
    ours, numpys = clearprop.tensor(numbers), numbers.copy()
    change(ours, None)
    change(numpys, None)
    assert same_value(ours.value, numpys)


def test_a_product_in_place() -> None:
    def f(x: Any) -> Any:
        a = x * 1.0
        other = a
        a @= x.T @ x
        return np.sum(other * x)

    check(f)


@pytest.mark.parametrize(
    "text",
    ["a += 0.5", "a /= 2", "a **= 0.5", "a[:2] += 0.5", "a //= 2.0", "a @= np.eye(3)", "a += 1j"],
)
def test_what_does_not_fit_the_dtype_is_refused_as_by_numpy(text: str) -> None:
    change = statement(text)
    with pytest.raises(TypeError):
        change(np.array([4, 5, 6]), None)
    a = clearprop.tensor([4, 5, 6])
    with pytest.raises(
        DtypeError, match=r"a change in place cannot turn int64 into (float64|complex128)"
    ):
        change(a, None)
    assert a.tolist() == [4, 5, 6]


def test_numbers_are_replaced_as_in_numpy() -> None:
    def f(x: Any) -> Any:
        a = np.sum(x)
        first = a
        a //= 0.3
        a *= x[0, 0]
        return a + first

    check(f)


# ---- what was recorded before keeps its values


def test_a_constant_that_changed_after_it_was_used() -> None:
    x, b = clearprop.tensor([1.0, 2.0]), clearprop.tensor([3.0, 4.0], requires_grad=False)
    y = (x * b).sum()
    b += 1
    with pytest.raises(GradientError, match="changed in place after it was used"):
        y.backward()

    def f(x: Any) -> Any:
        b = clearprop.tensor([3.0, 4.0], requires_grad=False)
        y = x * b
        b += 1
        return np.sum(y + x * b)

    for found in (
        gradients(f, np.array([1.0, 2.0])).values() if False else [clearprop.grad(f)(np.ones(2))]
    ):
        assert found.tolist() == [7, 9]
    assert clearprop.compile(clearprop.grad(f))(np.ones(2)).tolist() == [7, 9]


def test_what_loses_its_gradient_loses_it_alone() -> None:
    x = clearprop.tensor([1.5, 2.5])
    a = x * 3
    square = (a * a).sum()
    a //= 1.0
    a //= 1.0
    assert not a.requires_grad
    square.backward()
    assert x.grad.tolist() == [27, 45]


def test_within_no_grad_as_with_a_new_name() -> None:
    def in_place(x: Any) -> Any:
        a = x * 3
        with clearprop.no_grad():
            a *= 2
        return np.sum(a * x)

    def anew(x: Any) -> Any:
        a = x * 3
        with clearprop.no_grad():
            a = a * 2
        return np.sum(a * x)

    x = np.array([1.0, 2.0])
    for way, found in gradients(in_place, x).items():
        assert np.array_equal(found, gradients(anew, x)[way]), way


# ---- arrays to fill


def filled(x: Any) -> Any:
    a = clearprop.tensor(np.zeros((2, 3)))
    a[0] = x[1]
    a[1, :2] = x[0, 1:] ** 2
    a[1] *= 3
    return np.sum(a * a)


def test_a_tensor_made_in_a_transform_is_filled() -> None:
    expected = slopes(filled_by_numpy, X)
    gradient = clearprop.grad(filled)
    np.testing.assert_allclose(gradient(X), expected, 1e-7)
    np.testing.assert_allclose(clearprop.compile(gradient)(X), expected, 1e-7)
    np.testing.assert_allclose(clearprop.trace(gradient, X).evaluate(X), expected, 1e-7)
    _, pullback = clearprop.vjp(filled, X)
    np.testing.assert_allclose(pullback(1.0)[0], expected, 1e-7)


def filled_by_numpy(x: Any) -> Any:
    a = np.zeros((2, 3))
    a[0] = x[1]
    a[1, :2] = x[0, 1:] ** 2
    a[1] *= 3
    return np.sum(a * a)


def test_elsewhere_a_tensor_to_fill_is_made_as_the_message_says() -> None:
    x = clearprop.tensor(X)
    with pytest.raises(
        GradientError, match=r"make it with clearprop\.tensor\(array, requires_grad=False\)"
    ):
        filled(x)
    a = clearprop.tensor(np.zeros((2, 3)), requires_grad=False)
    a[0] = x[1]
    (a * a).sum().backward()
    assert x.grad.tolist() == [[0, 0, 0], (2 * X[1]).tolist()]
    plain = np.zeros(3)
    with pytest.raises(ValueError, match="array element") as caught:  # NumPy's, of what it met
        plain[0] = x[0, 0]
    assert "clearprop.tensor(array, requires_grad=False)" in str(caught.value.__cause__)
    with pytest.raises(LostGradientError, match=r"a = clearprop\.tensor\(a, requires_grad=False\)"):
        plain += x[0]


def test_a_parameter_is_not_changed_by_a_transform_either() -> None:
    w = clearprop.tensor([1.0, 2.0])

    def f(x: Any) -> Any:
        w[0] = x
        return w.sum()

    with pytest.raises(GradientError, match="a leaf that requires a gradient was changed in place"):
        clearprop.grad(f)(1.0)
    assert w.tolist() == [1, 2]


# ---- out=


def test_functions_write_into_tensors() -> None:
    def f(x: Any) -> Any:
        a, row, pair = x * 1.0, x[0] * 1.0, (x * 1.0, x * 2.0)
        old = a * x
        assert np.add(a, 1.0, out=a) is a
        np.multiply(a, x, out=(a,))
        np.sum(a, axis=0, out=row)
        np.add.reduce(a, 0, out=row)
        np.clip(row, -1.0, 2.0, out=row)
        np.divmod(x, 0.3, out=pair)
        np.matmul(x, x.T, out=pair[0][:, :2])
        np.exp(x[0], out=a[1])
        np.add(x[0], 1.0, out=pair[1])  # stretched over both rows
        return sum(np.sum(y * (i + x[0, 0])) for i, y in enumerate((a, row, *pair, old)))

    check(f)


def test_what_is_written_is_a_copy() -> None:
    x, t = clearprop.tensor([1.0, 2.0]), clearprop.tensor([0.0, 0.0], requires_grad=False)
    np.conjugate(x, out=t)
    t *= 2
    t.sum().backward()
    assert (x.tolist(), x.grad.tolist()) == ([1, 2], [2, 2])
    np.add(np.ones(2), 1.0, out=t)
    assert (t.tolist(), t.requires_grad) == ([2, 2], False)
    assert np.add(x, 1.0, out=None).tolist() == [2, 3]
    assert np.sum(x, out=None).item() == 3


def test_what_cannot_be_written_is_refused() -> None:
    t, whole = clearprop.tensor([1.0, 2.0]) * 1, clearprop.tensor([1, 2])
    with pytest.raises(DtypeError, match="cannot turn int64 into float64"):
        np.add(t, 1.0, out=whole)
    with pytest.raises(ShapeError):
        np.add(np.ones((3, 2)), t, out=t)
    with pytest.raises(UnsupportedError, match=r"np\.where\(mask"):
        np.add(t, 1.0, where=[True, False])
    with pytest.raises(
        LostGradientError, match=r"np\.sum was asked to write a tensor into a plain array"
    ):
        np.sum(t, out=np.zeros(()))
    assert t.tolist() == [1, 2]


def test_what_where_leaves_out_stays() -> None:
    def f(x):
        y = x * 2.0
        np.divide(1.0, x, out=y, where=x != 0)
        np.sqrt(x, out=y, where=[False, False, True])
        return np.sum(y**2)

    x = np.array([0.5, 0.0, 4.0])
    for run in (clearprop.grad(f), clearprop.compile(clearprop.grad(f))):
        np.testing.assert_allclose(run(x), [-2 / 0.5**3, 0.0, 1.0])
    assert f(clearprop.tensor(x)).value == f(x) == 8.0


def test_several_results_written_over_what_they_are_made_of() -> None:
    def f(x):
        y, r = x * 1.0, x * 0.0
        np.divmod(y, 2.3, out=(y, r))
        return np.sum(y) * 10 + np.sum(r)

    x = np.array([3.5, 7.1])
    for run in (
        clearprop.value_and_grad(f),
        clearprop.compile(clearprop.value_and_grad(f)),
        clearprop.trace(clearprop.value_and_grad(f), x).evaluate,
    ):
        value, gradient = run(x)
        assert value == pytest.approx(f(x), rel=1e-14)
        np.testing.assert_array_equal(gradient, [1.0, 1.0])


def test_a_view_of_the_whole() -> None:
    def f(x):
        y = x * 1.0
        y.view()[0] = 5.0
        return np.sum(y * x)

    np.testing.assert_array_equal(clearprop.grad(f)(np.array([1.0, 2.0])), [5.0, 4.0])
