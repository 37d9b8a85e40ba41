"""`while_loop`: steps as long as a condition holds."""

from __future__ import annotations

import operator
from collections.abc import Callable

from ..engine.array_types import AnyArray, Tree
from ..engine.arrays import argument
from ..engine.recorder import recorder_here
from ..engine.spec import shape_of, spec_of
from ..engine.tensor import apply
from ..errors import DtypeError, ShapeError
from ..graph.tracing import function_name
from ..ops.bundles import results_of
from ..transforms.trees import flatten
from .body import trace_body, united
from .carried import check_carry, settled, starting_values
from .while_operation import repetition
from .while_steps import limit_reached


def while_loop(
    cond_fun: Callable[[Tree], AnyArray],
    body_fun: Callable[[Tree], Tree],
    init_val: Tree,
    limit: int | None = None,
) -> Tree:
    """Do ``value = body_fun(value)`` while ``cond_fun(value)`` is true, and return the last value.

    In a trace, and so in `compile`, the loop is one node; anywhere else it is the plain Python loop that it
    looks like. Gradients go through it either way: compiled, the backward pass goes through the loop again
    and keeps what it needs, in memory that grows with the number of steps.

    Parameters
    ----------
    cond_fun : of the carried value; returns one truth value
    body_fun : of the carried value; returns it for the next step, with the same shapes and dtypes. Both
        functions may read other arrays and Tensors.
    init_val : what is carried at first: a number, an array or a container of such. A Python number takes the
        dtype that `body_fun` gives.
    limit : the most steps that it may take; None for any number

    Raises
    ------
    StepLimitError : the condition still holds after `limit` steps.
    ShapeError : `cond_fun` returns more than one value, or `body_fun` another structure, shape or dtype.
    DtypeError : `cond_fun` returns something else than a truth value.

    >>> import clearprop, numpy as np
    >>> def root(a):  # by Newton's method
    ...     def is_far(x):
    ...         return np.abs(x * x - a) > 1e-12 * a
    ...     return clearprop.while_loop(is_far, lambda x: 0.5 * (x + a / x), a, limit=100)
    >>> value, slope = clearprop.compile(clearprop.value_and_grad(root))(9.0)
    >>> print(round(value, 6), round(slope, 6))
    3.0 0.166667
    """
    if limit is not None:
        limit = operator.index(limit)
        if limit < 0:
            raise ShapeError(
                f"while_loop of {function_name(body_fun)} cannot go at most {limit} steps: the limit is "
                f"negative"
            )
    recorder = recorder_here()
    if recorder is not None and recorder.tracing and flatten(init_val)[0]:
        return _as_node(cond_fun, body_fun, init_val, limit)
    value, count = init_val, 0
    while _truth(cond_fun, cond_fun(value)):
        if count == limit:
            raise limit_reached(function_name(body_fun), count)
        before, value = value, body_fun(value)
        check_carry(body_fun, before, value)
        if not count and (start := settled(before, value)) is not None:
            value = body_fun(start)
            check_carry(body_fun, start, value)
        count += 1
    return value


def _truth(cond_fun: Callable[..., AnyArray], answer: AnyArray) -> AnyArray:
    """Return what a condition says, if that is one truth value."""
    who = f"{function_name(cond_fun)}, the condition of a while_loop,"
    answer = argument(answer, f"{who} returned")
    spec = spec_of(answer)
    if shape_of(answer) != ():
        raise ShapeError(
            f"{who} returned {spec} in place of one truth value: np.all(x) or np.any(x)"
        )
    if spec.dtype != bool:
        raise DtypeError(f"{who} returned {spec} in place of a truth value; compare it: x != 0")
    return answer


def _as_node(
    cond_fun: Callable[..., AnyArray],
    body_fun: Callable[..., Tree],
    init_val: Tree,
    limit: int | None,
) -> Tree:
    start = starting_values(
        "while_loop", body_fun, init_val, lambda carry: trace_body(body_fun, (carry,)).result
    )
    _, unflatten = flatten(init_val)
    specs = unflatten(list(map(spec_of, start)))
    asked, body = trace_body(cond_fun, (specs,)), trace_body(body_fun, (specs,))
    _truth(cond_fun, asked.result)
    check_carry(body_fun, unflatten(start), body.result)
    closed, (condition, step) = united([asked, body])
    params = {
        "condition": condition,
        "body": step,
        "closed": len(closed),
        "carried": len(start),
        "finals": tuple(range(len(start))),
        "limit": limit,
    }
    _, pack = flatten(body.result)
    return pack(results_of(apply(repetition, (*closed, *start), params)))
