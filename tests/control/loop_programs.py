"""Random programs with loops and branches, as NumPy code: a failure shrinks to something to read and to copy.

Names that begin with v are vectors of three entries, those with s numbers, those with n whole numbers. Values
stay of ordinary size, and away from where a function is not defined.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

import clearprop

LENGTHS = (0, 1, 2, 5)
UNARY = ("np.tanh({x})", "np.sin({x})", "0.5 * {x}", "-{x}", "np.sqrt({x} * {x} + 1)")
BINARY = ("{x} + {y}", "np.sin({x} * {y})", "{x} - 0.3 * {y}", "np.where({x} > 0.17, {x}, {y})")
VECTORS = (
    "np.outer(w, {x}) @ np.sin({x})",
    "np.concatenate([{x}[1:], {x}[:1]])",
    "np.cumsum({x}[::-1]) * 0.3",
    "np.exp({x} - np.max({x})) / np.sum(np.exp({x} - np.max({x})))",
    "np.sort({x}) * np.array([0.1, 0.2, 0.3], w.dtype)",
    "np.linalg.solve(np.outer({x}, {x}) + 2 * np.eye(3, dtype=w.dtype), {x})",
    "grad(lambda v: np.sum(np.sin(v * w) * np.cos(v)))({x})",
)
"""Some of which have no native code: such a loop runs in Python."""
TO_NUMBER = ("0.3 * np.sum({x})", "{x}[1]", "np.max({x})")
FROM_NUMBER = ("np.cos(w + {x})", "np.broadcast_to({x}, (3,))")
_DEEPEST = 2


@clearprop.block
def cell(x: Any, y: Any) -> Any:
    return np.tanh(0.7 * x - y)


@clearprop.block
def smoothed(x: Any, y: Any) -> Any:
    """A loop in a block."""
    last, kept = clearprop.scan(lambda c, t: (0.5 * c + np.sin(t), c * t), y, np.stack([x, y]))
    return last - np.sum(kept, axis=0)


def plain_scan(
    f: Callable[..., Any],
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    **_: Any,
) -> Any:
    """Be `scan` as its docstring says it in words, on trees of arrays."""
    import optree

    leaves = optree.tree_leaves(xs)
    count = length if length is not None else len(leaves[0])
    if not count:
        return clearprop.scan(f, init, xs, length, reverse)
    made = [None] * count
    for t in range(count)[:: -1 if reverse else 1]:
        init, made[t] = f(init, optree.tree_map(lambda x, t=t: x[t], xs))
    return init, optree.tree_map(lambda *ys: np.stack(ys), *made)


@dataclass(frozen=True, repr=False)
class LoopProgram:
    """Lines of code that end in one number, on a vector w, rows xs and a number s."""

    lines: tuple[str, ...]
    length: int
    seed: int

    def arrays(self, dtype: str = "float64") -> tuple[Any, Any, Any]:
        rng = np.random.default_rng(self.seed)
        shapes = ((3,), (self.length, 3), ())
        return tuple(np.asarray(rng.uniform(-1.5, 1.5, s)).astype(dtype)[()] for s in shapes)

    @property
    def source(self) -> str:
        return "def program(w, xs, s):\n" + "".join(f"    {line}\n" for line in self.lines)

    def function(self, **others: Any) -> Callable[..., Any]:
        """Return the function, with others in place of some of Clearprop's."""
        names = {"np": np, "cell": cell, "smoothed": smoothed}
        names |= {
            name: getattr(clearprop, name)
            for name in (
                "scan",
                "fori_loop",
                "while_loop",
                "cond",
                "switch",
                "checkpoint",
                "tensor",
                "grad",
            )
        }
        exec(self.source, names | others, made := {})
        return made["program"]

    def __repr__(self) -> str:
        return f"\n{self.source}# xs has {self.length} rows; seed {self.seed}\n"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What Hypothesis shows."""
        printer.text(repr(self))


class _Writer:
    """A function body being written; names of outer bodies can be read."""

    def __init__(
        self, draw: Callable[..., Any], names: list[str], depth: int, fresh: list[int]
    ) -> None:
        self.draw, self.depth, self.fresh = draw, depth, fresh
        self.names = list(names)
        self.lines: list[str] = []

    def pick(self, options: Any) -> Any:
        return self.draw(st.sampled_from(options))

    def name(self, kind: str) -> str:
        self.fresh[0] += 1
        return f"{kind}{self.fresh[0]}"

    def value(self, kind: str) -> str:
        """Return a name of this kind; the newest are the simplest."""
        return self.pick([name for name in reversed(self.names) if name[0] in kind])

    def bind(self, name: str, expression: str) -> str:
        self.lines.append(f"{name} = {expression}")
        self.names.append(name)
        return name

    def inner(self, arguments: list[str]) -> _Writer:
        return _Writer(self.draw, [*self.names, *arguments], self.depth + 1, self.fresh)

    def define(self, head: str, body: _Writer, result: str, first: Sequence[str] = ()) -> str:
        """Write a function, and return its name."""
        name = self.name("f")
        self.lines.append(f"def {name}({head}):")
        self.lines += [f"    {line}" for line in (*first, *body.lines)]
        self.lines.append(f"    return {result}")
        return name

    # ---- steps

    def unary(self) -> None:
        x = self.value("wvs")
        self.bind(self.name("s" if x[0] == "s" else "v"), self.pick(UNARY).format(x=x))

    def binary(self) -> None:
        x, y = self.value("wvs"), self.value("wvs")
        kind = "s" if x[0] == y[0] == "s" else "v"
        self.bind(self.name(kind), self.pick(BINARY).format(x=x, y=y))

    def vector(self) -> None:
        self.bind(self.name("v"), self.pick(VECTORS).format(x=self.value("wv")))

    def changed(self) -> None:
        """A copy that is changed in place."""
        v = self.bind(self.name("v"), f"{self.value('wv')}.copy()")
        part, kind = self.pick((("1", "s"), ("1:", "s"), ("::-1", "wv")))
        self.lines.append(f"{v}[{part}] {self.pick(('=', '+='))} {self.value(kind)}")

    def reshaped(self) -> None:
        if self.draw(st.booleans()):
            self.bind(self.name("s"), self.pick(TO_NUMBER).format(x=self.value("wv")))
        else:
            self.bind(self.name("v"), self.pick(FROM_NUMBER).format(x=self.value("s")))

    def counted(self) -> None:
        """A value that depends on a whole number."""
        numbers = [name for name in self.names if name[0] == "n"]
        if numbers:
            n, x = self.pick(numbers[::-1]), self.value("wv")
            form = self.pick(
                (
                    "np.where({n} % 2 == 1, {x}, 0.5 * {x})",
                    "{x} * tensor(table, requires_grad=False)[{n} % 3]",
                )
            )
            self.bind(self.name("v"), form.format(x=x, n=n))

    def call(self) -> None:
        x, y = self.value("wv"), self.value("wv")
        self.bind(self.name("v"), f"{self.pick(['cell', 'smoothed'])}({x}, {y})")

    def branches(self) -> None:
        count = self.draw(st.integers(2, 3))
        x, number = self.value("wv"), self.value("s")
        functions = []
        for _ in range(count):
            v, s = self.name("v"), self.name("s")
            body = self.inner([v, s]).some(2)
            functions.append(
                self.define(f"{v}, {s}", body, f"{body.value('v')}, {body.value('s')}")
            )
        if count == 2:
            chosen = f"cond({number} > 0.17, {', '.join(functions)}, {x}, {number})"
        else:
            numbers = [name for name in self.names if name[0] == "n"]
            index = self.pick(numbers) if numbers else "1"
            chosen = f"switch({index}, [{', '.join(functions)}], {x}, {number})"
        self.bind_all([self.name("v"), self.name("s")], chosen)

    def again(self) -> None:
        v = self.name("v")
        body = self.inner([v]).some(2)
        f = self.define(v, body, body.value("v"))
        self.bind(self.name("v"), f"checkpoint({f})({self.value('wv')})")

    def scan(self) -> None:
        carried = self.carry()
        over, entry = self.pick([*self.over(), ("None", "_")])
        body = self.inner([name for name in [*carried.names, entry] if name != "_"]).some(3)
        kinds = self.draw(st.lists(st.sampled_from("vs"), max_size=2))
        collected = [body.value("s" if kind == "s" else "wv") for kind in kinds]
        result = f"{body.after(carried)}, {_tuple(collected)}"
        f = self.define(f"c, {entry}", body, result, carried.unpacked("c"))
        options = ", reverse=True" if self.draw(st.booleans()) else ""
        if over == "None":
            options += f", length={self.pick(LENGTHS)}"
        if self.draw(st.integers(0, 3)) == 0:
            options += f", checkpoint={self.pick((1, 2, 3))}"
        arrays = [self.name("y") for _ in collected]
        self.end(carried, f"scan({f}, {self.start(carried)}, {over}{options})", _tuple(arrays))
        for array, kind in zip(arrays, kinds, strict=True):
            self.bind(self.name(kind), f"np.sum(np.sin({array}), axis=0)")

    def counting(self) -> None:
        carried, n = self.carry(least=1), self.name("n")
        body = self.inner([n, *carried.names]).some(3)
        f = self.define(f"{n}, c", body, body.after(carried), carried.unpacked("c"))
        lower = self.pick((0, 1, -1))
        upper = lower + self.pick(LENGTHS)
        self.end(carried, f"fori_loop({lower}, {upper}, {f}, {self.start(carried)})")

    def waiting(self) -> None:
        carried = self.carry("n", least=1)
        body = self.inner(carried.names).some(2)
        f = self.define("c", body, body.after(carried), carried.unpacked("c"))
        condition = f"{carried.names[0]} < {self.pick(LENGTHS)}"
        for number in [name for name in carried.names if name[0] == "s"]:
            condition = f"({condition}) & ({number} < 2.5)"
        g = self.define("c", self.inner([]), condition, carried.unpacked("c"))
        self.end(carried, f"while_loop({g}, {f}, {self.start(carried)})")

    # ---- what loops carry

    def carry(self, first: str = "", least: int = 0) -> _Carried:
        kinds = self.draw(st.lists(st.sampled_from("vsn"), min_size=least, max_size=3))
        names = [self.name(kind) for kind in [*first, *kinds]]
        return _Carried(names, self.pick((_tuple, _nested, _dict)))

    def start(self, carried: _Carried) -> str:
        """Return an expression for what is carried at first."""
        return carried.form(
            [
                self.pick(("0", "np.int64(1)")) if name[0] == "n" else self.value(_same(name))
                for name in carried.names
            ]
        )

    def after(self, carried: _Carried) -> str:
        """Return an expression for what is carried on."""
        parts = []
        for name in carried.names:
            if name[0] == "n":
                parts.append(f"{name} + {self.pick((1, 2))}")
            else:
                form = self.pick(("{x}", "np.tanh({x})"))
                parts.append(form.format(x=self.value(_same(name))))
        return carried.form(parts)

    def end(self, carried: _Carried, call: str, collected: str = "") -> None:
        """Write a call of a loop, and take its results apart."""
        last = self.name("c")
        others = "_" if collected == "None" else collected
        self.lines.append(f"{last}{', ' if others else ''}{others} = {call}")
        ends = _Carried([self.name(name[0]) for name in carried.names], carried.form)
        self.lines += ends.unpacked(last)
        self.names += ends.names

    def over(self) -> list[tuple[str, str]]:
        """Return arrays to go along, and a name for their entries."""
        found = [("xs", self.name("v")), (self.value("wv"), self.name("s"))]
        return found if self.depth < _DEEPEST else found[1:]

    def some(self, most: int) -> _Writer:
        """Write a few steps."""
        simple = [self.unary, self.binary, self.reshaped, self.vector, self.counted]
        simple += [self.call, self.changed]
        involved = [self.scan, self.counting, self.waiting, self.branches, self.again]
        for _ in range(self.draw(st.integers(1, most))):
            self.pick(simple + (involved if self.depth < _DEEPEST else []))()
        return self

    def bind_all(self, names: list[str], expression: str) -> None:
        self.lines.append(f"{', '.join(names)} = {expression}")
        self.names += names


def _tuple(parts: list[str]) -> str:
    if not parts:
        return "None"
    return parts[0] if len(parts) == 1 else f"({', '.join(parts)})"


def _nested(parts: list[str]) -> str:
    return f"({_tuple(parts[:1])}, ({_tuple(parts[1:])}, None))"


def _dict(parts: list[str]) -> str:
    return f"{{'first': {_tuple(parts[:1])}, 'others': {_tuple(parts[1:])}}}"


def _same(name: str) -> str:
    """Return the kinds of names that stand for values like this one."""
    return "s" if name[0] == "s" else "wv"


@dataclass(frozen=True)
class _Carried:
    """Names for what a loop carries, and how a container of such is written."""

    names: list[str]
    form: Callable[[list[str]], str]

    def unpacked(self, whole: str) -> list[str]:
        if not self.names:
            return []
        if self.form is not _dict:
            return [f"{self.form(self.names)} = {whole}".replace("None", "_")]
        parts = (("first", self.names[:1]), ("others", self.names[1:]))
        return [f"{_tuple(names)} = {whole}['{key}']" for key, names in parts if names]


@st.composite
def loop_programs(draw: Callable[..., Any]) -> LoopProgram:
    """Programs of a few loops and branches within each other."""
    writer = _Writer(draw, ["s", "w"], 0, [0])
    writer.lines.append("table = np.array([0.5, -1.0, 2.0], w.dtype)")
    for _ in range(draw(st.integers(1, 2))):
        writer.pick([writer.scan, writer.counting, writer.waiting, writer.branches, writer.again])()
        writer.some(2)
    ends = [name for name in writer.names if name[0] in "wvs"]
    writer.lines.append("return " + " + ".join(f"np.sum(np.sin({name}))" for name in ends))
    return LoopProgram(tuple(writer.lines), draw(st.sampled_from(LENGTHS)), draw(st.integers(0, 3)))
