"""`cond` and `switch`: one of several functions, chosen by a number that may be unknown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeGuard

import numpy as np

from ..engine.array_types import AnyArray, ArrayLike, Tree
from ..engine.arrays import argument, is_array
from ..engine.primitive import primitives
from ..engine.spec import ArraySpec, shape_of, spec_of
from ..engine.tensor import Tensor, apply
from ..errors import DtypeError, ShapeError, UnsupportedError
from ..graph.graph import Graph, Wire
from ..graph.tracing import function_name
from ..ops.bundles import results_of
from ..transforms.trees import flatten, paths, structure
from .body import trace_body, united
from .carried import described, is_weak
from .choice import choice


def cond(
    pred: ArrayLike, true_fun: Callable[..., Tree], false_fun: Callable[..., Tree], *operands: Tree
) -> Tree:
    """Return ``true_fun(*operands)`` where `pred` is true, else ``false_fun(*operands)``.

    Where the truth value is known, as in eager code, that is a plain call of one of them. In a trace, and so
    in `compile`, both are traced, and only the one that is chosen runs. ``np.where`` computes both.

    Parameters
    ----------
    pred : one truth value, or a number, which counts as true unless it is zero
    true_fun, false_fun : functions of the operands. They may read other arrays and Tensors, and return the
        same structure, shapes and dtypes; Python numbers take the dtype of the other function's result.
    operands : arrays, Tensors and containers of such; Python's numbers and strings are fixed.

    Raises
    ------
    ShapeError : `pred` is not one value, or the functions return different structures, shapes or dtypes.

    >>> import clearprop, numpy as np
    >>> def slowing(x):
    ...     return clearprop.cond(x > 1, np.log, lambda x: x - 1, x)
    >>> clearprop.grad(slowing)(4.0), clearprop.grad(slowing)(0.5)
    (np.float64(0.25), np.float64(1.0))
    >>> clearprop.compile(clearprop.grad(slowing))(4.0)
    np.float64(0.25)
    """
    _require_one("cond", "pred, a truth value", pred, "np.all(pred) or np.any(pred)")
    if is_unknown(pred):
        pred = pred if pred.dtype == bool else primitives.not_equal(pred, 0)
        return _as_node("cond", pred, (false_fun, true_fun), operands)
    return true_fun(*operands) if _value(pred) else false_fun(*operands)


def switch(index: ArrayLike, branches: Sequence[Callable[..., Tree]], *operands: Tree) -> Tree:
    """Return ``branches[index](*operands)``; an index out of range is moved to the nearest branch.

    See `cond` for what the functions may be and return.

    Raises
    ------
    ShapeError : `index` is not one number, or the functions return different structures, shapes or dtypes.
    DtypeError : `index` is no whole number.

    >>> import numpy as np
    >>> [switch(i, [np.sin, np.cos, np.tanh], 0.0) for i in (0, 1, 5)]
    [np.float64(0.0), np.float64(1.0), np.float64(0.0)]
    """
    _require_one("switch", "index", index, "index[i] for one of its entries")
    if spec_of(index).dtype.kind not in "iu":
        raise DtypeError(
            f"switch counts its branches by a whole number, but index is {spec_of(index)}. Convert it: "
            f"index.astype('int64'). For a truth value there is clearprop.cond(pred, true_fun, false_fun)."
        )
    branches = tuple(branches)
    if not branches:
        raise UnsupportedError("switch got no branches; give it a list of functions")
    if is_unknown(index):
        return _as_node("switch", index, branches, operands)
    return branches[min(max(int(_value(index)), 0), len(branches) - 1)](*operands)


def is_unknown(x: object) -> TypeGuard[Tensor]:
    """Return whether a value is known only when the traced code runs."""
    return isinstance(x, Tensor) and not x.is_known


def _value(x: AnyArray) -> AnyArray:
    return x.value if isinstance(x, Tensor) else x


def _require_one(who: str, what: str, x: AnyArray, instead: str) -> None:
    if shape_of(argument(x, f"{who} got")) != ():
        raise ShapeError(f"{who} needs one {what.split(', ')[-1]}, but got {spec_of(x)}: {instead}")


def _as_node(
    who: str, index: AnyArray, branches: tuple[Callable[..., Tree], ...], operands: tuple[Tree, ...]
) -> Tree:
    leaves, unflatten = flatten(operands)
    leaves = [argument(x, f"{who} got") for x in leaves]
    given = [x for x in leaves if is_array(x)]
    args = unflatten([spec_of(x) if is_array(x) else x for x in leaves])
    bodies = [trace_body(f, args) for f in branches]
    specs = _common(who, branches, [body.result for body in bodies])
    _, pack = flatten(bodies[0].result)
    if not specs:
        return pack([])
    closed, graphs = united(bodies)
    params = {"branches": tuple(_returning(graph, specs) for graph in graphs)}
    return pack(results_of(apply(choice, (index, *closed, *given), params)))


def _returning(graph: Graph, specs: Sequence[ArraySpec]) -> Graph:
    """Return a branch whose Python numbers have the dtypes of what others return in their places."""
    outputs = tuple(
        w if w.spec == spec else Wire(w.name, spec, spec.dtype.type(w.constant))
        for w, spec in zip(graph.outputs, specs, strict=True)
    )
    converted = replace(graph, outputs=outputs)
    converted.name_rest()
    return converted


def _common(
    who: str, branches: Sequence[Callable[..., Tree]], results: Sequence[Tree]
) -> list[ArraySpec]:
    """Return the specs of what all branches return; raise ShapeError where they differ."""
    first, *others = results
    for f, result in zip(branches[1:], others, strict=True):
        if structure(result) != structure(first):
            raise ShapeError(
                f"{who}: {function_name(branches[0])} returned {described(first)}, and {function_name(f)} "
                f"{described(result)}; all branches return the same structure"
            )
    specs = []
    for path, *leaves in zip(paths(first), *(flatten(r)[0] for r in results), strict=True):
        shape = shape_of(leaves[0])
        dtypes = {spec_of(x).dtype for x in leaves if not is_weak(x)} or {np.result_type(*leaves)}
        dtype = next(iter(dtypes))
        fits = len(dtypes) == 1 and all(
            shape_of(x) == shape and (not is_weak(x) or np.result_type(x, dtype) == dtype)
            for x in leaves
        )
        if not fits:
            place = f" at {where}" if (where := "".join(f"[{key!r}]" for key in path)) else ""
            found = " and ".join(
                f"{spec_of(x)} from {function_name(f)}"
                for f, x in zip(branches, leaves, strict=True)
            )
            raise ShapeError(
                f"{who} got results of different shapes or dtypes{place}: {found}. Return the "
                f"same from all branches: np.full(shape, x), x.astype(dtype)"
            )
        specs.append(ArraySpec(shape, dtype))
    return specs
