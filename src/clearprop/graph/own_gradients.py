"""Calls of blocks that bring a gradient of their own: each is a primitive made on the spot.

Its inputs are the arrays in the arguments, in containers or alone; its output is an array, or a `Bundle` of
those in the container that the block returns. In the eager sweep, forward pass and rule get plain arrays.
Where somebody looks (a trace, an explanation, a second derivative), both are tried on Tensors first. What
refuses those is opaque: it has no body, and a trace runs it on the examples to learn what it returns.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter, methodcaller
from typing import Any

import numpy as np

from ..callsite import printable
from ..engine.array_types import AnyArray, Tree
from ..engine.arrays import as_array, is_array, numbers_of
from ..engine.arrays import result as as_result
from ..engine.backprop import conjugate
from ..engine.broadcasting import broadcast_shapes, shrink
from ..engine.bundle import Bundle, alone, as_bundle
from ..engine.forks import lazily
from ..engine.primitive import Call, Primitive, each, together
from ..engine.recorder import recorder_here
from ..engine.settings import switched, transforms, uncovered
from ..engine.spec import ArraySpec, is_floating, shape_of, spec_of
from ..engine.tensor import Tensor, apply
from ..errors import ClearpropError, GradientError, ShapeError, TraceError, UnsupportedError
from ..ops.bundles import results_of
from ..transforms.trees import Unflatten, flatten, paths
from ..transforms.wrapper import Wrapper
from .tracing import build, is_input, trace_parts


def _called(who: str, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """Call the author's code, and say whose it is that writes into an array which others hold, too.

    NumPy says only that the array is read-only.
    """
    try:
        return function(*args, **kwargs)
    except ValueError as error:
        if "read-only" not in str(error) or isinstance(error, ClearpropError):
            raise
        raise UnsupportedError(
            f"{who} writes into an array that it was given, which others hold, too. Write into a copy: "
            f"x = x.copy()"
        ) from error


@dataclass
class Rules:
    """A block's function and what its author says about its derivative."""

    block: Wrapper[..., Any]
    why: str
    gradient: Callable[..., Any]
    jvp: Callable[..., Any] | None = None

    @property
    def name(self) -> str:
        return printable(self.block.__name__)

    @property
    def function(self) -> Callable[..., Any]:
        return self.block.function

    def __reduce__(self) -> tuple[Any, ...]:
        return attrgetter("_rules"), (self.block,)

    def name_of(self, path: Sequence[Any]) -> str:
        """Return the name of an array among the arguments: ``x``, ``params['w']``."""
        position, *rest = path
        names = list(inspect.signature(self.function).parameters)
        argument = names[position] if position < len(names) else f"input {position}"
        return argument + "".join(f"[{key!r}]" for key in rest)


@dataclass(frozen=True, slots=True, eq=False)
class CallPrimitive(Primitive):
    """The operation that a call of such a block is, or that its gradient is."""

    application: Application = field(kw_only=True)


