"""The record of one operation, and the registry of all of them.

A primitive says everything about itself once: how to compute it, which shape it gives, how a
gradient goes back through it, which pattern that is, how it is written, and what to test it on. The
eager sweep, traces, explanations, pictures and generated code are readings of this record.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from types import SimpleNamespace
from typing import Any, Literal

import numpy as np

from ..errors import GraphError
from .array_types import AnyArray
from .late_methods import declared

Rule = Callable[..., Any]
"""``(g, out, *inputs, **params) -> downstream``, written with operators and NumPy calls. It ignores
broadcasting and dtypes: its result may be larger than the input (the sweep sums over the stretched
axes) or smaller (the sweep stretches it). It returns `g`, a new array or a view of either."""

ROLES = {
    "passes": "passes its upstream gradient on unchanged, up to sign or layout",
    "sums": "repeats its input forward, so it adds the upstream gradients of the copies up",
    "spreads": "adds its input up forward, so every summed entry receives the upstream gradient",
    "swaps": "gives each input the upstream gradient times the other input",
    "scales": "multiplies the upstream gradient by its own slope",
    "routes": "sends the upstream gradient to the winning input alone; ties share it",
    "selects": "sends the upstream gradient back to the entries that were picked, zero elsewhere",
    "mixes": "weighs the upstream gradient with its other inputs and adds the results up",
    "blocks": "lets no gradient through",
}
"""The patterns of gradient flow, each as the end of a sentence that starts with the gate's name."""

Trait = Literal["elementwise", "view", "keeps", "linear", "conjugates", "hermitian", "detaches"]
TRAITS: dict[Trait, str] = {
    "elementwise": "each output entry reads one entry of each (broadcast) input",
    "view": "moves entries without computing, where NumPy gives a view of the input's memory",
    "keeps": "gives the entries that it is given in their order, perhaps in another shape or dtype",
    "linear": "linear, with real weights, in each of its floating inputs while the others stay",
    "conjugates": "gives the conjugate of what it gave where all inputs are conjugated",
    "hermitian": "reads one triangle of a matrix; its gradient is that of a Hermitian one",
    "detaches": "has no gradient on purpose, although its output moves with its input",
}
"""What readers may know of a primitive without knowing its name, each as what is said of it."""
_IMPLIED: dict[Trait, frozenset[Trait]] = {
    "view": frozenset(["linear", "conjugates"]),
    "linear": frozenset(["conjugates"]),
}


@dataclass(frozen=True, slots=True)
class Infix:
    """Written between its two inputs; a higher `binds` binds tighter."""

    symbol: str
    binds: int


@dataclass(frozen=True, slots=True)
class Prefix:
    """Written before its one input."""

    symbol: str
    binds: int


@dataclass(frozen=True, slots=True)
class Call:
    """Written as a call, parameters as keywords: ``sum(x, axis=0)``."""

    name: str


@dataclass(frozen=True, slots=True)
class Custom:
    """Written by a function of the inputs' texts and the parameters, for indexing, ``.T`` and the like.

    `wraps` says that an input which is more than one word is put in parentheses first.
    """

    write: Callable[..., str]
    wraps: bool = True


Notation = Infix | Prefix | Call | Custom


@dataclass(frozen=True, slots=True)
class Draw:
    """A description of a random array, drawn anew and alike for each test."""

    shape: tuple[int, ...]
    low: float = -2.0
    high: float = 2.0
    dtype: str = "float64"

    def __call__(self, rng: np.random.Generator) -> AnyArray:
        if np.dtype(self.dtype).kind in "iu":
            return rng.integers(int(self.low), int(self.high), self.shape).astype(self.dtype)
        if np.dtype(self.dtype).kind == "c":
            real, imag = rng.uniform(self.low, self.high, (2, *self.shape))
            return (real + 1j * imag).astype(self.dtype)[()]
        return rng.uniform(self.low, self.high, self.shape).astype(self.dtype)[()]


def floats(*shape: int, low: float = -2.0, high: float = 2.0) -> Draw:
    """Draw float64 numbers from [low, high)."""
    return Draw(shape, low, high)


