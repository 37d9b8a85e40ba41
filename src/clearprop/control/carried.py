"""What a loop carries from step to step: it keeps its structure, shapes and dtypes."""

from __future__ import annotations

from collections.abc import Callable

from ..engine.array_types import AnyArray, Tree
from ..engine.arrays import argument, is_array
from ..engine.spec import ArraySpec, spec_of
from ..errors import ShapeError
from ..graph.tracing import function_name
from ..transforms.trees import flatten, paths, structure


def is_weak(x: AnyArray) -> bool:
    """Return whether it is a Python number that takes the dtype of what it meets."""
    return isinstance(x, int | float | complex) and not is_array(x) and type(x) is not bool


def starting_values(
    who: str, f: Callable[..., Tree], init: Tree, step: Callable[[Tree], Tree]
) -> list[AnyArray]:
    """Return the leaves of what is carried at first, in the dtypes that they have in the loop.

    A Python number takes the dtype that the step gives: `step` says what the carried value becomes, given
    specs, and such numbers as they are.
    """
    leaves, unflatten = flatten(init)
    leaves = [argument(x, f"{who} of {function_name(f)} got") for x in leaves]
    if any(map(is_weak, leaves)):
        after = step(unflatten([x if is_weak(x) else spec_of(x) for x in leaves]))
        check_carry(f, init, after)
        specs = [spec_of(y) for y in flatten(after)[0]]
        leaves = [y.dtype.type(x) if is_weak(x) else x for x, y in zip(leaves, specs, strict=True)]
    return leaves


def settled(before: Tree, after: Tree) -> Tree:
    """Return what is carried at first, with numbers of NumPy's for those of Python's that are such after a
    step, too; None where there are none.

    A loop in a trace carries arrays, which do not give way to float32. So a plain loop does, too.
    """
    leaves, unflatten = flatten(before)
    made = flatten(after)[0]
    stays = [is_weak(x) and is_weak(y) for x, y in zip(leaves, made, strict=True)]
    if not any(stays):
        return None
    return unflatten(
        [
            spec_of(y).dtype.type(x) if weak else x
            for x, y, weak in zip(leaves, made, stays, strict=True)
        ]
    )


def check_carry(f: Callable[..., Tree], before: Tree, after: Tree) -> None:
    """Raise ShapeError unless a step returns what is carried as it got it; a Python number may have become
    an array's entry.
    """
    if structure(before) != structure(after):
        raise ShapeError(
            f"{function_name(f)} got the carried value as {described(before)} and returned it as "
            f"{described(after)}; it must stay the same from step to step"
        )
    for path, x, y in zip(paths(before), flatten(before)[0], flatten(after)[0], strict=True):
        old, new = spec_of(x), spec_of(y)
        if old.shape != new.shape or (old.dtype != new.dtype and not is_weak(x)):
            name = "the carried value" + "".join(f"[{key!r}]" for key in path)
            raise ShapeError(
                f"{function_name(f)} got {name} as {old} and returned it as {new}; it must stay the same "
                f"from step to step. {_advice(old, new)}"
            )


def described(tree: Tree) -> str:
    """Return a container with shapes and dtypes in the places of arrays, in print."""
    leaves, unflatten = flatten(tree)
    return str(unflatten([str(spec_of(x)) for x in leaves])).replace("'", "")


def _advice(old: ArraySpec, new: ArraySpec) -> str:
    if old.shape == new.shape:
        return f"Convert it: start from a value of dtype {new.dtype}, or return y.astype({str(old.dtype)!r})."
    return (
        f"Start from an array of shape {new.shape}, or reduce it to shape {old.shape} in each step."
    )
