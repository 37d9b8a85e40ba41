"""Tensors are saved and printed as their values are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.errors import TraceError

X = np.array([[1.0, 2.0], [3.0, 4.5]])


def test_saving(tmp_path: Path) -> None:
    t = clearprop.tensor(X)
    np.save(tmp_path / "x.npy", t)
    assert np.array_equal(np.load(tmp_path / "x.npy"), X)
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "all.npz", w=t, b=t[0] * 2)
        with np.load(tmp_path / "all.npz") as found:
            assert np.array_equal(found["w"], X)
            assert np.array_equal(found["b"], X[0] * 2)
    np.savetxt(tmp_path / "x.txt", t)
    assert np.array_equal(np.loadtxt(tmp_path / "x.txt"), X)


def test_printing() -> None:
    t = clearprop.tensor(X)
    for write in (np.array2string, np.array_repr, np.array_str):
        assert write(t, precision=1) == write(X, precision=1)
    assert np.array_str(t.sum()) == "10.5"


def test_what_is_unknown_is_not_written(tmp_path: Path) -> None:
    def f(x: Any) -> Any:
        np.save(tmp_path / "x.npy", x)
        return x

    with pytest.raises(TraceError, match=r"np\.save needs a number"):
        clearprop.trace(f, X)
