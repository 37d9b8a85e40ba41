"""Arrays of more than 32 axes, where some of NumPy's own functions stop: answered, or refused by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import clearprop

FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "sum of squares": lambda x: np.sum(x * x),
    "tanh": lambda x: np.sum(np.tanh(x)),
    "broadcasting": lambda x: np.sum(x * np.array([1.0, 2.0]) + np.array([[3.0], [4.0]])),
    "where": lambda x: np.sum(np.where(x > 0.3, x, 0.0) * x),
    "variance": lambda x: np.var(x),
    "max": lambda x: np.max(x),
    "mean along": lambda x: np.sum(np.mean(x, axis=-1) ** 2),
    "softmax": lambda x: np.sum(clearprop.softmax(x) * np.array([1.0, 2.0])),
    "transposed": lambda x: np.sum(x.T**2),
    "moveaxis": lambda x: np.sum(np.moveaxis(x, -1, 0) ** 2),
    "reshaped": lambda x: np.sum(x.reshape(2) ** 3),
    "sliced": lambda x: np.sum(x[..., :1] ** 2),
    "picked": lambda x: np.sum(x[..., [0, 1, 1]] ** 2),
    "cumsum": lambda x: np.sum(np.cumsum(x, axis=-1) ** 2),
    "tiled": lambda x: np.sum(np.tile(x, 2) * np.array([1.0, 2.0, 3.0, 4.0])),
    "matmul": lambda x: np.sum(x @ np.ones((2, 3))),
    "concatenated": lambda x: np.sum(np.concatenate([x, x], axis=-1) ** 2),
    "broadcast": lambda x: np.sum(np.broadcast_to(x, (*x.shape[:-2], 3, 2)) ** 2),
}

CRASHING = ("picked",)
"""NumPy itself does, in code that is written for it."""
AXES = [2, 33, 53]


def wide(axes: int) -> Any:
    return np.array([0.25, 0.75]).reshape((1,) * (axes - 1) + (2,))


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("axes", AXES)
def test_as_with_fewer(name: str, axes: int) -> None:
    f, x = FUNCTIONS[name], wide(axes)
    expected = clearprop.grad(f)(wide(2)).reshape(x.shape)
    assert np.array_equal(clearprop.grad(f)(x), expected)
    t = clearprop.tensor(x)
    f(t).backward()
    assert np.array_equal(t.grad, expected)
    graph = clearprop.trace(clearprop.grad(f), x)
    graph.verify()
    assert np.allclose(graph.evaluate(x), expected, rtol=1e-14)
    explanation = clearprop.explain(f, x)
    assert np.allclose(explanation.gradients["x"], expected, rtol=1e-14)
    assert str(explanation)
    assert explanation.json()
    assert explanation.latex()
    assert explanation.svg()
    assert str(explanation.derive("x"))
    if name in CRASHING and axes > 32:
        with pytest.raises(
            clearprop.UnsupportedError, match=r"np\.add\.at, which crashes .* reshape"
        ):
            clearprop.source(f, x)
        return
    assert np.allclose(clearprop.source(f, x).function(x)[1], expected, rtol=1e-13)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_compiled(name: str) -> None:
    pytest.importorskip("llvmlite")
    f = FUNCTIONS[name]
    for axes in (33, 53):
        x = wide(axes)
        expected = clearprop.grad(f)(wide(2)).reshape(x.shape)
        got = clearprop.compile(clearprop.grad(f))(x)
        assert got.shape == x.shape
        assert np.allclose(got, expected, rtol=1e-14)


def test_shapes_that_do_not_fit() -> None:
    with pytest.raises(clearprop.ShapeError, match=r"add: shapes .* do not fit"):
        clearprop.tensor(wide(40)) + np.ones(3)


def test_axes_are_moved_without_memory_for_their_names() -> None:
    x = np.arange(4.0).reshape(2, *(1,) * 18, 2)
    g = clearprop.grad(lambda x: np.sum(np.moveaxis(x, [0, 19], [-1, 3]) ** 2))(x)
    assert np.array_equal(g, 2 * x)
    t = clearprop.tensor(np.zeros((2, 3, 4, 5)))
    for source, destination in ((0, -1), ([0, 1], [2, 0]), ((3, 1), (0, -1)), ([], [])):
        expected = np.moveaxis(t.detach().numpy(), source, destination).shape
        assert np.moveaxis(t, source, destination).shape == expected


def test_refusals_name_what_is_too_much() -> None:
    x = wide(40)
    with pytest.raises(clearprop.ShapeError, match="40 axes of the output and 40 of the input"):
        clearprop.jacobian(np.tanh)(x)
    assert clearprop.jacobian(lambda x: np.tanh(x).reshape(-1))(x).shape == (2, *x.shape)
    with pytest.raises(clearprop.ShapeError, match="at most 64"):
        clearprop.hessian(np.sum)(x)
    with pytest.raises(
        clearprop.ShapeError, match="stands for 53 axes, and there are letters for 52"
    ):
        clearprop.grad(lambda x: np.sum(np.einsum("...i->...", x)))(wide(53))
    assert np.array_equal(
        clearprop.grad(lambda x: np.sum(np.einsum("...i->...", x)))(wide(52)),
        np.ones_like(wide(52)),
    )


def test_no_letter_stands_for_two_axes() -> None:
    x = np.ones((1,) * 25 + (2,))
    derivation = str(clearprop.explain(FUNCTIONS["tanh"], x).derive("x"))
    letters = derivation[derivation.index("[") + 1 : derivation.index("]")].split(",")
    assert len(set(letters)) == len(letters) == 26
