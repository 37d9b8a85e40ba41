"""A backward pass as a `jax.custom_vjp`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.arrays import is_array
from ..errors import UnsupportedError
from ..graph.graph import Wire
from .control_flow.jax_functions import CONTROL
from .draft import Draft, picked_gradients
from .forms.helpers import HELPERS, helpers
from .forms.jax import CALLS, COMPLEX_NAMESAKES, ENTRIES, LACKS, NAMESAKES, REAL
from .forward_backward import split
from .languages import Language
from .library import Library
from .problem import Problem
from .program import written
from .python import function_lines, number_lines, size_lines
from .spelling import python_spelling


class JaxLanguage(Language):
    """JAX, whose arrays nobody writes into."""

    def zeros_for(self, seed: str, alike: bool, wire: Wire) -> str | None:
        dtype = f"{seed}.dtype" if alike else f"jnp.{wire.spec.dtype.name}"
        return f"jnp.zeros({wire.spec.shape}, {dtype})"


LANGUAGE = JaxLanguage(
    "jax",
    "jnp",
    calls=CALLS,
    entries=ENTRIES,
    control=CONTROL,
    real=REAL,
    namesakes=NAMESAKES,
    complex_namesakes=COMPLEX_NAMESAKES,
    lacks=LACKS,
    in_place=False,
)


class Jax(Library):
    """JAX: a function of the arguments with a `custom_vjp`."""

    name = "jax"
    spelling = python_spelling("jax", "jnp", "residuals", "upstream", helpers=HELPERS)
    language = LANGUAGE
    upstream = True

    def body(self, draft: Draft) -> str:
        _require_order(draft)
        problem, program, parts = draft.problem, draft.program, split(draft)
        name, arguments = self.public_name(problem), ", ".join(problem.arguments)
        leaves = set(draft.leaf_names)
        packed = [n for n in parts.residuals if n in leaves and draft.is_packed(n)]
        residuals = [n for n in parts.residuals if n not in packed]
        containers = [
            a for a in problem.arguments if any(draft.container_of(n) == a for n in packed)
        ]
        saved = [*containers, *residuals]
        together = f"({', '.join(saved)}{',' if len(saved) == 1 else ''})"
        values = ", ".join(draft.values())
        checks = [
            *number_lines(draft, "jnp.asarray({name})", seeds=False),
            *size_lines(program, draft.shapes(), "jnp.shape({})"),
        ]
        read = _reads(program.statements) if checks else _reads(parts.forward)
        forward = [*draft.unpacking(read), *checks, *written(parts.forward)]
        given = draft.gradients_with_none()
        outputs = values if "," not in values else f"({values})"
        seeds = ", ".join(draft.seed_names)
        upstream = "upstream" if len(draft.seed_names) > 1 else seeds
        backward = [f"{together[1:-1]} = residuals"] if saved else []
        if len(draft.seed_names) > 1:
            backward.append(f"{seeds} = upstream")
        backward += [*draft.unpacking(set(packed)), *written(parts.backward, headed=True)]
        lines = [
            "@jax.custom_vjp",
            *function_lines(
                f"def {name}({arguments}):", [], f"return {name}_forward({arguments})[0]"
            ),
            "",
            "",
            *function_lines(
                f"def {name}_forward({arguments}):", forward, f"return {outputs}, {together}"
            ),
            "",
            "",
            *function_lines(
                f"def {name}_backward(residuals, {upstream}):",
                backward,
                f"return {', '.join(given)}" + ("," if len(given) == 1 else ""),
            ),
            "",
            "",
            f"{name}.defvjp({name}_forward, {name}_backward)",
        ]
        lines = [*helpers(lines, "jnp"), *lines]
        text = "\n".join(lines)
        more = [f"import jax.scipy.{m}" for m in ("linalg", "special") if f"jax.scipy.{m}." in text]
        return "\n".join(["import jax", "import jax.numpy as jnp", *more, "", "", *lines]) + "\n"

    def public_name(self, problem: Problem) -> str:
        return problem.spelling.identifier(problem.title)

    def call(
        self, problem: Problem, function: Any, args: Any, kwargs: Any
    ) -> tuple[list[Any], list[Any]]:
        """Call the function, in double precision where the arguments are."""
        import jax

        with jax.enable_x64(True):
            given = problem.passed(args, kwargs)
            given = jax.tree_util.tree_map(
                lambda x: jax.numpy.asarray(x) if is_array(x) else x, given
            )
            outputs, pullback = jax.vjp(function, *given)
            flat = jax.tree_util.tree_leaves(outputs)
            seeds = problem.seeds or [np.ones(y.shape, y.dtype) for y in flat]
            structure = jax.tree_util.tree_structure(outputs)
            seeds = [jax.numpy.asarray(s) for s in seeds]
            gradients = pullback(jax.tree_util.tree_unflatten(structure, seeds))
            at = dict(zip(problem.arguments, gradients, strict=True))
            found = picked_gradients(problem, at)
            return [np.asarray(y)[()] for y in flat], [np.asarray(g)[()] for g in found]


def _require_order(draft: Draft) -> None:
    title = draft.problem.title
    for found in draft.dicts():
        try:
            sorted(found)
        except TypeError:
            raise UnsupportedError(
                f"JAX takes dicts whose keys can be sorted, and {title} has one with keys of the "
                f"types {', '.join(sorted({type(key).__name__ for key in found}))}: use strings"
            ) from None


def _reads(statements: Any) -> set[str]:
    return {name for s in statements for name in s.reads}


TARGET = Jax()
