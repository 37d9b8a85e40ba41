"""A backward pass as a `torch.autograd.Function` that saves exactly what it needs."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..graph import Node
from ..trees import flatten
from .expressions import ATOM
from .languages import (
    SHARED,
    Language,
    Written,
    joining,
    method,
    reduction,
    wrap,
)
from .problem import Problem
from .python import INDENT, function_lines, written
from .split import split

UPSTREAM = True


def _where(language: Language, node: Node, operands: list[Written]) -> Written:
    return f"torch.where({', '.join(text for text, _ in operands)})", ATOM


def _extreme(name: str, clamp: str) -> Any:
    def entry(language: Language, node: Node, operands: list[Written]) -> Written:
        for position, wire in enumerate(node.inputs):
            if wire.is_constant and wire.spec.shape == ():
                other = operands[1 - position]
                return f"{wrap(other)}.clamp({clamp}={operands[position][0]})", ATOM
        return f"torch.{name}({operands[0][0]}, {operands[1][0]})", ATOM

    return entry


def _logaddexp(language: Language, node: Node, operands: list[Written]) -> Written:
    if operands[0][0] == "0":
        return f"torch.nn.functional.softplus({operands[1][0]})", ATOM
    return f"torch.logaddexp({operands[0][0]}, {operands[1][0]})", ATOM


def _function(name: str) -> Any:
    """A call, of a number's own tensor where the operand is a number."""
    return lambda language, node, operands: (
        f"torch.{name}({', '.join(t for t, _ in operands)})",
        ATOM,
    )


def _window(language: Language, node: Node, operands: list[Written]) -> Written | None:
    from .languages import read_index

    if any(isinstance(part, slice) and (part.step or 1) < 0 for part in node.params["index"]):
        return None
    return read_index(language, node, operands)


_CALLS = (
    "exp log log1p expm1 sqrt sin cos tan tanh sinh cosh arcsin arccos arctan arctan2 arcsinh "
    "arccosh arctanh sign floor ceil square logical_and logical_or logical_not isfinite isnan "
    "hypot exp2 log2 log10"
)
_LINALG = "inv det solve cholesky"
LANGUAGE = Language(
    "torch",
    "torch",
    axis="dim",
    keepdims="keepdim",
    calls={name: f"torch.{name}" for name in _CALLS.split()}
    | {name: f"torch.linalg.{name}" for name in _LINALG.split()}
    | {
        "absolute": "torch.abs",
        "rint": "torch.round",
        "outer": "torch.outer",
        "matrix_inverse": "torch.linalg.inv",
    },
    entries={
        **SHARED,
        "window": _window,
        "where": _where,
        "maximum": _extreme("maximum", "min"),
        "minimum": _extreme("minimum", "max"),
        "logaddexp": _logaddexp,
        "sum": reduction("sum"),
        "mean": reduction("mean"),
        "all": reduction("all"),
        "any": reduction("any"),
        "max": reduction("amax"),
        "min": reduction("amin"),
        "argmax": reduction("argmax"),
        "argmin": reduction("argmin"),
        "var": reduction("var", ddof="correction"),
        "std": reduction("std", ddof="correction"),
        "concatenate": joining("torch.cat"),
        "stack": joining("torch.stack"),
        "real": method("{}.real"),
        "imag": method("{}.imag"),
        "conj": method("{}.conj()"),
    },
)


def write(problem: Problem) -> str:
    """The text, without its header."""
    program = problem.program(LANGUAGE)
    parts = split(problem, program)
    leaves = problem.leaf_names(program)
    name = public_name(problem)
    tensors = [n for n in parts.residuals if n not in parts.plain]
    forward = [*written(parts.forward)]
    if tensors:
        forward += ["", f"ctx.save_for_backward({', '.join(tensors)})"]
    unpack = []
    if tensors:
        unpack = [f"{', '.join(tensors)}{',' if len(tensors) == 1 else ''} = ctx.saved_tensors"]
    given = [g if g is not None else "None" for g in problem.gradient_of_leaves(program)]
    lines = [f"class {name}(torch.autograd.Function):"]
    for head, inside, end in (
        (
            f"def forward(ctx, {', '.join(leaves)}):",
            forward,
            f"return {', '.join(program.outputs)}",
        ),
        (
            f"def backward(ctx, {', '.join(problem.seed_names)}):",
            [*unpack, *written(parts.backward, headed=True)],
            f"return {', '.join(given)}",
        ),
    ):
        if len(lines) > 1:
            lines.append("")
        lines.append(f"{INDENT}@staticmethod")
        lines += [f"{INDENT}{line}".rstrip() for line in function_lines(head, inside, end)]
    return "\n".join(["import torch", "", "", *lines]) + "\n"


def public_name(problem: Problem) -> str:
    """What the code defines: the function's name as a class's."""
    return "".join(word[:1].upper() + word[1:] for word in problem.title.split("_")) or "Function"


def call(problem: Problem, function: Any, args: Any, kwargs: Any) -> tuple[list[Any], list[Any]]:
    """Values and gradients as flat lists of NumPy arrays, and PyTorch's own check."""
    import torch

    leaves = flatten((tuple(args), dict(kwargs)))[0]
    tensors = []
    for i in problem.wire_at:
        value = torch.tensor(np.asarray(leaves[i]))
        tensors.append(value.requires_grad_(i in problem.wanted))
    outputs = function.apply(*tensors)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    seeds = [torch.tensor(np.asarray(s)) for s in problem.seeds] or [
        torch.ones_like(y) for y in outputs
    ]
    wanted = [t for t, i in zip(tensors, problem.wire_at, strict=True) if i in problem.wanted]
    gradients = torch.autograd.grad(outputs, wanted, seeds)
    return [y.detach().numpy()[()] for y in outputs], [g.numpy()[()] for g in gradients]
