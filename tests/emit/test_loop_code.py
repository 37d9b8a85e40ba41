"""C and JavaScript as Python functions: what both take, how they index, and what they call things."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.emit.c import compiler
from clearprop.emit.javascript.node_process import node
from clearprop.errors import ClearpropError, CompileError, DtypeError, ShapeError

TARGETS = [
    pytest.param("c", marks=pytest.mark.skipif(compiler() is None, reason="there is no C compiler")),
    pytest.param("javascript", marks=pytest.mark.skipif(node() is None, reason="Node is not installed")),
]  # fmt: skip
X = np.array([0.3, 1.7, 2.2, 1.5, 0.9])
SQUARES = np.arange(10.0) ** 2
BIG = np.array([256, 257, 2, 3, 259])

INDICES: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "the place of an extreme": (lambda x: x[np.argmax(x)] ** 2 + x[np.argmin(x) + 1], (X,)),
    "floating numbers cut off": (lambda x, w: np.sum(w[x.astype(int)] * x), (X, SQUARES)),
    "truth values": (lambda x, w: np.sum(w[(x > 1).astype(int)] * x), (X, SQUARES)),
    "whole numbers that wrap around": (
        lambda x, w, n: np.sum(w[n.astype(np.uint8)] * x),
        (X, SQUARES, BIG),
    ),
}


@pytest.mark.parametrize("kind", INDICES)
@pytest.mark.parametrize("to", TARGETS)
def test_indices_that_are_converted(kind: str, to: str) -> None:
    """What is no whole number, or becomes another one, is an index only once it is converted."""
    f, args = INDICES[kind]
    argnums = tuple(range(min(len(args), 2)))
    values, gradients = clearprop.source(f, *args, argnums=argnums, to=to).function(list(args))
    assert values[0] == pytest.approx(f(*args), rel=1e-15)
    for found, right in zip(gradients, clearprop.grad(f, argnums=argnums)(*args), strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-14)


@pytest.mark.parametrize("to", TARGETS)
def test_a_total_that_is_called_by_a_word_of_the_language(to: str) -> None:
    def f(x: Any) -> Any:
        void = np.sum(np.exp(x))
        return void

    made = clearprop.source(f, X, to=to)
    assert made.errors.engine < 1e-15


@pytest.mark.parametrize("to", TARGETS)
@pytest.mark.parametrize(
    ("arrays", "error", "message"),
    [
        ([X], CompileError, "f_and_grad takes a list of 2 arrays: x, c; got 1"),
        (X, CompileError, r"arrays: x, c; got ndarray. Write function\(\[...\]\)"),
        ([X[:3], 2.0], ShapeError, r"x has shape \(3,\), written for \(5,\); for other shapes, call"),
        ([X, X], ShapeError, r"c has shape \(5,\), written for \(\)"),
        ([X * 1j, 2.0], DtypeError, "x has dtype complex128, written for float64"),
    ],
)  # fmt: skip
def test_other_arguments_are_refused(
    to: str, arrays: Any, error: type[ClearpropError], message: str
) -> None:
    def f(x: Any, c: Any) -> Any:
        return np.sum(x * c)

    function = clearprop.source(f, X, 2.0, to=to).function
    with pytest.raises(error, match=message):
        function(arrays)
    assert function([X.astype("f4"), 2])[0] == [np.sum(X.astype("f4").astype("f8") * 2)]
