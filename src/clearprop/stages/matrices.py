"""Small matrices: which operations on them are stages of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..engine.spec import ArraySpec
from ..graph.graph import Node
from .ir import Access, Buffer, Matrices
from .views import View

LARGEST = 16
"""Larger matrices are left to NumPy: its library takes them in blocks, which pays there."""

OPERATIONS = {
    "inv": True,
    "inv_or_nan": False,
    "solve": True,
    "cholesky": True,
    "cofactors": False,
    "det": False,
    "slogdet": False,
}
"""By the name of a primitive: whether some matrices have no result, so that NumPy raises an error; wings
add some."""


def has_stage(node: Node) -> bool:
    """Return whether an operation on matrices is a stage of its own."""
    if node.primitive.name not in OPERATIONS or node.inputs[0].spec.shape[-1] > LARGEST:
        return False
    return all(wire.spec.dtype.kind == "f" for wire in (*node.inputs, *node.outputs))


def matrix_stage(
    node: Node,
    views: Sequence[View],
    memory: Callable[[View], Buffer],
    outputs: Sequence[Buffer | None],
) -> Matrices:
    """Return the stage of a node that reads these views and writes these buffers."""
    order = views[0].shape[-1]
    if node.primitive.name == "solve" and len(views[1].shape) == 1:  # a vector is one column
        views = [views[0], _as_column(views[1])]
    stack = np.broadcast_shapes(*(view.shape[:-2] for view in views))
    inputs = []
    for view in views:
        view = view.broadcast((*stack, *view.shape[-2:]))
        inputs.append(Access(memory(view), view.strides, view.offset))
    fails = None
    if OPERATIONS[node.primitive.name]:
        fails = Buffer(f"{node.out.name}_fails", ArraySpec((), np.dtype(bool)))
    return Matrices(node, stack, order, tuple(inputs), tuple(outputs), fails)


def shapes(stage: Matrices) -> list[tuple[int, int]]:
    """Return the shapes of the matrices that a stage reads."""
    square = (stage.order, stage.order)
    return [square, (stage.order, columns(stage))][: len(stage.inputs)]


def columns(stage: Matrices) -> int:
    """Return how many columns the right-hand sides have."""
    if len(stage.inputs) == 1:
        return stage.order
    shape = stage.node.inputs[1].spec.shape
    return 1 if len(shape) == 1 else shape[-1]


def _as_column(view: View) -> View:
    return View(view.root, (*view.shape, 1), (*view.strides, 0), view.offset)
