"""Reductions, scans and statistics as users call them, compiled: the same values and gradients as without."""

from __future__ import annotations

from typing import Any

import pytest

import clearprop
from tests.calls import draw
from tests.compiler.test_primitives import assert_alike, with_gradients
from tests.effort import part_of
from tests.ops.test_reductions import CALLS, COMPLEX

pytest.importorskip("llvmlite")

ALL = {
    f"{kind} {name}": (*row, kind)
    for kind, rows in (("", CALLS), ("c", COMPLEX))
    for name, row in rows.items()
}


@pytest.mark.parametrize("name", part_of(ALL))
def test_compiled_equals_eager(name: str) -> None:
    f, shapes, kind = ALL[name]
    arrays: list[Any] = draw(shapes, kind * len(shapes))
    g = with_gradients(f, arrays)
    assert_alike(clearprop.compile(f)(*arrays), f(*arrays), "float64")
    assert_alike(clearprop.compile(g)(*arrays), g(*arrays), "float64")
