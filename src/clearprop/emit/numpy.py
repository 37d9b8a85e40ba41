"""A backward pass as one plain NumPy function."""

from __future__ import annotations

from typing import Any

from ..trees import flatten
from .forms.helpers import HELPERS, helpers
from .forms.numpy import CALLS, ENTRIES, LINES
from .languages import Language
from .problem import Problem
from .python import body, function_lines, number_lines, size_lines
from .spelling import python_spelling

SPELLING = python_spelling("np", "scipy", *HELPERS)
LANGUAGE = Language("numpy", "np", calls=CALLS, entries=ENTRIES, lines=LINES)


def write(problem: Problem) -> str:
    """The text, without its header."""
    program = problem.program(LANGUAGE)
    shapes = {**problem.shapes(), **problem.seed_shapes()}
    lines = function_lines(
        f"def {problem.name}({', '.join(problem.parameters)}):",
        [
            *problem.unpacking(),
            *number_lines(problem, "np.{dtype}({name})", seeds=True),
            *size_lines(program, shapes, "np.shape({})"),
            *body(program),
        ],
        f"return {', '.join([*problem.values(program), *problem.gradients(program)])}",
    )
    lines = [*helpers(lines, "np"), *lines]
    text = "\n".join(lines)
    imports = ["import numpy as np"] if "np." in text else []
    imports += ["import scipy"] if "scipy." in text else []
    return "\n".join([*imports, *(["", ""] if imports else []), *lines]) + "\n"


def public_name(problem: Problem) -> str:
    """What the code defines."""
    return problem.name


def call(problem: Problem, function: Any, args: Any, kwargs: Any) -> tuple[list[Any], list[Any]]:
    """Values and gradients as flat lists."""
    result = function(*problem.passed(args, kwargs), *problem.seeds)
    names = problem.differentiated
    values, gradients = result[: -len(names)], result[-len(names) :]
    return flatten(values)[0], problem.pick_gradients(dict(zip(names, gradients, strict=True)))