def integers(*shape: int, low: int, high: int) -> Draw:
    """Draw int64 numbers from [low, high)."""
    return Draw(shape, low, high, "int64")


class Sample:
    """Arguments to test a primitive on: positional arrays (or `Draw`s of them) and parameters."""

    __slots__ = ("inputs", "params")

    def __init__(self, *inputs: Any, **params: Any) -> None:
        self.inputs = inputs
        self.params = params

    def draw(self, seed: int = 0) -> tuple[AnyArray, ...]:
        """Return the inputs as arrays; the same seed gives the same numbers."""
        rng = np.random.default_rng(seed)
        return tuple(x(rng) if isinstance(x, Draw) else x for x in self.inputs)


class each:
    """The rules of a primitive that takes any number of inputs: ``rule(position, g, out, *inputs)``."""

    __slots__ = ("rule",)

    def __init__(self, rule: Rule) -> None:
        self.rule = rule

    def __getitem__(self, position: int) -> Rule:
        return partial(self.rule, position)

    def __iter__(self) -> Iterator[Rule]:
        position = 0
        while True:
            yield self[position]
            position += 1


@dataclass(frozen=True, slots=True)
class together:
    """One rule for all inputs, where they share work: it returns a downstream (or None) for each."""

    rule: Rule


@dataclass(frozen=True, slots=True, eq=False)
class Primitive:
    """One operation.

    `forward(*arrays, **params)` computes it; `spec(*specs, **params)`
    gives the result's shape and dtype; `vjp` holds one `Rule` per input, None where the input gets no
    gradient (inputs past its end get none either); `role` is a key of `ROLES`; `why` is one plain
    sentence about its gradient; `traits` are keys of `TRAITS`; `put(base, new, **params)`, where NumPy gives
    a view on the input's memory, says what the input becomes when `new` is written to the view
    (`read_only` where NumPy forbids that); `repeats` names the operation on two numbers that it does over and
    over along `axis`; `noun` is what its result is called in code where nothing better is known;
    `libraries` are others that have the function under its name, where it is SciPy's (of NumPy's they have
    nearly all); `function` is what a block with its own gradient stands for, to be traced for its parts;
    `found_by()` gives `pickle` a function and its arguments that find or make it again, where it is not
    registered; `pruned(node, read)`, of an operation with several results, gives the node that makes those
    which are read, and no others; `observed(node)`, of a loop, gives one that hands out, after its own
    results, all that its steps make: a backward pass reads it, and what nobody reads is pruned.
    """

    name: str
    forward: Callable[..., Any]
    spec: Callable[..., Any]
    vjp: tuple[Rule | None, ...] | each | together
    role: str
    why: str
    notation: Notation
    samples: tuple[Sample, ...] = ()
    traits: frozenset[Trait] = frozenset()
    put: Callable[..., Any] | None = None
    repeats: str = ""
    noun: str = "part"
    libraries: frozenset[str] = frozenset()
    function: Callable[..., Any] | None = None
    found_by: Callable[[], tuple[Callable[..., Any], tuple[Any, ...]]] | None = None
    pruned: Callable[[Any, Collection[Any]], Any] | None = None
    observed: Callable[[Any], Any] | None = None
    differentiable: bool = field(init=False, default=True)

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise ValueError(
                f"primitive {self.name!r}: {self.role!r} is no role; use one of {list(ROLES)}"
            )
        if self.traits:
            object.__setattr__(self, "traits", _with_implied(self.name, self.traits))
        if isinstance(self.vjp, tuple) and not any(self.vjp):
            object.__setattr__(self, "differentiable", False)

    @property
    def is_registered(self) -> bool:
        """Whether it is what readers know by its name; a block's own operation may be called anything.

        A record that differs in what may be written into, as that of einsum's diagonals, computes the same.
        """
        found = getattr(primitives, self.name, None)
        return found is not None and found.forward is self.forward

    @declared
    def __call__(self, *inputs: AnyArray, **params: Any) -> AnyArray:
        """Apply it to anything: plain values give a plain value, Tensors a Tensor, which remembers."""

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"

    def __deepcopy__(self, memo: object) -> Primitive:
        return self

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self.found_by() if self.found_by else (_registered, (self.name,))


