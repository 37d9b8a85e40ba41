"""What is to be written: a function's arguments and results as the caller knows them, traced at examples."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.arrays import argument as as_argument
from ..engine.arrays import as_array, numbers_of
from ..engine.backprop import WHY_REAL
from ..engine.spec import is_floating
from ..errors import ClearpropError, DtypeError, GradientError
from ..graph.captured import watched
from ..graph.graph import Graph, Wire
from ..graph.tracing import function_name, in_order, is_input, trace
from ..transforms.trees import flatten, paths
from .spelling import Spelling

Place = tuple[Any, ...]
"""Where a leaf or an argument stands: (0, position, ...) or (1, keyword, ...)."""


@dataclass(frozen=True, eq=False)
class Problem:
    """One function at example arguments. Nothing in it changes once it is made, by `problem_of`."""

    f: Callable[..., Any]
    title: str
    """The function's name, where it has one."""
    name: str
    """What the code calls the function that it defines."""
    gradient_names: str
    spelling: Spelling
    tree: tuple[tuple[Any, ...], dict[str, Any]]
    """The arguments, by position and by keyword."""
    leaves: list[Any]
    places: list[Place]
    """Where each leaf stands."""
    unflatten: Callable[[Sequence[Any]], Any]
    called: dict[Place, str]
    """What the user calls each argument, by where it stands."""
    written: dict[Place, str]
    """And what the code calls it."""
    forward: Graph
    wire_at: dict[int, Wire]
    """The graph's input for each leaf that is one, by the leaf's number."""
    wanted: list[int]
    """The leaves whose gradients are wanted, by number."""
    upstream: bool
    """Whether upstream gradients are arguments."""
    seeds: list[Any]
    """Examples of those."""

    @property
    def seeded(self) -> list[int]:
        """The outputs that gradients are of, by number: all of them."""
        return list(range(len(self.forward.outputs)))

    @property
    def positions(self) -> list[int]:
        """The graph's inputs whose gradients are wanted, by number."""
        return [list(self.wire_at).index(i) for i in self.wanted]

    def input_wires(self) -> list[Wire]:
        """Return the inputs themselves."""
        return [self.wire_at[i] for i in self.wanted]

    def title_of(self, leaf: int) -> str:
        """Return the name of a leaf that is fixed."""
        place = self.places[leaf]
        return "_".join(map(str, (self.called[place[:2]], *place[2:])))

    # ---- the arguments of the code, as an array library takes them

    def read(self) -> list[Place]:
        """Return where the arguments stand that hold arrays or floats, in the order of the arguments."""
        found = {self.places[i][:2] for i in self.wire_at}
        return [place for place in self.written if place in found]

    @property
    def arguments(self) -> list[str]:
        """The names of the arguments, without those that are fixed."""
        return [self.written[place] for place in self.read()]

    def passed(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
        """Return the arguments that the generated function takes."""
        return [(args, kwargs)[kind][key] for kind, key in self.read()]

    @property
    def differentiated(self) -> list[str]:
        """The names of the arguments that have gradients, in the order in which these are returned."""
        wanted = {self.places[i][:2] for i in self.wanted}
        return [name for place, name in self.written.items() if place in wanted]

    # ---- how exact its numbers can be

    def rounding(self, terms: float) -> float:
        """Return what may be left where terms of this size cancel."""
        return 1e3 * max(float(np.finfo(dtype).eps) for dtype in self._dtypes()) * terms

    @property
    def tolerance(self) -> float:
        """The largest error allowed, relative to the largest entry."""
        return max(map(tolerance, self._dtypes()))

    def _dtypes(self) -> set[Any]:
        """Return the dtypes of the floating numbers of the forward pass."""
        return {w.spec.dtype for w in self.forward.wires() if is_floating(w.spec.dtype)}


def tolerance(dtype: Any) -> float:
    """Return the largest error that numbers of this dtype may have, relative to the largest."""
    return float(np.finfo(dtype).eps) ** 0.6 if is_floating(dtype) else 0.0


def problem_of(
    f: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    spelling: Spelling,
    *,
    argnums: Any = None,
    gradient: Any = None,
    gradient_names: str = "d{}",
) -> Problem:
    """Trace a function for a target that spells like this. Options and errors are those of `source`."""
    if not re.fullmatch(r"\w*\{\}\w*", gradient_names) or gradient_names[0].isdigit():
        raise ClearpropError(
            f"gradient_names={gradient_names!r} makes no names; write {{}} for the value, as in 'd{{}}' "
            f"or 'grad_{{}}'"
        )
    title = function_name(f) if function_name(f).isidentifier() else "function"
    positional, keywords = in_order(f, args, kwargs)
    tree = (tuple(positional), dict(keywords))
    flat, unflatten = flatten(tree)
    leaves = [as_argument(x, f"{title} got") for x in flat]
    places = paths(tree)
    called = argument_names(f, *tree)
    with watched(f, leaves, "generated code", refuse=True):
        forward: Graph = trace(f, *args, **kwargs).open()
    written = unique(map(spelling.parameter, called.values()))  # wings add words while f runs
    inputs = [i for i, leaf in enumerate(leaves) if is_input(leaf)]
    wire_at = dict(zip(inputs, forward.inputs, strict=True))
    chosen = _chosen(title, called, len(tree[0]), argnums)
    wanted = _wanted(title, wire_at, places, chosen, is_named=argnums is not None)
    seeds = _seeds(title, forward, gradient)
    return Problem(
        f=f,
        title=title,
        name=spelling.identifier(f"{title}_and_grad"),
        gradient_names=gradient_names,
        spelling=spelling,
        tree=tree,
        leaves=leaves,
        places=places,
        unflatten=unflatten,
        called=called,
        written=dict(zip(called, written, strict=True)),
        forward=forward,
        wire_at=wire_at,
        wanted=wanted,
        upstream=gradient is not None,
        seeds=seeds,
    )


# ---- what is asked for


def _chosen(title: str, called: Mapping[Place, str], count: int, argnums: Any) -> set[Place]:
    """Return where the arguments stand that `argnums` names; all of them if it is None."""
    if argnums is None:
        return set(called)
    names = list(called.values())
    chosen: set[Place] = set()
    for which in argnums if isinstance(argnums, list | tuple) else (argnums,):
        if isinstance(which, str) and which in names:
            chosen.add(list(called)[names.index(which)])
        elif isinstance(which, int) and -count <= which < count:
            chosen.add((0, which % count))
        else:
            raise ClearpropError(
                f"argnums={argnums!r}: {title} has no argument {which!r}; it has {', '.join(names)}"
            )
    return chosen


def _wanted(
    title: str,
    wire_at: Mapping[int, Wire],
    places: Sequence[Place],
    chosen: set[Place],
    *,
    is_named: bool,
) -> list[int]:
    """Return the leaves of chosen arguments that have gradients; whole numbers may not be asked for by
    name.
    """
    wanted = []
    for i, wire in wire_at.items():
        if places[i][:2] not in chosen:
            continue
        if is_floating(wire.spec.dtype):
            wanted.append(i)
        elif is_named and len(places[i]) == 2:
            raise DtypeError(
                f"the argument {wire.name} of {title} is {wire.spec.dtype}, which has no gradient; "
                f"leave it out of argnums, or pass {wire.name} as floats"
            )
    if not wanted:
        raise DtypeError(
            f"no argument of {title} holds floating numbers, so there is no gradient; pass 3.0 "
            f"instead of 3, and arrays of floats"
        )
    return wanted


def _seeds(title: str, forward: Graph, gradient: Any) -> list[Any]:
    """Return the examples of upstream gradients, one for each output; none where the one output is a
    number.
    """
    outputs = forward.outputs
    if gradient is not None:
        seeds = [as_array(numbers_of(s, "gradient= is")) for s in flatten(gradient)[0]]
        if [s.shape for s in seeds] != [w.spec.shape for w in outputs]:
            raise GradientError(
                f"gradient= has the shapes {[s.shape for s in seeds]}, but {title} "
                f"returned {[w.spec.shape for w in outputs]}"
            )
        return seeds
    if len(outputs) != 1 or outputs[0].spec.shape != ():
        what = f"shape {outputs[0].spec.shape}" if len(outputs) == 1 else f"{len(outputs)} arrays"
        raise GradientError(
            f"source writes the gradient of one number, but {title} returned {what}. Return "
            f"the loss (.sum(), .mean()), or give gradient=, an upstream gradient of the output's "
            f"shape: the generated function then takes it as its last argument."
        )
    if outputs[0].is_constant:
        raise GradientError(
            f"what {title} returned depends on none of its arguments, so its gradient is zero"
        )
    if outputs[0].spec.dtype.kind == "c":
        raise GradientError(WHY_REAL.format(f"the gradient of {title}"))
    if not is_floating(outputs[0].spec.dtype):
        raise GradientError(f"{title} returned {outputs[0].spec.dtype}, which has no gradient")
    return []


def unique(names: Iterable[str]) -> list[str]:
    """Return names with a number where one came before."""
    found: dict[str, None] = {}
    for name in names:
        free, i = name, 2
        while free in found:
            free, i = f"{name}_{i}", i + 1
        found[free] = None
    return list(found)


def argument_names(
    f: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> dict[Place, str]:
    """Return the name of each argument, by where it stands: (0, position) or (1, keyword)."""
    try:
        positions = list(inspect.signature(f).bind_partial(*args).arguments)
        if len(positions) < len(args):
            star = positions.pop()
            positions += [f"{star}{i}" for i in range(len(args) - len(positions))]
    except (TypeError, ValueError):
        positions = [f"x{i}" for i in range(len(args))]
    found: dict[Place, str] = {(0, i): name for i, name in enumerate(positions)}
    found.update({(1, key): key for key in kwargs})
    return found