class Application:
    """One call of such a block with arguments some of which are Tensors."""

    def __init__(self, rules: Rules, args: tuple[Tree, ...], kwargs: dict[str, Any]) -> None:
        if any(isinstance(x, Tensor) for x in flatten(kwargs)[0]):
            raise UnsupportedError(
                f"block {rules.name} has its own gradient, so its differentiated inputs are positional: "
                f"pass the tensors themselves, not by keyword"
            )
        self.rules, self.args, self.kwargs = rules, args, kwargs
        self.all_leaves, self.unflatten_all = flatten(args)
        self.numbers = [i for i, x in enumerate(self.all_leaves) if is_input(x)]
        """Which of the leaves are inputs; the others (ints, strings) are fixed, as in a trace."""
        self.leaves = [self.all_leaves[i] for i in self.numbers]
        self.unflatten_result: Unflatten | None = None
        self.count = 0
        """How many arrays the result has."""
        self.known_specs: dict[tuple[ArraySpec, ...], Any] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle without the arrays, which only an example of a trace is made from."""
        example = self.unflatten([spec_of(x) for x in self.leaves])
        result = None
        if self.unflatten_result is not None:
            result = self.unflatten_result(range(self.count))
        return _again, (self.rules, example, self.kwargs, result, self.known_specs)

    @lazily
    def primitive(self) -> Primitive:
        name = self.rules.name
        return CallPrimitive(
            name,
            self.forward,
            self.spec,
            together(self.downstream),
            "scales" if len(self.leaves) == 1 else "mixes",
            self.rules.why,
            Call(name),
            function=self.parts,
            found_by=lambda: (attrgetter("primitive"), (self,)),
            application=self,
        )

    def result(self) -> Tree:
        """Return what the block returns, with Tensors for arrays."""
        return self.packed(apply(self.primitive, tuple(self.leaves), self.kwargs))

    def packed(self, made: AnyArray | Bundle) -> Tree:
        """Return the primitive's result in the container that the block returns."""
        assert self.unflatten_result is not None
        return self.unflatten_result(results_of(made))

    def unflatten(self, inputs: Sequence[AnyArray]) -> tuple[Tree, ...]:
        """Return the arguments with these inputs in their places."""
        filled = list(self.all_leaves)
        for i, x in zip(self.numbers, inputs, strict=True):
            filled[i] = x
        return self.unflatten_all(filled)

    @property
    def is_by_position(self) -> bool:
        """True if it can be written as a call with an array for each argument, which gives one array."""
        inputs = list(range(len(self.args)))
        alone = all(x is leaf for x, leaf in zip(self.args, self.all_leaves, strict=False))
        return self.count == 1 and self.numbers == inputs and alone

    # ---- forward

    def forward(self, *leaves: AnyArray, **kwargs: Any) -> AnyArray | Bundle:
        who = f"block {self.rules.name}"
        return self.bundled(_called(who, self.rules.function, *self.unflatten(leaves), **kwargs))

    def bundled(self, result: Tree) -> AnyArray | Bundle:
        """Return the arrays of a result: one alone, several as a bundle."""
        found, self.unflatten_result = flatten(result)
        self.count = len(found)
        found = [as_result(y, f"block {self.rules.name} returned") for y in found]
        for y in found:
            if not is_array(y) and not isinstance(y, float | int | complex):
                raise UnsupportedError(
                    f"block {self.rules.name} has its own gradient, so it must return arrays, or containers "
                    f"of them, not a {type(y).__name__}"
                )
        arrays = [as_array(y) for y in found]
        return arrays[0] if len(arrays) == 1 else Bundle(arrays)

    def spec(self, *inputs: AnyArray, **kwargs: Any) -> AnyArray | Bundle:
        given = tuple(map(spec_of, inputs))
        if given not in self.known_specs:
            try:
                made = trace_parts(self.rules.name, self.parts, given, kwargs)
                specs = [w.spec for w in made.outputs]
            except Exception:  # whatever it does with unknown values: it has to be run
                specs = [spec_of(y) for y in as_bundle(self.forward(*self.examples(), **kwargs))]
            self.known_specs[given] = alone(specs)
        return self.known_specs[given]

    def parts(self, *inputs: AnyArray, **kwargs: Any) -> Tree:
        """Return the function, of the inputs alone: what can be traced to see into the block."""
        result = self.bundled(self.rules.function(*self.unflatten(inputs), **kwargs))
        return tuple(result) if isinstance(result, Bundle) else result

    def examples(self) -> list[AnyArray]:
        """Return the inputs as they are at the arguments that a trace got as examples."""
        try:
            return [example_of(x) for x in self.leaves]
        except TraceError:
            raise TraceError(
                f"block {self.rules.name} computes with what cannot be traced, so the shape of its result is "
                f"found by running it on the examples. Trace with arrays as examples, not with ArraySpecs."
            ) from None

    # ---- backward

    def downstream(
        self, g: AnyArray, out: AnyArray, *leaves: AnyArray, **kwargs: Any
    ) -> tuple[AnyArray, ...]:
        """Return the vjp rule: one gradient for each leaf."""
        values = [*results_of(g), *results_of(out), *leaves]
        if not any(isinstance(x, Tensor) for x in values):
            return self.rule(g, out, *leaves, **kwargs)
        if self.rules.jvp is None:
            try:  # a number taken from a Tensor would lose its gradient, so this counts as a transform
                with switched(transforms, transforms.get() + 1), uncovered():
                    return self.rule(g, out, *leaves, **kwargs)
            except (GradientError, ShapeError):
                raise
            except Exception:  # it computes with what cannot be looked into
                pass
        return self.opaque_downstream(g, out, leaves, kwargs)

    def rule(
        self, g: AnyArray, out: AnyArray, *leaves: AnyArray, **kwargs: Any
    ) -> tuple[AnyArray, ...]:
        """Return what the author's rule gives for each leaf, checked; gradients as the sweep has them."""
        assert self.unflatten_result is not None
        results = results_of(out)
        upstream = [
            np.zeros(y.shape, y.dtype)[()] if gy is None else conjugate(gy)
            for gy, y in zip(results_of(g), results, strict=True)
        ]
        given = _called(
            f"the gradient of block {self.rules.name}",
            self.rules.gradient,
            self.unflatten_result(upstream),
            self.unflatten_result(results),
            *self.unflatten(leaves),
            **kwargs,
        )
        inputs = len(self.args)
        if not isinstance(given, tuple) or (inputs == 1 and isinstance(self.args[0], tuple)):
            given = (given,)
        if len(given) != inputs:
            raise GradientError(
                f"the gradient of block {self.rules.name} returned {len(given)} "
                f"value{'s' * (len(given) != 1)} for {inputs} inputs; return one for each"
            )
        return tuple(map(self.checked, self.by_leaf(given), self.places, leaves))

    @cached_property
    def places(self) -> list[tuple[Any, ...]]:
        """The place of each input: the position of its argument, and the keys within it."""
        found = paths(self.args)
        return [found[i] for i in self.numbers]

    def by_leaf(self, given: tuple[Tree, ...]) -> list[AnyArray]:
        """Return the gradients, one for each input; None for an argument counts for all that is in it."""
        try:
            return [_at(given, path) for path in self.places]
        except (LookupError, TypeError, AttributeError):
            raise GradientError(
                f"the gradient of block {self.rules.name} returned {_kinds(given)} for arguments "
                f"{_kinds(self.args)}; return gradients in containers like those of the arguments"
            ) from None

    def checked(self, part: AnyArray, path: tuple[Any, ...], x: AnyArray) -> AnyArray:
        if part is None:
            return None
        part = as_array(numbers_of(part, f"the gradient of block {self.rules.name} is"))
        try:
            broadcast_shapes(part.shape, shape_of(x))
        except ValueError:
            name = self.rules.name_of(path)
            raise ShapeError(
                f"the gradient of block {self.rules.name} for {name} has shape {part.shape}, but "
                f"{name} has shape {shape_of(x)}; return one of that shape"
            ) from None
        return conjugate(part)

    # ---- backward, where nobody can look into the rule

    def opaque_downstream(
        self, g: AnyArray, out: AnyArray, leaves: tuple[AnyArray, ...], kwargs: dict[str, Any]
    ) -> tuple[AnyArray, ...]:
        """Return the rule as a primitive of its own: of upstream gradients, results and inputs."""
        results = results_of(out)
        upstream = [
            np.zeros(y.shape, y.dtype)[()] if gy is None else gy
            for gy, y in zip(results_of(g), results, strict=True)
        ]
        wanted = [i for i, x in enumerate(leaves) if is_floating(spec_of(x).dtype)]
        primitive = self.opaque_gradient(tuple(wanted))
        made = apply(primitive, (*upstream, *results, *leaves), kwargs)
        found = dict(zip(wanted, results_of(made), strict=True))
        return tuple(found.get(i) for i in range(len(leaves)))

    def opaque_gradient(self, wanted: tuple[int, ...]) -> Primitive:
        """Return the rule as one operation, which gives the gradients of these inputs."""
        count = self.count

        def split(values: Sequence[AnyArray]) -> tuple[AnyArray, AnyArray, Sequence[AnyArray]]:
            one = (lambda part: part[0]) if count == 1 else Bundle
            return one(values[:count]), one(values[count : 2 * count]), values[2 * count :]

        def forward(*values: AnyArray, **keywords: Any) -> AnyArray | Bundle:
            g, out, inputs = split([as_array(x) for x in values])
            parts = self.rule(g, out, *inputs, **keywords)
            return alone(
                [
                    np.zeros_like(inputs[i])[()]
                    if parts[i] is None
                    else np.broadcast_to(shrink(parts[i], inputs[i]), inputs[i].shape)[()]
                    for i in wanted
                ]
            )

        def spec(*values: AnyArray, **keywords: Any) -> AnyArray | Bundle:
            return alone([spec_of(values[2 * count + i]) for i in wanted])

        def vjp(
            position: int, steps: AnyArray, made: AnyArray, *values: AnyArray, **keywords: Any
        ) -> AnyArray:
            if position >= count:
                raise UnsupportedError(
                    f"the gradient of block {self.rules.name} computes with what has no gradient here, so "
                    f"there are no second derivatives; write it with NumPy functions that Clearprop answers"
                )
            return self.forward_step(steps, split(values), wanted, keywords)[position]

        return CallPrimitive(
            f"{self.rules.name}_gradient",
            forward,
            spec,
            each(vjp),
            "mixes",
            f"The gradient that block {self.rules.name} brings along.",
            Call(f"{self.rules.name}_gradient"),
            found_by=lambda: (methodcaller("opaque_gradient", wanted), (self,)),
            application=self,
        )

    def forward_step(
        self,
        steps: AnyArray,
        values: tuple[AnyArray, AnyArray, Sequence[AnyArray]],
        wanted: Sequence[int],
        kwargs: dict[str, Any],
    ) -> list[AnyArray]:
        """Return the step of each result, for steps of the inputs: the derivative of the rule by its
        upstream.
        """
        _, out, inputs = values
        name = self.rules.name
        if self.rules.jvp is None:
            raise UnsupportedError(
                f"the gradient of block {name} computes with what has no gradient here, so the derivative "
                f"forward does not follow from it; give the block one with @{name}.jvp"
            )
        assert self.unflatten_result is not None
        given = dict(zip(wanted, results_of(steps), strict=True))
        zeros = [np.zeros_like(x)[()] for x in inputs]
        tangents = self.unflatten(
            [zero if given.get(i) is None else given[i] for i, zero in enumerate(zeros)]
        )
        results = results_of(out)
        step = _called(
            f"the jvp of block {name}",
            self.rules.jvp,
            tangents[0] if len(tangents) == 1 else tangents,
            self.unflatten_result(results),
            *self.unflatten(inputs),
            **kwargs,
        )
        found = [np.asarray(x)[()] for x in flatten(step)[0]]
        shapes = [x.shape for x in found], [shape_of(y) for y in results]
        if shapes[0] != shapes[1]:
            raise ShapeError(
                f"the jvp of block {name} returned shapes {shapes[0]} for results of shapes {shapes[1]}; "
                f"return one step for each, of its shape"
            )
        return found