def _with_implied(name: str, traits: frozenset[Trait]) -> frozenset[Trait]:
    if unknown := traits - TRAITS.keys():
        raise ValueError(
            f"primitive {name!r}: {', '.join(sorted(unknown))} is no trait; use some of {list(TRAITS)}"
        )
    return traits.union(*(_IMPLIED.get(t, ()) for t in traits))


def never(*inputs: AnyArray, **params: Any) -> AnyArray:
    """Stand in a record for what nobody calls: of an operation that is only looked at, never run."""
    raise AssertionError("this operation is never run")


primitives = SimpleNamespace()
"""Every registered primitive, by name."""

NO_PARAMS: dict[str, Any] = {}
"""Shared by all operations without parameters; a plain dict, since ** on a read-only view is slow."""

numpy_table: dict[Any, Callable[..., Any]] = {}
"""From a NumPy function to what answers it when one of its arguments is a Tensor."""

late_families: dict[str, Callable[[], object]] = {}
"""By the name of another library's module: how to register what answers its functions. Nobody can call
those before the module is imported, so until then they need not be known."""

ufunc_methods: dict[str, Callable[..., Any]] = {}
"""From the name of a method of NumPy's ufuncs to what answers it, given the ufunc, for all of them."""


def _registered(name: str) -> Primitive:
    """Return the primitive of this name, also if nothing has used its family yet."""
    if not hasattr(primitives, name):
        for register in late_families.values():
            register()
    found = getattr(primitives, name, None)
    if found is None:
        raise GraphError(
            f"what is unpickled uses the primitive {name!r}, which is not registered here: import the module "
            f"that registers it first"
        )
    return found


def primitive(
    name: str,
    forward: Callable[..., Any],
    *,
    spec: Callable[..., Any],
    vjp: tuple[Rule | None, ...] | each | together = (),
    role: str = "blocks",
    why: str,
    samples: tuple[Sample, ...],
    notation: Notation | None = None,
    numpy: Callable[..., Any] | None = None,
    traits: Iterable[Trait] = (),
    put: Callable[..., Any] | None = None,
    repeats: str = "",
    noun: str = "part",
    libraries: Iterable[str] = (),
) -> Primitive:
    """Make a primitive and register it; without rules and a role, one that lets no gradient through.

    `numpy` is the NumPy function that it answers, if any.
    """
    record = Primitive(
        name,
        forward,
        spec,
        vjp,
        role,
        why,
        notation or Call(name),
        samples,
        frozenset(traits),
        put,
        repeats,
        noun,
        frozenset(libraries),
    )
    if record.differentiable and role == "blocks":
        raise ValueError(f"primitive {name!r} has rules, so it needs a role other than 'blocks'")
    if hasattr(primitives, name):
        raise ValueError(f"primitive {name!r} is registered twice")
    setattr(primitives, name, record)
    if numpy is not None:
        numpy_table[numpy] = record
    return record


def answers(*functions: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let the decorated function answer these NumPy functions for Tensors, with NumPy's signature."""

    def note(answer: Callable[..., Any]) -> Callable[..., Any]:
        for function in functions:
            numpy_table[function] = answer
        return answer

    return note


def answers_method(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let the decorated function, given a ufunc first, answer the method of this name of every ufunc."""

    def note(answer: Callable[..., Any]) -> Callable[..., Any]:
        ufunc_methods[name] = answer
        return answer

    return note


def numpy_name(function: Any) -> str:
    if isinstance(function, np.ufunc):
        return f"{_home(function)}.{function.__name__}"
    owner = getattr(function, "__self__", None)
    if isinstance(owner, np.ufunc):
        return f"{_home(owner)}.{owner.__name__}.{function.__name__}"
    module = getattr(function, "__module__", "numpy") or "numpy"
    return f"{module.replace('numpy', 'np', 1)}.{getattr(function, '__name__', function)}"


def _home(ufunc: np.ufunc) -> str:
    """Return where users find a ufunc: NumPy's are the only ones that would say."""
    for name in late_families:
        if getattr(sys.modules.get(name), ufunc.__name__, None) is ufunc:
            return name
    return "np"
