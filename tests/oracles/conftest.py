"""What the comparisons share."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module", autouse=True)
def _jax_forgets() -> Iterator[None]:
    """JAX keeps all that it compiles: gigabytes over these files."""
    yield
    if jax := sys.modules.get("jax"):
        jax.clear_caches()
