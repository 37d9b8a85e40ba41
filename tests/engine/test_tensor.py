"""Tensors keep PyTorch's conventions for gradients, and values are shared with nobody."""

from __future__ import annotations

import copy
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop import grad
from clearprop.errors import GradientError

# ---- gradients accumulate


def test_gradients_accumulate_until_zeroed() -> None:
    x = clearprop.tensor([1.0, 2.0])
    for times in (1, 2, 3):
        (x * x).sum().backward()
        assert x.grad.tolist() == [2.0 * times, 4.0 * times]
    x.zero_grad()
    assert x.grad is None
    (x * x).sum().backward()
    x.grad = None
    (3 * x).sum().backward()
    assert x.grad.tolist() == [3, 3]


def test_every_use_adds_up() -> None:
    x = clearprop.tensor(3.0)
    y = x * x + x + 2 * x  # 2x + 1 + 2 = 9
    y.backward()
    assert x.grad == 9


def test_diamond() -> None:
    # a = 2x, b = 3x, ab = 6x² → 12x = 48; b also on its own: + 3
    x = clearprop.tensor(4.0)
    a, b = 2 * x, 3 * x
    (a * b + b).backward()
    assert x.grad == 51


def test_several_losses_share_leaves() -> None:
    x = clearprop.tensor(2.0)
    shared = x * x
    shared.backward(retain_graph=True)
    (shared * 10).backward()
    assert x.grad == 4 + 40


def test_backward_on_a_leaf() -> None:
    x = clearprop.tensor(5.0)
    x.backward()
    assert x.grad == 1


# ---- requires_grad


def test_requires_grad_defaults() -> None:
    assert clearprop.tensor(1.0).requires_grad
    assert clearprop.tensor([1.0, 2.0], dtype="float32").requires_grad
    assert not clearprop.tensor(1).requires_grad
    assert not clearprop.tensor([True, False]).requires_grad
    assert not clearprop.tensor(1.0, requires_grad=False).requires_grad
    assert clearprop.tensor([1, 2], dtype=float).requires_grad


def test_requires_grad_spreads() -> None:
    x, c = clearprop.tensor(1.0), clearprop.tensor(2.0, requires_grad=False)
    assert (x * c).requires_grad
    assert not (c * c).requires_grad
    assert not (x > c).requires_grad
    assert (x * c).is_leaf is False
    assert (c * c).is_leaf


def test_requires_grad_switched() -> None:
    c = clearprop.tensor(2.0, requires_grad=False)
    assert c.requires_grad_() is c
    (c * c).backward()
    assert c.grad == 4
    c.requires_grad_(False)
    assert not (c * c).requires_grad
    with pytest.raises(GradientError, match="leaf"):
        (clearprop.tensor(1.0) * 2).requires_grad_(False)


def test_constants_get_no_gradient() -> None:
    x, c = clearprop.tensor(3.0), clearprop.tensor(2.0, requires_grad=False)
    (x * c).backward()
    assert x.grad == 2
    assert c.grad is None


# ---- detach and no_grad


def test_detach_cuts() -> None:
    x = clearprop.tensor(3.0)
    d = x.detach()
    assert not d.requires_grad
    (x * d).backward()  # as if d were 3
    assert x.grad == 3
    assert isinstance(x.detach().numpy(), np.float64)


def test_no_grad_as_context() -> None:
    x = clearprop.tensor(3.0)
    with clearprop.no_grad():
        y = x * x
        with clearprop.no_grad():
            pass
        z = x * x
        assert clearprop.tensor(1.0).requires_grad, "a leaf asks for itself"
    assert not y.requires_grad
    assert not z.requires_grad
    assert (x * x).requires_grad


def test_no_grad_as_decorator() -> None:
    @clearprop.no_grad()
    def double(x: Any) -> Any:
        """Twice as much."""
        return x * 2

    x = clearprop.tensor(3.0)
    assert not double(x).requires_grad
    assert not double(x).requires_grad
    assert double.__doc__ == "Twice as much."
    assert (x * 2).requires_grad


def test_no_grad_ends_with_an_error() -> None:
    x = clearprop.tensor(3.0)
    with pytest.raises(ZeroDivisionError), clearprop.no_grad():
        raise ZeroDivisionError
    assert (x * 2).requires_grad


# ---- backward(gradient), retain_grad, retain_graph, create_graph


def test_backward_with_an_upstream_gradient() -> None:
    x = clearprop.tensor([1.0, 2.0, 3.0])
    (x * x).backward(np.array([1.0, 10.0, 100.0]))
    assert x.grad.tolist() == [2, 40, 600]
    x.zero_grad()
    (x * x).backward([1, 1, 1])
    assert x.grad.tolist() == [2, 4, 6]


def test_backward_of_one_entry_in_any_shape() -> None:
    x = clearprop.tensor([[3.0]])
    (x * x).backward()
    assert x.grad.tolist() == [[6]]


def test_retain_grad_of_an_intermediate() -> None:
    x = clearprop.tensor(2.0)
    y = x * 3
    plain = y * 1
    y.retain_grad()
    (plain * plain).backward()  # dy = 2y = 12, dx = 36
    assert (y.grad, x.grad) == (12, 36)
    assert plain.grad is None