def _again(
    rules: Rules,
    args: tuple[Tree, ...],
    kwargs: dict[str, Any],
    result: Tree,
    known_specs: dict[tuple[ArraySpec, ...], Any],
) -> Application:
    made = Application(rules, args, kwargs)
    found, made.unflatten_result = flatten(result)
    made.count, made.known_specs = len(found), known_specs
    return made


def example_of(x: AnyArray) -> AnyArray:
    """Return the value of something within a trace, at the arguments that the trace got as examples.

    Raises TraceError where one of those that it was made from is an `ArraySpec`.
    """
    if not isinstance(x, Tensor):
        return x
    if x.is_known:
        return x.value
    recorder = recorder_here()
    assert recorder is not None
    examples = recorder.examples
    if x not in examples:
        graph = build("example", list(examples), [x])
        examples[x] = graph.evaluate(*examples.values())
    return examples[x]


def application_of(primitive: Primitive) -> Application | None:
    """Return the call of a block that a primitive, or a gradient, stands for; None of any other primitive."""
    return primitive.application if isinstance(primitive, CallPrimitive) else None


def _at(tree: Tree, path: Sequence[Any]) -> Tree:
    """Return what stands in a container at a path; None where the way there ends with None."""
    for key in path:
        if tree is None:
            return None
        tree = getattr(tree, key) if isinstance(key, str) and hasattr(tree, key) else tree[key]
    return tree


def _kinds(things: Sequence[Any]) -> str:
    return ", ".join(type(x).__name__ for x in things)
