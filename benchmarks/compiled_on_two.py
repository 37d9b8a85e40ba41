"""Compiled functions again, where there are two cores to use."""

from __future__ import annotations

from . import compiled
from .measure import Grid


def run(*, quick: bool = False) -> Grid:
    """Return the same tasks; libraries choose how many threads they use."""
    return compiled.run(quick=quick, cores=2)
