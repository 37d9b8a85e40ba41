"""Random programs with loops and branches, as NumPy code: a failure shrinks to something to read and to copy.

Names that begin with v are vectors of three entries, those with s numbers, those with n whole numbers. Values
stay of ordinary size, and away from where a function is not defined.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

import clearprop

LENGTHS = (0, 1, 2, 5)
UNARY = ("np.tanh({x})", "np.sin({x})", "0.5 * {x}", "-{x}", "np.sqrt({x} * {x} + 1)")
BINARY = ("{x} + {y}", "np.sin({x} * {y})", "{x} - 0.3 * {y}", "np.where({x} > 0.17, {x}, {y})")
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

    def define(self, head: str, body: _Writer, result: str, unpack: str = "") -> str:
        """Write a function, and return its name."""
        name = self.name("f")
        self.lines.append(f"def {name}({head}):")
        self.lines += [f"    {line}" for line in ([unpack] if unpack else []) + body.lines]
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
        carried, carry = self.carry()
        over, entry, length = self.pick([*self.over(), ("None", "_", None)])
        body = self.inner([name for name in [*carried, entry] if name != "_"]).some(3)
        after = [body.after(name) for name in carried]
        kinds = self.draw(st.lists(st.sampled_from("vs"), max_size=2))
        collected = [body.value(kind) if kind == "s" else body.value("wv") for kind in kinds]
        result = f"{carry(after)}, {_tuple(collected) if collected else None}"
        f = self.define(
            f"c, {entry}", body, result, unpack=f"{carry(carried)} = c" if carried else ""
        )
        options = ", reverse=True" if self.draw(st.booleans()) else ""
        if over == "None":
            options += f", length={self.pick(LENGTHS)}"
        if self.draw(st.integers(0, 3)) == 0:
            options += f", checkpoint={self.pick((1, 2, 3))}"
        arrays = [self.name("y") for _ in collected]
        start = carry([self.start(name) for name in carried])
        ends = [self.name(name[0]) for name in carried]
        targets = f"{carry(ends)}" if carried else "_"
        self.lines.append(
            f"{targets}, {_tuple(arrays) if arrays else '_'} = scan({f}, {start}, {over}{options})"
        )
        self.names += ends
        for array, kind in zip(arrays, kinds, strict=True):
            self.bind(self.name(kind), f"np.sum(np.sin({array}), axis=0)")

    def counting(self) -> None:
        carried, carry = self.carry()
        if not carried:
            return
        n = self.name("n")
        body = self.inner([n, *carried]).some(3)
        after = carry([body.after(name) for name in carried])
        f = self.define(f"{n}, c", body, after, unpack=f"{carry(carried)} = c")
        lower = self.pick((0, 1, -1))
        start = carry([self.start(name) for name in carried])
        ends = [self.name(name[0]) for name in carried]
        self.lines.append(
            f"{carry(ends)} = fori_loop({lower}, {lower + self.pick(LENGTHS)}, {f}, {start})"
        )
        self.names += ends

    def waiting(self) -> None:
        carried, carry = self.carry(counts=True)
        body = self.inner(carried).some(2)
        after = [body.after(name) for name in carried]
        f = self.define("c", body, carry(after), unpack=f"{carry(carried)} = c")
        limit = self.pick(LENGTHS)
        asked = _Writer(self.draw, [], 0, self.fresh)
        condition = f"{carried[0]} < {limit}"
        if any(name[0] == "s" for name in carried):
            number = next(name for name in carried if name[0] == "s")
            condition = f"({condition}) & ({number} < 2.5)"
        g = self.define("c", asked, condition, unpack=f"{carry(carried)} = c")
        start = carry([self.start(name) for name in carried])
        ends = [self.name(name[0]) for name in carried]
        self.lines.append(f"{carry(ends)} = while_loop({g}, {f}, {start})")
        self.names += ends

    # ---- what loops carry

    def carry(self, counts: bool = False) -> tuple[list[str], Callable[[list[str]], str]]:
        """Return names for what is carried, and how a container of such is written."""
        kinds = ["n"] if counts else []
        kinds += self.draw(st.lists(st.sampled_from("vsn"), min_size=counts, max_size=3))
        form = self.pick((_tuple, _nested) if len(kinds) > 1 else (_tuple,))
        return [self.name(kind) for kind in kinds], form

    def start(self, name: str) -> str:
        """Return an expression for a carried value at first."""
        if name[0] == "n":
            return self.pick(("0", "np.int64(1)"))
        return self.value("s") if name[0] == "s" else self.value("wv")

    def after(self, name: str) -> str:
        """Return an expression for what a carried value becomes."""
        if name[0] == "n":
            return self.pick((f"{name} + 1", f"{name} + 2"))
        new = self.value("s") if name[0] == "s" else self.value("wv")
        return f"np.tanh({new})" if self.draw(st.booleans()) else new

    def over(self) -> list[tuple[str, str, int | None]]:
        """Return arrays to go along, and a name for their entries."""
        found = [("xs", self.name("v"), None), (self.value("wv"), self.name("s"), None)]
        return found if self.depth < _DEEPEST else found[1:]

    def some(self, most: int) -> _Writer:
        """Write a few steps."""
        simple = [self.unary, self.binary, self.reshaped, self.counted, self.call]
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
    first, *rest = parts
    return f"({first}, ({', '.join(rest)},))"


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
