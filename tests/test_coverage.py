"""docs/coverage.md is up to date, and every function of NumPy's and scipy.special's has a mark in it."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from clearprop import tensor
from clearprop.engine.bundle import Bundle
from clearprop.engine.primitive import numpy_table
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


def tensors(*shape: int, dtype: str = "float64") -> Any:
    """Numbers between 0 and 1 that most functions take."""
    count = int(np.prod(shape))
    numbers = np.linspace(0.2, 0.7, count) + np.sin(np.arange(count)) / 10
    square = len(shape) == 2 and shape[0] == shape[1]
    numbers = numbers.reshape(shape) + (3 * np.eye(shape[0]) if square else 0.0)
    return tensor(numbers.astype(dtype)[()])


ROWS, MASK = np.array([0, 2]), np.array([True, False, True])
CALLS: list[Callable[[Any, Any], tuple[Any, ...]]] = [
    lambda v, m: (v,),
    lambda v, m: (m,),
    lambda v, m: (v, v),
    lambda v, m: (m, m),
    lambda v, m: (m, v),
    lambda v, m: ([v, v],),
    lambda v, m: ([m, m],),
    lambda v, m: (m[None],),
    lambda v, m: (v, 1),
    lambda v, m: (1, v),
    lambda v, m: (v, "float32"),
    lambda v, m: (v, -1),
    lambda v, m: (v, (1, 3)),
    lambda v, m: (v, ROWS),
    lambda v, m: (ROWS, v),
    lambda v, m: (MASK, v),
    lambda v, m: ("i,i", v, v),
    lambda v, m: ([MASK], [v]),
    lambda v, m: (np.array([0, 1, 0]), [v, v]),
    lambda v, m: (np.array([0, 1, 0]), v),
    lambda v, m: (np.array([0, 1, 0]), None, v),
    lambda v, m: (m, 0),
    lambda v, m: (m, [0, 1]),
    lambda v, m: (m[None], 3),
    lambda v, m: (v, v, v),
    lambda v, m: (v, 0, 2),
    lambda v, m: (v, 2, 2),
    lambda v, m: (m, 0, -1),
    lambda v, m: (m, 1, 1),
    lambda v, m: (1, 1, v),
    lambda v, m: (1.5, 2.5, v),
    lambda v, m: (v, ROWS, v[:2]),
    lambda v, m: (m, np.array([[0], [1], [2]]), 1),
    lambda v, m: (v, [MASK], [v]),
    lambda v, m: (v, [MASK], [np.tanh]),
    lambda v, m: (v, np.arange(3.0), v),
    lambda v, m: (np.arange(3.0), v, 1),
    lambda v, m: (np.tanh, (v,)),
    lambda v, m: (np.sum, 0, m),
    lambda v, m: (np.sum, m, 0),
    lambda v, m: (v, v, v, v),
    lambda v, m: (1, 1, 1, v),
    lambda v, m: (1, 1, 1.5, 1.5, v),
    lambda v, m: (np.arange(3.0), 2, None, False, v),
    lambda v, m: (np.arange(3.0), np.arange(3.0), 2, None, False, v),
]
"""Ways to call a function with a vector and a matrix."""
OF_COMPLEX = [lambda v, m: (v.astype(complex),)]


def gives_a_gradient(function: Callable[..., Any], calls: Any = CALLS) -> bool:
    for call in calls:
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
                result = function(*call(tensors(3), tensors(3, 3)))
                parts = [result]
                if isinstance(result, list | tuple) or getattr(result, "shape", 0) == Bundle.shape:
                    parts = list(result)
        except Exception:  # this is not how to call it
            continue
        if any(getattr(part, "requires_grad", False) for part in parts):
            return True
    return False


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_marks_are_true(module: ModuleType) -> None:
    """Called in one way or another, those with a gradient give one, and the others never do."""
    m = survey(module, MODULES[module])

    def named(shown: str) -> Callable[..., Any]:
        return getattr(module, shown.split("`")[1])

    silent = [s for s in m.gradient if not gives_a_gradient(named(s), [*CALLS, *OF_COMPLEX])]
    assert silent == []
    flat = [shown for names in m.answered.values() for shown in names]
    assert [shown for shown in flat if gives_a_gradient(named(shown))] == []
