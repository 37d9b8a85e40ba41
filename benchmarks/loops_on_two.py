"""Compiled loops again, where there are two cores to use."""

from __future__ import annotations

from . import loops
from .measure import Grid


def run(*, quick: bool = False) -> Grid:
    """Return the same tasks; libraries choose how many threads they use."""
    return loops.run(quick=quick, cores=2)
