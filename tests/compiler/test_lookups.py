"""Index arrays in native code: picking, and adding up at picked places."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import clearprop

pytest.importorskip("llvmlite")

INDICES: dict[str, Callable[[Any, Any], Any]] = {
    "first axis": lambda x, r: x[r],
    "middle axis": lambda x, r: x[:, r],
    "last axis": lambda x, r: x[..., r],
    "two axes": lambda x, r: x[r, r],
    "between slices": lambda x, r: x[1:4, r, ::-2],
    "apart, so that it comes first": lambda x, r: x[r, :, r],
    "with a number": lambda x, r: x[r, 2],
    "with a new axis": lambda x, r: x[r, None, 1:3],
    "a number before": lambda x, r: np.tanh(x)[2, r] * 2,
    "broadcast against each other": lambda x, r: x[r[:, None], r],
    "of what was picked": lambda x, r: x[r][..., r],
    "of all entries": lambda x, r: x.reshape(-1)[r * 3],
    "of a transposed array": lambda x, r: x.T[r].T,
    "a constant": lambda x, r: x[np.array([[4, 0], [-5, 4]])] * np.sum(r),
    "summed afterwards": lambda x, r: np.sum(x[r] * x[r + 1], 0),
    "many times the same": lambda x, r: x[np.zeros(50, int), r[0]],
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", INDICES)
def test_indices(name: str, dtype: Any, rng: np.random.Generator) -> None:
    f = INDICES[name]

    def loss(x: Any, r: Any) -> Any:
        y = f(x, r)
        return np.sum(y * y * np.arange(1, y.size + 1, dtype=dtype).reshape(y.shape))

    x, r = rng.normal(size=(5, 7, 4)).astype(dtype), np.array([0, 3, -1, 0])
    compiled = clearprop.compile(f)
    rtol = 1e-12 if dtype is np.float64 else 1e-4
    np.testing.assert_allclose(compiled(x, r), f(x, r), rtol=rtol)
    assert "none of them left to NumPy" in str(compiled.report())
    compiled = clearprop.compile(clearprop.grad(loss))
    np.testing.assert_allclose(compiled(x, r), clearprop.grad(loss)(x, r), rtol=rtol)
    assert "none of them left to NumPy" in str(compiled.report())


@pytest.mark.parametrize("columns", [1, 3, 4, 5, 8, 33])
def test_rows_whose_sums_decide_what_goes_back_to_them(
    columns: int, rng: np.random.Generator
) -> None:
    # a block of rows is summed first, then each adds to a place of its own
    def f(x: Any) -> Any:
        return np.sum(np.sin(np.sum(x[np.array([0, 1, 5, 1])], axis=-1)))

    x = rng.normal(size=(7, columns))
    gradient = clearprop.grad(f)
    np.testing.assert_allclose(clearprop.compile(gradient)(x), gradient(x), rtol=1e-12)


def test_a_mask_is_left_to_numpy(rng: np.random.Generator) -> None:
    mask = np.array([True, False, True])
    compiled = clearprop.compile(lambda x: np.exp(x)[mask] + 1)
    x = rng.normal(size=(3, 2))
    np.testing.assert_allclose(compiled(x), np.exp(x)[mask] + 1)
    assert "NumPy: gather" in str(compiled.report())


def test_in_parts(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    from clearprop.native import nests
    from clearprop.stages import partial_sums

    monkeypatch.setenv("CLEARPROP_CACHE_DIR", "")  # what was kept was made with other numbers
    monkeypatch.setattr(nests, "_ENOUGH", 1)
    monkeypatch.setattr(partial_sums, "_LONG", 0)
    x, r = rng.normal(size=(6, 8)), rng.integers(0, 6, 64)
    for f in (lambda x, r: np.sum(x[r] ** 3), lambda x, r: np.sum(x[:, r] ** 2)):
        gradient = clearprop.grad(f)
        np.testing.assert_allclose(
            clearprop.compile(gradient)(x, r), gradient(x, r), rtol=1e-12, atol=1e-13
        )


def test_embedding(rng: np.random.Generator) -> None:
    def loss(p: Any, context: Any, labels: Any) -> Any:
        h = p["table"][context].reshape(len(context), -1)
        return clearprop.cross_entropy(np.tanh(h @ p["w"]), labels)

    p = {"table": rng.normal(size=(27, 10)), "w": rng.normal(size=(30, 27))}
    context, labels = rng.integers(0, 27, (32, 3)), rng.integers(0, 27, 32)
    step = clearprop.value_and_grad(loss)
    compiled = clearprop.compile(step)
    value, g = compiled(p, context, labels)
    expected, exact = step(p, context, labels)
    np.testing.assert_allclose(value, expected, rtol=1e-13)
    for name in p:
        np.testing.assert_allclose(g[name], exact[name], rtol=1e-11, atol=1e-15)
    assert "at 10 v1" in compiled.source("stages")
