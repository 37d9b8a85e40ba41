"""docs/kinks.md is true: each row of its tables is run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.special

import clearprop

PAGE = Path(__file__).parents[2] / "docs" / "kinks.md"
ROW = re.compile(
    r"^\| `(?P<expression>.+?)` \| `(?P<at>.+?)` \| `(?P<gradient>.+?)` \|", re.MULTILINE
)
ROWS = [match.groups() for match in ROW.finditer(PAGE.read_text(encoding="utf-8"))]
NAMES = {"np": np, "clearprop": clearprop, "special": scipy.special, "inf": np.inf, "nan": np.nan}


def numbers(text: str) -> Any:
    array = np.array(eval(text, dict(NAMES)))
    return array if array.dtype.kind == "c" else array.astype(float)


def arguments(text: str) -> dict[str, Any]:
    return {part[0]: numbers(part.partition("=")[2]) for part in re.split(r", (?=\w = )", text)}


@pytest.mark.parametrize(("expression", "at", "gradient"), ROWS, ids=lambda text: text)
def test_row(expression: str, at: str, gradient: str) -> None:
    variables = arguments(at)

    def f(*values: Any) -> Any:
        names = NAMES | dict(zip(variables, values, strict=True))
        return np.sum(eval(expression, names)).real

    wanted = eval(f"[{gradient}]", dict(NAMES))
    gradients = clearprop.grad(f, tuple(range(len(variables))))
    ways = [gradients, clearprop.trace(gradients, *variables.values()).evaluate]
    if all(x.dtype == float for x in variables.values()):
        ways.append(clearprop.compile(gradients))
    for way in ways:
        with np.errstate(all="ignore"):
            found = way(*variables.values())
        for g, exact in zip(found, wanted, strict=True):
            np.testing.assert_allclose(g, exact, rtol=1e-15, atol=0)


def test_no_row_is_left_out() -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    assert len(ROWS) == sum(line.startswith("| `") for line in lines) > 30
