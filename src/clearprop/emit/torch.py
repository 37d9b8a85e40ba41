"""A backward pass as a `torch.autograd.Function` that saves exactly what it needs."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.primitive import primitives
from ..graph.graph import Node, Wire
from ..ops.indexing import Slot
from ..passes.matching import number
from ..transforms.trees import flatten
from .array_expressions import ATOM
from .control_flow.python_statements import CONTROL
from .draft import Draft
from .forms.helpers import HELPERS, helpers
from .forms.slices import ascending, beside_arrays
from .forms.torch import CALLS, ENTRIES, LACKS, NAMESAKES, REAL
from .forward_backward import split
from .languages import Language, Written, index_text, is_literal, tuple_text, wrap
from .library import Library
from .problem import Problem
from .program import INDENT, written
from .python import function_lines, size_lines
from .spelling import python_spelling


class TorchLanguage(Language):
    """PyTorch, whose functions take tensors alone."""

    def form(self, node: Node, operands: list[Written]) -> Written | None:
        """Return an operation as an expression, but for arithmetic of unsigned numbers of more than 8 bits,
        which there is none of.
        """
        unsigned = any(w.spec.dtype.kind == "u" and w.spec.dtype.itemsize > 1 for w in node.outputs)
        computes = unsigned and "elementwise" in node.primitive.traits
        return None if computes else super().form(node, operands)

    def converted(self, written: Written, dtype: np.dtype[Any]) -> str:
        return f"{wrap(written)}.to(torch.{dtype.name})"

    def scalar(self, text: str, dtype: np.dtype[Any]) -> str:
        return f"torch.tensor({text}, dtype=torch.{dtype.name})"

    def dtype_name(self, dtype: np.dtype[Any]) -> str:
        return dtype.name

    def triangle(self, rows: int, columns: int, k: int) -> str:
        return f"torch.ones({rows}, {columns}, dtype=torch.bool).tril({k or ''})"

    def filled(self, shape: tuple[int, ...], written: Written, wire: Wire) -> Written:
        text, sizes = self.as_floating(written[0], wire), tuple_text(shape)
        if text == "0":
            return f"torch.zeros({sizes}, dtype=torch.{wire.spec.dtype.name})", ATOM
        if number(wire) is not None or text.replace(".", "").isdigit():
            return f"torch.full({sizes}, {text}{self.dtype_argument(wire.spec.dtype)})", ATOM
        return f"{wrap(written)}.expand{sizes}.clone()", ATOM

    def empty(self, wire: Wire) -> str:
        return f"torch.empty({tuple_text(wire.spec.shape)}, dtype=torch.{wire.spec.dtype.name})"

    def moved(self, text: str, start: int, end: int) -> str:
        return f"{text}.movedim({start}, {end})"

    def reversed(self, text: str) -> str:
        return f"{text}.flip(0)"

    def flipped(self, written: Written, axis: int) -> str:
        return f"{wrap(written)}.flip({axis})"

    def zeros_for(self, seed: str, alike: bool, wire: Wire) -> str | None:
        shape, dtype = wire.spec.shape, wire.spec.dtype.name
        sizes = ", ".join(map(str, shape)) if alike else f"{shape}, dtype=torch.{dtype}"
        return f"{seed}.new_zeros({sizes})"

    def index_of(self, node: Node, arrays: list[str], value: str) -> tuple[str, str]:
        """Write an index. Slices only go up, so what is written into one that goes down is turned around."""
        if arrays:
            return _places(node, arrays), value
        whole = node.out.spec.shape
        index, turned = ascending(node.params["index"], whole)
        written = node.inputs[1] if node.primitive is primitives.assign else node.inputs[0]
        shape = written.spec.shape
        added = np.broadcast_to(0, whole)[index].ndim - len(shape) if turned else 0
        own = [axis - added for axis in turned if axis >= added and shape[axis - added] > 1]
        if own and number(written) is None:
            axes = ", ".join(map(str, own))
            value = f"{value if value.isidentifier() else f'({value})'}.flip({axes})"
        return index_text(index, arrays), value

    def added_at(self, node: Node, name: str, arrays: list[str], how: str, value: str) -> str:
        value = f"-({value})" if how == "-=" else value
        if is_literal(value, node.inputs[0]):
            value = self.scalar(value, node.out.spec.dtype)
        return f"{name}.index_put_({_places(node, arrays, apart=True)}, {value}, accumulate=True)"


def _places(node: Node, arrays: list[str], *, apart: bool = False) -> str:
    """Return an index with arrays in PyTorch; where slices go down, or if `apart`, as an array for
    each axis.
    """
    specs = [w.spec for w in node.inputs[-len(arrays) :]]
    shape = node.out.spec.shape
    index, turned = beside_arrays(node.params["index"], shape, specs)
    text = index_text(index, arrays)
    if all(isinstance(part, Slot) for part in index):
        return f"({text},)" if apart else text
    if not turned and not apart:
        return text
    turn = f".flip({', '.join(map(str, turned))})" if turned else ""
    counted = f"torch.arange({node.out.spec.size}).view({shape}){turn}[{text}]"
    return f"torch.unravel_index({counted}, {shape})"


LANGUAGE = TorchLanguage(
    "torch",
    "torch",
    axis="dim",
    keepdims="keepdim",
    calls=CALLS,
    entries=ENTRIES,
    control=CONTROL,
    real=REAL,
    namesakes=NAMESAKES,
    lacks=LACKS,
    renamed={"axes": "dim", "transpose": "permute", "clip": "clamp", "norm": "vector_norm"},
    transforms_nothing=False,
    wants_arrays=True,
    maker="tensor",
    copier="clone",
)


class Torch(Library):
    """PyTorch: a class of the arrays within the arguments, with a forward and a backward pass."""

    name = "torch"
    spelling = python_spelling("torch", "ctx", helpers=HELPERS)
    language = LANGUAGE
    upstream = True

    def body(self, draft: Draft) -> str:
        program, parts, leaves = draft.program, split(draft), draft.leaf_names
        name, tensors = self.public_name(draft.problem), parts.residuals
        forward = [*size_lines(program, draft.shapes()), *written(parts.forward)]
        if tensors:
            forward += ["", f"ctx.save_for_backward({', '.join(tensors)})"]
        unpack = []
        if tensors:
            unpack = [f"{', '.join(tensors)}{',' if len(tensors) == 1 else ''} = ctx.saved_tensors"]
        hidden = [n for n in tensors if n not in (*leaves, *program.outputs)]
        given = [g if g is not None else "None" for g in draft.gradient_of_leaves()]
        lines = [f"class {name}(torch.autograd.Function):"]
        for head, inside, end in (
            (
                f"def forward(ctx, {', '.join(leaves)}):",
                forward,
                f"return {', '.join(program.outputs)}",
            ),
            (
                f"def backward(ctx, {', '.join(draft.seed_names)}):",
                [*_once(name, hidden), *unpack, *written(parts.backward, headed=True)],
                f"return {', '.join(given)}",
            ),
        ):
            if len(lines) > 1:
                lines.append("")
            lines.append(f"{INDENT}@staticmethod")
            lines += [f"{INDENT}{line}".rstrip() for line in function_lines(head, inside, end)]
        return "\n".join(["import torch", "", "", *helpers(lines, "torch"), *lines]) + "\n"

    def public_name(self, problem: Problem) -> str:
        """Return the function's name as a class's."""
        words = problem.title.split("_")
        name = "".join(word[:1].upper() + word[1:] for word in words) or "Function"
        return problem.spelling.identifier(name)

    def call(
        self, problem: Problem, function: Any, args: Any, kwargs: Any
    ) -> tuple[list[Any], list[Any]]:
        """Call the function through PyTorch's own check."""
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
        return [_plain(y) for y in outputs], [_plain(g) for g in gradients]


def _once(name: str, hidden: list[str]) -> list[str]:
    """Write lines that refuse second derivatives. They would lack a part: autograd takes what `forward`
    made and kept for constant.
    """
    if not hidden:
        return []
    return [
        "if torch.is_grad_enabled():  # create_graph=True",
        f'{INDENT}raise RuntimeError("{name} cannot be differentiated twice, since it keeps {hidden[0]}")',
    ]


def _plain(x: Any) -> Any:
    return x.detach().resolve_conj().resolve_neg().numpy()[()]


TARGET = Torch()
