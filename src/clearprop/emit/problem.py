"""What is to be written: a function's arguments and results as the caller knows them, and its derivation."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np

from ..arrays import argument as as_argument
from ..arrays import as_array, numbers_of
from ..backprop import WHY_REAL
from ..errors import ClearpropError, DtypeError, GradientError
from ..graph import Graph, Node, Wire
from ..own_gradients import application_of
from ..passes.backward import Joint
from ..passes.person.spelled import spelled
from ..spec import is_floating
from ..surroundings import watched
from ..tracing import function_name, in_order, is_input, trace
from ..trees import flatten, paths
from .containers import dicts, made, order, packed, parts, reached
from .forms.helpers import EXACT, HELPERS
from .languages import Language
from .names import Names
from .program import Program
from .spelling import Spelling
from .statements import Author


class Problem:
    """One function at example arguments, traced."""

    def __init__(
        self,
        f: Callable[..., Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        *,
        argnums: Any,
        gradient: Any,
        gradient_names: str,
        spelling: Spelling,
    ) -> None:
        if not re.fullmatch(r"\w*\{\}\w*", gradient_names) or gradient_names[0].isdigit():
            raise ClearpropError(
                f"gradient_names={gradient_names!r} makes no names; write {{}} for the value, as in 'd{{}}' "
                f"or 'grad_{{}}'"
            )
        self.f = f
        self.gradient_names = gradient_names
        self.spelling = spelling
        self.title = function_name(f) if function_name(f).isidentifier() else "function"
        self.name = spelling.identifier(f"{self.title}_and_grad")
        self.args, self.kwargs = in_order(f, args, kwargs)
        self.tree = (tuple(self.args), dict(self.kwargs))
        leaves, self.unflatten = flatten(self.tree)
        self.leaves = [as_argument(x, f"{self.title} got") for x in leaves]
        self.places = paths(self.tree)
        self._arguments = argument_names(f, self.args, self.kwargs)
        """What the user calls each argument, by where it stands."""
        written = unique(map(spelling.parameter, self._arguments.values()))
        self._written = dict(zip(self._arguments, written, strict=True))
        """And what the code calls it."""
        with watched(f, self.leaves, "generated code", refuse=True):
            self.forward: Graph = trace(f, *args, **kwargs).open()
        inputs = [i for i, leaf in enumerate(self.leaves) if is_input(leaf)]
        self.wire_at = dict(zip(inputs, self.forward.inputs, strict=True))
        self.wanted = self._wanted(argnums)
        self.upstream = gradient is not None
        self.seeded, self.seeds = self._seeds(gradient)
        self.joint: Joint | None = None

    @property
    def blocks(self) -> dict[str, Callable[..., Any]]:
        """The user's blocks, and gradients of them, that NumPy code calls by name, each with its function."""
        assert self.joint is not None
        called = [node.primitive for node in self.joint.graph.nodes]
        return {p.name: p for p in called if application_of(p) is not None}

    # ---- what is asked for

    def _wanted(self, argnums: Any) -> list[int]:
        """The leaves whose gradients are wanted, by number."""
        names = list(self._arguments.values())
        chosen = set(self._arguments)
        if argnums is not None:
            given = argnums if isinstance(argnums, list | tuple) else (argnums,)
            chosen = set()
            for which in given:
                if isinstance(which, str) and which in names:
                    chosen.add(list(self._arguments)[names.index(which)])
                elif isinstance(which, int) and -len(self.args) <= which < len(self.args):
                    chosen.add((0, which % len(self.args)))
                else:
                    raise ClearpropError(
                        f"argnums={argnums!r}: {self.title} has no argument {which!r}; it has "
                        f"{', '.join(names)}"
                    )
        wanted = []
        for i, wire in self.wire_at.items():
            if self.places[i][:2] not in chosen:
                continue
            if is_floating(wire.spec.dtype):
                wanted.append(i)
            elif argnums is not None and len(self.places[i]) == 2:
                raise DtypeError(
                    f"the argument {wire.name} of {self.title} is {wire.spec.dtype}, which has no gradient; "
                    f"leave it out of argnums, or pass {wire.name} as floats"
                )
        if not wanted:
            raise DtypeError(
                f"no argument of {self.title} holds floating numbers, so there is no gradient; pass 3.0 "
                f"instead of 3, and arrays of floats"
            )
        return wanted

    def _seeds(self, gradient: Any) -> tuple[list[int], list[Any]]:
        """The outputs that get an upstream gradient, and the examples of those."""
        outputs = self.forward.outputs
        if gradient is None:
            if len(outputs) != 1 or outputs[0].spec.shape != ():
                what = (
                    f"shape {outputs[0].spec.shape}"
                    if len(outputs) == 1
                    else f"{len(outputs)} arrays"
                )
                raise GradientError(
                    f"source writes the gradient of one number, but {self.title} returned {what}. Return "
                    f"the loss (.sum(), .mean()), or give gradient=, an upstream gradient of the output's "
                    f"shape: the generated function then takes it as its last argument."
                )
            if outputs[0].is_constant:
                raise GradientError(
                    f"what {self.title} returned depends on none of its arguments, so its gradient is zero"
                )
            if outputs[0].spec.dtype.kind == "c":
                raise GradientError(WHY_REAL.format(f"the gradient of {self.title}"))
            if not is_floating(outputs[0].spec.dtype):
                raise GradientError(
                    f"{self.title} returned {outputs[0].spec.dtype}, which has no gradient"
                )
            return [0], []
        seeds = [as_array(numbers_of(s, "gradient= is")) for s in flatten(gradient)[0]]
        if [s.shape for s in seeds] != [w.spec.shape for w in outputs]:
            raise GradientError(
                f"gradient= has the shapes {[s.shape for s in seeds]}, but {self.title} "
                f"returned {[w.spec.shape for w in outputs]}"
            )
        return list(range(len(outputs))), seeds

    def title_of(self, leaf: int) -> str:
        """What to call a leaf that is fixed."""
        place = self.places[leaf]
        return "_".join(map(str, (self._arguments[place[:2]], *place[2:])))

    def passed(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
        """The arguments that the generated function takes."""
        return [(args, kwargs)[kind][key] for kind, key in self._read()]

    def run_graph(self, leaves: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """Values and gradients of the derived computation itself, whatever it is written as."""
        joint = self.joint
        assert joint is not None
        env = self._run_graph(leaves)
        return [env[w] for w in joint.outputs], [np.asarray(env[w])[()] for w in joint.gradients]

    def _run_graph(self, leaves: Sequence[Any]) -> dict[Wire, Any]:
        joint = self.joint
        assert joint is not None
        ones = [np.ones(s.spec.shape, s.spec.dtype)[()] for s in joint.seeds]
        graph = replace(joint.graph, nodes=tuple(map(_on_arrays, joint.graph.nodes)))
        with np.errstate(all="ignore"):
            return graph.run([*(leaves[i] for i in self.wire_at), *(self.seeds or ones)])

    def largest_terms(self, leaves: Sequence[Any]) -> tuple[float, float]:
        """The largest finite numbers that the values are made of, and those in the backward pass."""
        joint = self.joint
        assert joint is not None
        env = self._run_graph(leaves)

        def largest(wires: Iterable[Wire]) -> float:
            values = (env.get(w, w.constant) for w in wires)  # some numbers run as arrays
            found = [np.abs(np.asarray(x, dtype=complex)) for x in values]
            return max((float(np.max(x[np.isfinite(x)], initial=0)) for x in found), default=0.0)

        outputs, nodes = set(joint.outputs), joint.graph.nodes
        made_of = [w for n in nodes if outputs & set(n.outputs) for w in n.inputs]
        return (
            largest(w for w in made_of if w.constant is not None),
            largest(w for n in nodes if n.is_backward for w in n.outputs),
        )

    def rounding(self, terms: float) -> float:
        """What may be left where terms of this size cancel."""
        return 1e3 * max(float(np.finfo(dtype).eps) for dtype in self._dtypes()) * terms

    @property
    def tolerance(self) -> float:
        """What errors may be, relative to the largest entry."""
        return max(map(tolerance, self._dtypes()))

    def _dtypes(self) -> set[Any]:
        """Those of the floating numbers of the forward pass."""
        return {w.spec.dtype for w in self.forward.wires() if is_floating(w.spec.dtype)}

    # ---- text

    def input_wires(self) -> list[Wire]:
        return [self.wire_at[i] for i in self.wanted]

    @property
    def arguments(self) -> list[str]:
        """The names of the arguments, without those that are fixed."""
        return [self._written[place] for place in self._read()]

    def _read(self) -> list[tuple[Any, ...]]:
        """Where the arguments stand that hold arrays or floats, in the order of the arguments."""
        found = {self.places[i][:2] for i in self.wire_at}
        return [place for place in self._arguments if place in found]

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shapes of the arrays and numbers within the arguments, by their names in the code."""
        return {self._names[wire]: wire.spec.shape for wire in self.wire_at.values()}

    def numbers(self, *, seeds: bool) -> dict[Wire, str]:
        """Arguments that are single numbers, with their names in the code; with the upstream gradients."""
        assert self.joint is not None
        given = [*self.wire_at.values(), *(self.joint.seeds if seeds else ())]
        return {w: self._names[w] for w in given if not w.spec.shape and is_floating(w.spec.dtype)}

    def seed_shapes(self) -> dict[str, tuple[int, ...]]:
        """And those of the upstream gradients."""
        assert self.joint is not None
        return {n: w.spec.shape for n, w in zip(self.seed_names, self.joint.seeds, strict=True)}

    def leaf_names(self, program: Program) -> list[str]:
        """The names of the arrays within the arguments."""
        return [program.names.of(wire) for wire in self.wire_at.values()]

    def gradient_of_leaves(self, program: Program) -> list[str | None]:
        """The gradient of each of them, None for those that have none."""
        found = dict(zip(self.wanted, program.gradients, strict=True))
        return [found.get(i) for i in self.wire_at]

    def container_of(self, name: str) -> str:
        """The argument that an array of this name is in."""
        for i, wire in self.wire_at.items():
            if self._names[wire] == name:
                return self._written[self.places[i][:2]]
        return ""

    def is_packed(self, name: str) -> bool:
        """Whether an array of this name stands within a container."""
        return any(
            self._names[w] == name and len(self.places[i]) > 2 for i, w in self.wire_at.items()
        )

    def gradients_with_none(self, program: Program) -> list[str]:
        """The gradient of each argument, ``None`` for those without."""
        text_at = {self.places[i]: t for i, t in zip(self.wanted, program.gradients, strict=True)}
        wanted = {path[:2] for path in text_at}
        return [
            self._packed(place, text_at) if place in wanted else "None" for place in self._read()
        ]

    @property
    def differentiated(self) -> list[str]:
        """The names of the arguments that have gradients, in the order in which these are returned."""
        wanted = {self.places[i][:2] for i in self.wanted}
        return [name for place, name in self._written.items() if place in wanted]

    def pick_gradients(self, at: Mapping[str, Any]) -> list[Any]:
        """The gradients that are wanted, out of those of all arguments by name."""
        found = []
        for i in self.wanted:
            place = self.places[i]
            value = at[self._written[place[:2]]]
            for key in place[2:]:
                value = dict(parts(value))[key]
            found.append(value)
        return found

    @property
    def parameters(self) -> list[str]:
        """The names of the arguments, without those that are fixed, and with the upstream gradients."""
        return [*self.arguments, *self.seed_names]

    exact = False
    """Whether to write what holds everywhere, even where a shorter form mostly does."""
    seed_names: Sequence[str] = ()
    _names: Mapping[Wire, str] = MappingProxyType({})

    def program(self, language: Language) -> Program:
        """The statements in a language, under names that are free."""
        assert self.joint is not None
        if self.exact:
            language = replace(language, entries={**language.entries, **EXACT})
        joint = spelled(self.joint, language.has)
        makers = {wire: node for node in joint.graph.nodes for wire in node.outputs}
        taken = [self.name, *self._written.values(), *self.blocks, *HELPERS]
        results = joint.graph.outputs
        names = Names(makers, joint.gradient_of, self.gradient_names, taken, self.spelling, results)
        for i, wire in self.wire_at.items():
            if len(self.places[i]) == 2:
                names.given[wire] = self._written[self.places[i]]
            else:
                names.give(wire, wire.name)
        inputs = set(joint.graph.inputs)
        for wire in joint.outputs:
            if wire not in inputs and not wire.is_constant and not wire.is_named:
                names.give(wire, "out" if "out" not in self._used() else "value")
        outputs = [wire for wire in joint.outputs if not wire.is_constant]
        if joint.seeds:
            self.seed_names = [
                names.give(seed, self.gradient_names.format(names.of(out)))
                for seed, out in zip(joint.seeds, outputs, strict=True)
            ]
        self._names = names.given
        author = Author(joint, language, names)
        author.wanted = tuple(self.input_wires())
        return author.write()

    def _used(self) -> set[str]:
        return {wire.name for wire in self.forward.wires() if wire.is_named}

    def unpacking(self, read: set[str] | None = None) -> list[str]:
        """Lines that take what is needed out of the containers."""
        lines = []
        for place, argument in self._written.items():
            tree = self.tree[place[0]][place[1]]
            rank = {path: i for i, path in enumerate(order(tree, place))}
            inside = [
                i for i in self.wire_at if self.places[i][:2] == place and len(self.places[i]) > 2
            ]
            inside.sort(key=lambda i: rank.get(self.places[i], 0))
            pairs = [
                (
                    self._names[self.wire_at[i]],
                    reached(tree, self.places[i][2:], argument, self.spelling),
                )
                for i in inside
            ]
            pairs = [pair for pair in pairs if read is None or pair[0] in read]
            for start in range(0, len(pairs), 3):
                some = pairs[start : start + 3]
                lines.append(f"{', '.join(n for n, _ in some)} = {', '.join(t for _, t in some)}")
        return lines

    def dicts(self) -> list[dict[Any, Any]]:
        """The dictionaries among the arguments."""
        return list(dicts(self.tree))

    def values(self, program: Program) -> list[str]:
        """The function's own results, as it returned them."""
        if self.forward.unpack is None:
            return program.outputs
        tree = self.forward.unpack(list(range(len(program.outputs))))
        texts = dict(enumerate(program.outputs))
        if isinstance(tree, tuple) and not hasattr(tree, "_fields"):
            return [made(x, texts.__getitem__, self.spelling) for x in tree]
        return [made(tree, texts.__getitem__, self.spelling)]

    def _packed(self, place: tuple[Any, ...], text_at: Mapping[Any, str]) -> str:
        tree = self.tree[place[0]][place[1]]
        return packed(tree, place, text_at, self._written[place], self.spelling)

    def gradients(self, program: Program) -> list[str]:
        """The gradients, in the containers that the arguments came in."""
        text_at = {self.places[i]: t for i, t in zip(self.wanted, program.gradients, strict=True)}
        wanted = {path[:2] for path in text_at}
        return [self._packed(place, text_at) for place in self._written if place in wanted]


def tolerance(dtype: Any) -> float:
    """What errors of numbers of this dtype may be, relative to the largest."""
    return float(np.finfo(dtype).eps) ** 0.6 if is_floating(dtype) else 0.0


def _on_arrays(node: Node) -> Node:
    """A node with arrays in place of Python's numbers, which only entry by entry are as good."""
    if "elementwise" in node.primitive.traits and node.primitive.name not in (
        "astype",
        "as_integer",
    ):
        return node
    inputs = tuple(
        Wire(w.name, w.spec, np.asarray(w.constant, w.spec.dtype)[()])
        if w.is_constant and isinstance(w.constant, int | float | complex)
        else w
        for w in node.inputs
    )
    return replace(node, inputs=inputs)


def unique(names: Iterable[str]) -> list[str]:
    """Names with a number where one came before."""
    found: dict[str, None] = {}
    for name in names:
        free, i = name, 2
        while free in found:
            free, i = f"{name}_{i}", i + 1
        found[free] = None
    return list(found)


def argument_names(
    f: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> dict[tuple[Any, ...], str]:
    """The name of each argument, by where it stands: (0, position) or (1, keyword)."""
    try:
        positions = list(inspect.signature(f).bind_partial(*args).arguments)
        if len(positions) < len(args):
            star = positions.pop()
            positions += [f"{star}{i}" for i in range(len(args) - len(positions))]
    except (TypeError, ValueError):
        positions = [f"x{i}" for i in range(len(args))]
    found: dict[tuple[Any, ...], str] = {(0, i): name for i, name in enumerate(positions)}
    found.update({(1, key): key for key in kwargs})
    return found
