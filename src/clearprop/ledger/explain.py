"""`explain`: from a loss, or a function and its arguments, to an Explanation."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..engine.array_types import AnyArray, ArrayLike
from ..engine.arrays import argument, unchanging
from ..engine.backprop import check_seed
from ..engine.recorder import Origin
from ..engine.settings import raise_covered
from ..engine.spec import is_floating
from ..engine.tensor import Tensor
from ..errors import DtypeError, GradientError
from ..graph.graph import Graph
from ..graph.tracing import build, function_name, graph_at, named_inputs
from ..transforms.trees import flatten
from .account import keep_account
from .account import nudge as measure_nudges
from .explanation import Explanation


def explain(
    target: Tensor | Callable[..., Any],
    *args: Any,
    gradient: ArrayLike | None = None,
    nudge: float | None = None,
    open: bool | int = False,
    **kwargs: Any,
) -> Explanation:
    """Show backpropagation at work: every gate's upstream × local = downstream.

    Parameters
    ----------
    target : a Tensor (a loss, before its `backward`), or a function to run on `args` and `kwargs`
    gradient : upstream gradient of the result, of its shape; needed unless it is a scalar
    nudge : also raise each scalar input by this much, and compare what the gradient predicts with
        what happens
    open : show the parts of blocks: True for all levels, a number for that many

    Returns
    -------
    Explanation : prints as text; ``.html()``, ``.json()``, ``.svg()``, ``.formula("x")``.

    Raises
    ------
    GradientError : nothing requires a gradient, the result is no scalar, or the graph was freed.
    DtypeError : no argument is a floating point number.

    >>> def f(x, y, z):
    ...     q = x + y
    ...     return q * z
    >>> print(explain(f, -2.0, 5.0, -4.0).formula("z"))
    df/dz = x + y
    """
    if isinstance(target, Tensor):
        if args or kwargs:
            raise TypeError(
                "explain(loss) takes no arguments for a tensor; explain(f, *args) runs a function"
            )
        graph, inputs = _from_tensor(target, sys._getframe(1))
    else:
        graph, inputs = _from_function(target, args, kwargs)
    if open is not False:
        graph = graph.open(None if open is True else open)
    seed = None
    if gradient is not None:
        wire = graph.outputs[0]
        seed = check_seed(Tensor(wire.spec, None, (), {}, False), gradient)
    account = keep_account(graph, inputs, seed)
    if nudge is not None:
        measure_nudges(account, inputs, nudge)
    return Explanation(account)


def _from_tensor(loss: Tensor, frame: Any) -> tuple[Graph, list[AnyArray]]:
    """Return the graph behind a tensor that exists; names are those in the caller's frame."""
    if not loss.requires_grad:
        raise GradientError(
            "explain() of a value that requires no gradient; make an input with clearprop.tensor(x)"
        )
    nodes, seen = [loss], {loss}
    for node in nodes:  # grows while it is walked
        if node.primitive is not None and node.primitive.name == "freed":
            raise GradientError(
                "explain() of a graph that backward() has freed: call explain first, or "
                "backward(retain_graph=True)"
            )
        for x in node.inputs:
            if isinstance(x, Tensor) and x not in seen:
                seen.add(x)
                nodes.append(x)
    raise_covered(seen)
    local_names = {**frame.f_globals, **frame.f_locals}
    arrays = {id(v): name for name, v in local_names.items() if isinstance(v, np.ndarray)}
    for name, value in local_names.items():
        if isinstance(value, Tensor) and value in seen and not name.startswith("_"):
            value.origin = value.origin or Origin()
            value.origin.rename(name, 1)
    leaves = [t for t in nodes if t.is_leaf and t.requires_grad]
    leaves.sort(key=lambda t: t.number)
    graph = build(_name_in(local_names, loss), leaves, [loss], arrays)
    return graph, [t.value for t in leaves]


def _name_in(names: dict[str, Any], loss: Tensor) -> str:
    return next((name for name, value in names.items() if value is loss), "loss")


def _from_function(
    f: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]
) -> tuple[Graph, list[AnyArray]]:
    if not callable(f):
        raise TypeError(f"explain takes a Tensor or a function, not a {type(f).__name__}")
    leaves, unflatten = flatten((tuple(args), kwargs))
    who = f"{function_name(f)} got"
    args, kwargs = unflatten([unchanging(argument(leaf, who)) for leaf in leaves])
    inputs = [value for _, value in named_inputs(f, args, kwargs)]
    values = [v.value if isinstance(v, Tensor) else np.asarray(v)[()] for v in inputs]
    if not any(is_floating(v.dtype) for v in values):
        raise DtypeError(
            f"explain({function_name(f)}, ...) got no floating point argument, so there is nothing to "
            f"differentiate: use 3.0 instead of 3"
        )
    return graph_at(f, args, kwargs), values
