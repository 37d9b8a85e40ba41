"""docs/coverage.md is up to date, and every function of NumPy's and scipy.special's has a mark in it."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from clearprop.primitive import numpy_table
from tools.coverage import (
    MODULES,
    NO_FLOATING_ARRAYS,
    NO_GRADIENT,
    PAGE,
    functions,
    survey,
    survey_all,
    versions,
    write,
)


def marks(name: str) -> set[str]:
    """Where the survey of NumPy mentions a function."""
    m = survey(np, None)
    lists = {"gradient": m.gradient, "not yet": m.not_yet}
    for kind, table in (("answered", m.answered), ("plain", m.plain), ("other", m.other)):
        lists[kind] = [shown for names in table.values() for shown in names]
    return {kind for kind, shown in lists.items() if any(f"`{name}`" in text for text in shown)}


def test_the_page_is_up_to_date() -> None:
    page = PAGE.read_text(encoding="utf-8")
    if versions() not in page:
        pytest.skip(f"the page is about other versions than {versions()}")
    assert page == write(survey_all()), "run python -m tools.coverage"


def test_every_function_has_one_mark() -> None:
    for m in survey_all():
        tables = (m.answered, m.plain, m.other)
        shown = [
            *m.gradient,
            *m.ours,
            *m.not_yet,
            *(s for t in tables for n in t.values() for s in n),
        ]
        module = next(module for module in MODULES if module.__name__ == m.name)
        assert len(shown) == len(set(shown)) == len(functions(module))


def test_lists_by_hand_are_disjoint_and_about_what_there_is() -> None:
    tables = (NO_FLOATING_ARRAYS, NO_GRADIENT)
    names = [name for table in tables for text in table.values() for name in text.split()]
    assert [name for name, count in Counter(names).items() if count > 1] == []
    if versions() in PAGE.read_text(encoding="utf-8"):
        known = {name for module in MODULES for name in module.__all__}
        assert set(names) <= known


def test_marks() -> None:
    assert marks("sum") == marks("tanh") == marks("concat") == {"gradient"}
    assert marks("argmax") == marks("floor") == {"answered"}
    assert marks("load") == {"other"}


def test_what_nothing_answers_is_not_there_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(numpy_table, np.tanh)
    assert marks("tanh") == {"not yet"}
