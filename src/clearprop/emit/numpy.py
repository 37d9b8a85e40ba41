"""A backward pass as one plain NumPy function."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import UnsupportedError
from ..graph.graph import Node
from ..graph.own_gradients import application_of
from ..transforms.trees import flatten
from .array_expressions import ATOM
from .control_flow.python_statements import CONTROL
from .draft import Draft, picked_gradients
from .forms.helpers import HELPERS, helpers
from .forms.numpy import CALLS, ENTRIES, LINES
from .languages import Language, Written, index_text, wrap
from .library import Library
from .problem import Problem
from .python import body, function_lines, number_lines, size_lines
from .spelling import python_spelling


class NumPyLanguage(Language):
    """NumPy's own way of writing."""

    def block_call(self, node: Node, operands: list[Written]) -> Written | None:
        block = application_of(node.primitive)
        assert block is not None
        name, alone = node.primitive.name, len(node.outputs) == 1
        if not (block.is_by_position and alone and _is_name(name)):
            return None
        texts = [text for text, _ in operands]
        texts += [f"{key}={value!r}" for key, value in node.params.items()]
        return f"{name}({', '.join(texts)})", ATOM

    def counterpart(self, node: Node, path: str) -> str:
        return path

    def converted(self, written: Written, dtype: np.dtype[Any]) -> str:
        plain = f"{wrap(written)}.astype(float)"
        return plain if dtype == np.float64 else super().converted(written, dtype)

    def added_at(self, node: Node, name: str, arrays: list[str], how: str, value: str) -> str:
        if node.out.spec.ndim > 32:
            raise UnsupportedError(
                f"the gradient of picked entries needs np.add.at, which crashes for arrays of more than 32 "
                f"axes, and this one has {node.out.spec.ndim}; reshape it first"
            )
        verb, index = "subtract" if how == "-=" else "add", index_text(node.params["index"], arrays)
        places = index if "," not in index and ":" not in index else f"np.s_[{index}]"
        return f"np.{verb}.at({name}, {places}, {value})"


LANGUAGE = NumPyLanguage(
    "numpy",
    "np",
    calls=CALLS,
    entries=ENTRIES,
    lines=LINES,
    control=CONTROL,
    takes_numbers=True,
    own_dtypes=frozenset(map(np.dtype, ("i8", "f8"))),
)


class NumPy(Library):
    """NumPy: one function of the arguments that returns the values and the gradients."""

    name = "numpy"
    spelling = python_spelling("np", "scipy", helpers=HELPERS)
    language = LANGUAGE

    def body(self, draft: Draft) -> str:
        problem, program = draft.problem, draft.program
        shapes = {**draft.shapes(), **draft.seed_shapes()}
        lines = function_lines(
            f"def {problem.name}({', '.join(draft.parameters)}):",
            [
                *draft.unpacking(),
                *number_lines(draft, "np.{dtype}({name})", seeds=True),
                *size_lines(program, shapes, "np.shape({})"),
                *body(program),
            ],
            f"return {', '.join([*draft.values(), *draft.gradients()])}",
        )
        lines = [*helpers(lines, "np"), *lines]
        text = "\n".join(lines)
        imports = ["import numpy as np"] if "np." in text else []
        imports += ["import scipy"] if "scipy." in text else []
        return "\n".join([*imports, *(["", ""] if imports else []), *lines]) + "\n"

    def public_name(self, problem: Problem) -> str:
        return problem.name

    def call(
        self, problem: Problem, function: Any, args: Any, kwargs: Any
    ) -> tuple[list[Any], list[Any]]:
        result = function(*problem.passed(args, kwargs), *problem.seeds)
        names = problem.differentiated
        values, gradients = result[: -len(names)], result[-len(names) :]
        return flatten(values)[0], picked_gradients(
            problem, dict(zip(names, gradients, strict=True))
        )


def _is_name(text: str) -> bool:
    """Return whether code can call something so that is not its own: no word, module or function that
    it needs.
    """
    return python_spelling("np", "scipy").parameter(text) == text and text.isidentifier()


TARGET = NumPy()
