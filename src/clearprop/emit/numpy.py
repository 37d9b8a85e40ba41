"""A backward pass as one plain NumPy function."""

from __future__ import annotations

from typing import Any

from ..trees import flatten
from .languages import SHARED, Language, joining, method, reduction
from .problem import Problem
from .python import body, function_lines

_REDUCTIONS = ("sum", "mean", "max", "min", "all", "any", "argmax", "argmin", "var", "std", "prod")
_CALLS = (
    "where",
    "maximum",
    "minimum",
    "absolute",
    "outer",
    "logaddexp",
    "isfinite",
    "isnan",
    "sign",
)
LANGUAGE = Language(
    "numpy",
    "np",
    calls={name: f"np.{name}" for name in _CALLS} | {"absolute": "np.abs"},
    entries={
        **SHARED,
        **{name: reduction(name) for name in _REDUCTIONS},
        "concatenate": joining("np.concatenate"),
        "stack": joining("np.stack"),
        "real": method("{}.real"),
        "imag": method("{}.imag"),
        "conj": method("{}.conj()"),
    },
)


def write(problem: Problem) -> str:
    """The text, without its header."""
    program = problem.program(LANGUAGE)
    lines = function_lines(
        f"def {problem.name}({', '.join(problem.parameters)}):",
        [*problem.unpacking(), *body(program)],
        f"return {', '.join([*problem.values(program), *problem.gradients(program)])}",
    )
    imports = ["import numpy as np", "", ""] if any("np." in line for line in lines) else []
    return "\n".join([*imports, *lines]) + "\n"


def public_name(problem: Problem) -> str:
    """What the code defines."""
    return problem.name


def call(problem: Problem, function: Any, args: Any, kwargs: Any) -> tuple[list[Any], list[Any]]:
    """Values and gradients as flat lists."""
    result = flatten(function(*problem.passed(args, kwargs), *problem.seeds))[0]
    found = [x for x in result if x is not None]
    count = len(problem.forward.outputs)
    by_leaf = found[count:]
    return found[:count], by_leaf