def test_second_backward_needs_retain_graph() -> None:
    x = clearprop.tensor(2.0)
    y = x * x * x
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad == 24
    with pytest.raises(GradientError, match="retain_graph=True"):
        y.backward()
    assert x.grad == 24


def test_graph_freed_by_another_loss() -> None:
    x = clearprop.tensor(2.0)
    shared = x * x
    a, b = shared + 1, shared * 2
    a.backward()
    with pytest.raises(GradientError, match="freed"):
        b.backward()


def test_create_graph() -> None:
    x = clearprop.tensor(2.0)
    (x**3).backward(create_graph=True)
    first = x.grad
    assert isinstance(first, clearprop.Tensor)
    assert first.value == 12
    x.zero_grad()
    first.backward(create_graph=True)
    second = x.grad
    assert second.value == 12  # 6x
    x.zero_grad()
    second.backward()
    assert x.grad == 6


def test_gradient_penalty() -> None:
    # L = Σ x³, P = Σ (3x²)²= 9 Σ x⁴ → 36 x³
    x = clearprop.tensor([1.0, 2.0])
    (x**3).sum().backward(create_graph=True)
    g, x.grad = x.grad, None
    (g * g).sum().backward()
    assert x.grad.tolist() == [36, 288]


# ---- memory: whose is what


def test_backward_never_changes_parameters() -> None:
    w, b = clearprop.tensor(np.arange(6.0).reshape(2, 3)), clearprop.tensor(np.ones(3))
    x = np.array([[1.0, -1.0]])
    before = w.value.copy(), b.value.copy(), x.copy()
    np.sum(np.tanh(x @ w + b) ** 2).backward()
    for now, then in zip((w.value, b.value, x), before, strict=True):
        assert np.array_equal(now, then)


def test_gradients_do_not_alias() -> None:
    x, y = clearprop.tensor(np.ones(3)), clearprop.tensor(np.ones(3))
    g = np.array([1.0, 2.0, 3.0])
    total = x + y
    total.retain_grad()
    total.backward(g)
    grads = [x.grad, y.grad, total.grad]
    for i, a in enumerate(grads):
        assert a.flags.writeable
        assert not np.shares_memory(a, g), "the caller's upstream gradient"
        assert not any(np.shares_memory(a, b) for b in grads[i + 1 :])
    x.grad[:] = -7
    assert y.grad.tolist() == [1, 2, 3]
    assert g.tolist() == [1, 2, 3]


def test_gradient_and_its_transpose_do_not_alias() -> None:
    x, y = clearprop.tensor(np.ones((2, 2))), clearprop.tensor(np.ones((2, 2)))
    ((x + y.T) * 1.0).sum().backward()
    assert not np.shares_memory(x.grad, y.grad)
    a, b = grad(lambda x, y: np.sum((x + y.T) * 1.0), (0, 1))(np.ones((2, 2)), np.ones((2, 2)))
    assert not np.shares_memory(a, b)


@pytest.mark.parametrize(
    "f",
    [np.sum, np.mean, lambda x: x.T.sum(), lambda x: x[0].sum(), lambda x: x.reshape(-1).sum()],
    ids=["sum", "mean", "transpose", "slice", "reshape"],
)
def test_gradients_are_writable(f: Callable[[Any], Any]) -> None:
    x = clearprop.tensor(np.ones((2, 3)))
    f(x).backward()
    x.grad *= 2
    expected = grad(f)(np.ones((2, 3)))
    expected *= 2
    assert x.grad.tolist() == expected.tolist()
    assert x.value.tolist() == np.ones((2, 3)).tolist()


def test_accumulating_leaves_earlier_gradients_alone() -> None:
    x = clearprop.tensor([1.0, 2.0])
    (x * x).sum().backward()
    kept = x.grad
    (x * x).sum().backward()
    assert kept.tolist() == [2, 4]
    assert x.grad.tolist() == [4, 8]


def test_values_are_read_only() -> None:
    x = clearprop.tensor([1.0, 2.0])
    y = np.exp(x)
    for value in (x.value, y.value, y.detach().numpy()):
        with pytest.raises(ValueError, match="read-only"):
            value[0] = 1.0


# ---- further


def test_threads_have_their_own_switches() -> None:
    x = clearprop.tensor(2.0)
    with clearprop.no_grad(), ThreadPoolExecutor(1) as pool:
        y = pool.submit(lambda: x * x).result()
        assert y.requires_grad
        assert not (x * x).requires_grad


def test_copies() -> None:
    x = clearprop.tensor([1.0, 2.0])
    for clone in (x.copy(), x.clone(), np.copy(x)):
        x.zero_grad()
        (clone * 3).sum().backward()
        assert x.grad.tolist() == [3, 3]
    twin = copy.deepcopy(x)
    assert not twin.value.flags.writeable
    twin.zero_grad()
    (twin * 5).sum().backward()
    assert twin.grad.tolist() == [5, 5]
    assert x.grad.tolist() == [3, 3]
