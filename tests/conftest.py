"""What all tests share."""

from __future__ import annotations

import numpy as np
import pytest

from clearprop.native import pool


@pytest.fixture
def many_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads are tested on machines with few cores, too."""
    monkeypatch.setattr(pool, "cores", lambda: 8)


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers that are the same in every run."""
    return np.random.default_rng(20240607)
