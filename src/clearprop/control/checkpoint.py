"""`checkpoint`: a function whose inner values are not kept for the backward pass, but computed again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ParamSpec, TypeVar

import numpy as np

from ..engine.array_types import AnyArray, Tree
from ..engine.arrays import argument, is_array
from ..engine.backprop import reach, sweep
from ..engine.bundle import alone
from ..engine.in_place import next_number
from ..engine.primitive import Call, Primitive, primitives, together
from ..engine.recorder import recorder_here
from ..engine.settings import recomputes
from ..engine.spec import spec_of
from ..engine.tensor import Tensor, apply
from ..errors import GradientError
from ..graph.tracing import function_name
from ..ops.bundles import results_of
from ..transforms.trees import Unflatten, flatten
from ..transforms.wrapper import Wrapper
from .body import closed_over, trace_body
from .loop import loop

P = ParamSpec("P")
R = TypeVar("R")


class Checkpointed(Wrapper[P, R]):
    """A function that is computed a second time in the backward pass; see `checkpoint`."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        f: Callable[..., R] = partial(self.function, **kwargs) if kwargs else self.function
        recorder = recorder_here()
        if recorder is not None and recorder.tracing:
            return _as_node(f, args) if recomputes.get() else f(*args)
        return _Rerun(f, args).result()

    def __repr__(self) -> str:
        return f"<checkpoint of {self.__name__}>"

    def made_by(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return checkpoint, (self.function,)


def checkpoint(f: Callable[P, R]) -> Callable[P, R]:
    """Return the same function, which keeps only its arguments for the backward pass and runs again there.

    It takes less memory for up to twice the time forwards, as `jax.checkpoint` and PyTorch's
    ``checkpoint`` do. What `f` reads besides its arguments gets gradients, too. `f` must compute the same
    when it runs again.

    Raises
    ------
    GradientError : in the backward pass, where a Tensor that `f` reads was changed in place meanwhile.

    >>> import clearprop, numpy as np
    >>> f = checkpoint(lambda x: np.sum(np.sin(x) ** 2))
    >>> clearprop.grad(f)(np.array([0.0, np.pi / 4]))
    array([0., 1.])
    """
    return Checkpointed(f)


def _as_node(f: Callable[..., Tree], args: Sequence[Tree]) -> Tree:
    """Return a loop of one step, whose backward pass keeps none of its values."""
    leaves, unflatten = flatten(tuple(args))
    arrays = [i for i, x in enumerate(leaves) if is_array(x)]
    specs = list(leaves)
    for i in arrays:
        specs[i] = spec_of(leaves[i])
    body = trace_body(f, unflatten(specs))
    outputs, pack = flatten(body.result)
    if not outputs:
        return body.result
    inputs = (*body.closed, *(leaves[i] for i in arrays))
    params = {
        "body": body.graph,
        "closed": len(inputs),
        "carried": 0,
        "finals": (),
        "length": 1,
        "reverse": False,
        "recompute": True,
    }
    return pack([y[0] for y in results_of(apply(loop, inputs, params))])


class _Rerun:
    """A call with Tensors that have values: one operation, whose rule runs the function again."""

    def __init__(self, f: Callable[..., Tree], args: Sequence[Tree]) -> None:
        self.f = f
        self.leaves, self.unflatten = flatten(tuple(args))
        self.places = [i for i, x in enumerate(self.leaves) if isinstance(x, Tensor)]
        self.numbers: list[int] = []
        """Of what the function reads besides its arguments, as it was when it was read."""
        self.closed: tuple[Tensor, ...] = ()

    def result(self) -> Tree:
        since = next_number()
        variables = [primitives.copy(self.leaves[i]) for i in self.places]
        result = self.run(variables)
        outputs, pack = flatten(result)
        found = closed_over(outputs, set(variables), since)
        self.closed = tuple(t for t in found if t.requires_grad)
        if not any(isinstance(y, Tensor) and y.requires_grad for y in outputs):
            return result
        self.numbers = [t.number for t in self.closed]
        return self.packed(outputs, pack)

    def run(self, variables: Sequence[AnyArray]) -> AnyArray:
        leaves = list(self.leaves)
        for i, x in zip(self.places, variables, strict=True):
            leaves[i] = x
        return self.f(*self.unflatten(leaves))

    def packed(self, outputs: Sequence[AnyArray], pack: Unflatten) -> Tree:
        """Return the results as those of one operation, which forgets how they were made."""
        name = function_name(self.f)
        values = alone([_value(y, f"checkpoint of {name} returned") for y in outputs])
        primitive = Primitive(
            name,
            lambda *inputs: values,
            lambda *inputs: values,
            together(self.rule),
            "mixes",
            "Its values are not kept: the backward pass computes them again.",
            Call(name),
        )
        inputs = (*self.closed, *(self.leaves[i] for i in self.places))
        return pack(results_of(apply(primitive, inputs)))

    def rule(self, g: AnyArray, out: AnyArray, *inputs: AnyArray) -> tuple[AnyArray, ...]:
        """Run the function again and sweep back through it."""
        if [t.number for t in self.closed] != self.numbers:
            raise GradientError(
                f"{function_name(self.f)} is a checkpoint: it runs again in the backward pass, but a tensor "
                f"that it reads was changed in place since. Call backward() before the change, or pass the "
                f"tensor as an argument."
            )
        upstream = results_of(g)
        given = inputs[len(self.closed) :]
        watched = any(isinstance(x, Tensor) for x in (*upstream, *inputs))
        variables = [
            primitives.copy(x) if isinstance(x, Tensor) else Tensor(x, None, (), {}, True)
            for x in given
        ]
        outputs = flatten(self.run(variables))[0]
        pairs = [
            (y, gy)
            for y, gy in zip(outputs, upstream, strict=True)
            if gy is not None and isinstance(y, Tensor) and y.requires_grad
        ]
        wanted = (*self.closed, *variables)
        span = reach([y for y, _ in pairs], wanted)
        seeds = [gy for _, gy in pairs]
        found = sweep(span, [y for y, _ in pairs], seeds, create_graph=watched)
        return tuple(found.get(t) for t in wanted)


def _value(y: AnyArray, who: str) -> AnyArray:
    return y.value if isinstance(y, Tensor) else np.asarray(argument(y, who))[()]
