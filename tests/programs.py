"""Random programs as NumPy code: one strategy for all tests that compare one way of running it with another.

A program is a few lines of source, so that a failure shrinks to something to read and to copy. Values are
kept of ordinary size, and away from where a function is not defined; ties are welcome.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.templates import (
    BINARY,
    CHANGES,
    DIAGONALS,
    PRODUCTS,
    REDUCTIONS,
    SHAPING,
    STENCILS,
    TABLES,
    UNARY,
)

Shape = tuple[int, ...]

SMALL: tuple[Shape, ...] = (
    (),
    (3,),
    (2, 3),
    (1, 3),
    (2, 1),
    (3, 3),
    (2, 2, 3),
    (1,),
    (1, 1),
    (0, 3),
    (2, 0),
)
ODD: tuple[Shape, ...] = (
    (),
    (5,),
    (1, 5),
    (7, 1),
    (7, 5),
    (3, 7, 5),
    (5, 7),
    (33,),
    (7, 33),
    (5, 5),
    (1,),
    (1, 1),
)
"""Sizes at which vectors and blocks have edges."""


@dataclass(frozen=True)
class Line:
    """A statement that gives a name its value, or changes it."""

    name: str
    source: str
    reads: frozenset[str]
    in_jax: str
    """The same without changes in place."""


@dataclass(frozen=True, repr=False)
class Program:
    """Lines of NumPy code that end in one number, and arrays to run it on."""

    shapes: tuple[Shape, ...]
    lines: tuple[Line, ...]
    result: str
    seed: int

    @property
    def names(self) -> list[str]:
        return [f"x{i}" for i in range(len(self.shapes))]

    def arrays(self, dtype: str = "float64") -> list[Any]:
        rng = np.random.default_rng(self.seed)
        return [np.asarray(rng.uniform(-2, 2, s)).astype(dtype) for s in self.shapes]

    def directions(self) -> list[Any]:
        rng = np.random.default_rng(self.seed + 1)
        return [np.asarray(rng.standard_normal(s)) for s in self.shapes]

    def jumps(self, dtype: str = "float64") -> bool:
        """Whether rounding decides: a comparison of two values that are equal but for their last bits; or
        numbers are too large.
        """
        rng = np.random.default_rng(0)
        inputs = self.arrays(dtype)
        step = 8 * np.finfo(dtype).eps
        moved = [
            [x + (step * x * rng.uniform(-1, 1, x.shape)).astype(dtype) for x in inputs]
            for _ in range(8)
        ]
        try:
            with np.errstate(over="raise"):
                found = [float(self(*xs)) for xs in moved]
        except FloatingPointError:
            return True
        return bool(np.ptp(found) > 1e5 * step * max(1.0, *map(abs, found)))

    def _write(self, lines: Sequence[str]) -> str:
        body = "".join(f"    {line}\n" for line in (*lines, f"return {self.result}"))
        return f"def program({', '.join(self.names)}):\n{body}"

    @property
    def source(self) -> str:
        return self._write([line.source for line in self.lines])

    @property
    def jax_source(self) -> str:
        """For JAX: functions instead of changes in place, constants that it may look at, and floats for ints
        beyond 64 bits.
        """
        text = self._write([line.in_jax for line in self.lines])
        return re.sub(r"2\*\*(64|70)", r"2.0**\1", text).replace("np.array(", "numpy.array(")

    def function(self, module: Any = np) -> Callable[..., Any]:
        names = {"np": module, "numpy": np}
        exec(self.source if module is np else self.jax_source, names)
        return names["program"]

    @cached_property
    def run(self) -> Callable[..., Any]:
        return self.function()

    def __call__(self, *inputs: Any) -> Any:
        return self.run(*inputs)

    @property
    def __name__(self) -> str:
        return "program"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What Hypothesis shows."""
        printer.text(repr(self))

    def __repr__(self) -> str:
        made = ", ".join(f"rng.uniform(-2, 2, {s})" for s in self.shapes)
        return f"\nrng = np.random.default_rng({self.seed})\n{self.source}program({made})\n"


class _Writer:
    """A program being written, with the values that its names have so far."""

    def __init__(self, draw: Callable[..., Any], shapes: tuple[Shape, ...]) -> None:
        self.draw = draw
        count = draw(st.integers(1, 3))
        self.shapes = tuple(self.pick(shapes) for _ in range(count))
        self.seed = draw(st.integers(0, 3))
        self.lines: list[Line] = []
        program = Program(self.shapes, (), "", self.seed)
        self.values: dict[str, Any] = dict(zip(program.names, program.arrays(), strict=True))

    def pick(self, options: Sequence[Any]) -> Any:
        return self.draw(st.sampled_from(options))

    def value(self, fits: Callable[[Any], bool] = lambda x: True) -> str | None:
        """The name of a value that fits; the newest are the simplest."""
        names = [name for name, x in self.values.items() if fits(x)][::-1]
        return self.pick(names) if names else None

    def evaluate(self, source: str) -> Any:
        with np.errstate(all="ignore"):
            return eval(source, {"np": np, **self.values})

    def add(self, expression: str, in_jax: str | None = None, name: str | None = None) -> None:
        """Give a name, a new one as a rule, to an expression; scaled if its value is large, dropped if it is
        none.
        """
        value = self.evaluate(expression)
        size = float(np.max(np.abs(value), initial=0.0))
        if not np.isfinite(value).all():
            return
        name = name or _fresh(len(self.lines))
        in_jax = in_jax or expression
        if size > 30:
            scale = f"{10.0 ** math.ceil(math.log10(size / 3)):g}"
            expression, in_jax = f"({expression}) / {scale}", f"({in_jax}) / {scale}"
            value = self.evaluate(expression)
        self.values[name] = value
        self.lines.append(
            Line(name, f"{name} = {expression}", _reads(expression), f"{name} = {in_jax}")
        )

    def try_(self, expression: str) -> None:
        """Add an expression, unless the shapes do not fit or much too much comes out."""
        try:
            small = self.evaluate(expression).size <= 2000
        except (ValueError, IndexError, TypeError):
            return
        if small:
            self.add(expression)

    # ---- steps, from simple to involved

    def unary(self) -> None:
        self.add(self.pick(UNARY).format(x=self.value()))

    def binary(self) -> None:
        x = self.value()
        y = self.value(lambda y: _broadcast(self.values[x].shape, y.shape))
        self.add(self.pick(BINARY).format(x=x, y=y))

    def reduction(self) -> None:
        x = self.value(lambda x: any(x.shape))
        if x:
            shape = self.values[x].shape
            whole = [None] if all(shape) else []  # the mean of nothing is NaN
            axes = [*whole, *(i for i in range(-len(shape), len(shape)) if shape[i])]
            axis = self.pick(axes)
            keepdims = ", keepdims=True" if self.draw(st.booleans()) else ""
            self.add(self.pick(REDUCTIONS).format(x=x, how=f"axis={axis}{keepdims}"))

    def shaping(self) -> None:
        x = self.value(lambda x: x.ndim)
        if not x:
            return
        value = self.values[x]
        shape, ndim = value.shape, value.ndim
        diagonals = DIAGONALS if value.size else ()
        plain = [source.format(x=x) for source in (*SHAPING, *diagonals)]
        with_numbers = [
            f"{x}.reshape{shape[::-1]}",
            f"np.transpose({x}, {self.draw(st.permutations(range(ndim)))})",
            f"np.expand_dims({x}, {self.draw(st.integers(-1, ndim))})",
            f"np.broadcast_to({x}, {(2, *shape)})",
        ]
        self.try_(self.pick(plain + with_numbers))

    def joining(self) -> None:
        x = self.value(lambda x: x.ndim)
        if x:
            shape = self.values[x].shape
            y = self.value(lambda y: y.shape == shape)
            axis = self.draw(st.integers(-len(shape), len(shape) - 1))
            self.add(f"np.{self.pick(['concatenate', 'stack'])}([{x}, {y}, {x}], axis={axis})")

    def indexing(self) -> None:
        x = self.value(lambda x: x.ndim and x.size)
        if x:
            self.add(f"{x}[{self.index(self.values[x].shape, repeats=True)}]")

    def product(self) -> None:
        x, y = self.value(np.ndim), self.value(np.ndim)
        if x and y:
            self.try_(self.pick(PRODUCTS).format(x=x, y=y))

    def assignment(self) -> None:
        x = self.value(lambda x: x.ndim and x.size)
        if not x:
            return
        index = self.index(self.values[x].shape, repeats=False)
        part = self.evaluate(f"{x}[{index}]").shape
        y = self.value(lambda y: _stretches(y.shape, part))
        source = f"{y} + 0.3" if y else "0.3"
        self.add(f"{x}.copy()", x)
        self.change(self.lines[-1].name, index, self.pick(CHANGES), source)

    def change(self, name: str, index: str, change: str, source: str) -> None:
        """Change a part of a value that nobody else holds."""
        value = self.values[name].copy()
        exec(f"value[{index}] {change} {source}", {"np": np, **self.values, "value": value})
        self.values[name] = value
        method = {"=": "set", "+=": "add", "-=": "subtract", "*=": "multiply"}[change]
        self.lines.append(
            Line(
                name,
                f"{name}[{index}] {change} {source}",
                _reads(source),
                f"{name} = {name}.at[{index}].{method}({source}, unique_indices=True)",
            )
        )

    def table(self) -> None:
        """A product with a constant of another dtype."""
        x = self.value(lambda x: x.ndim and x.size)
        if x:
            n = self.values[x].shape[-1]
            numbers = self.draw(st.lists(st.integers(0, 3), min_size=n, max_size=n))
            table = f"np.array({numbers}, dtype=np.{self.pick(TABLES)})"
            self.add(f"{x} {self.pick(['*', '-', '@'])} {table}")

    def twice(self) -> None:
        """One entry, or row, written in two ways."""
        x = self.value(lambda x: any(x.shape))
        if not x:
            return
        shape = self.values[x].shape
        axis = self.pick([i for i, n in enumerate(shape) if n])
        front = self.draw(st.integers(0, shape[axis] - 1))
        back = front - shape[axis]
        before, column = ":, " * axis, tuple(-1 if i == axis else 1 for i in range(len(shape)))
        self.add(
            self.pick(
                [
                    f"{x}[{before}{front}] * 2 + {x}[{before}{back}] ** 2",
                    f"{x}[{before}{front}:] + {x}[{before}{back}:] ** 2",
                    f"{x}[{before}np.array([{front}, {back}])]",
                    f"np.take({x}, np.array([{front}, {back}, {front}]), axis={axis})",
                    f"np.take_along_axis({x}, np.array([{front}, {back}]).reshape{column}, {axis})",
                ]
            )
        )

    def stencil(self) -> None:
        """A name bound again, once or several times, to what is read through slices of it."""
        x = self.value(lambda x: x.ndim and x.shape[0] > 2)
        if not x:
            return
        in_place = "{x}[1:-1] + 0.1 * ({x}[2:] - 2 * {x}[1:-1] + {x}[:-2])"
        form = self.pick([*STENCILS, in_place])
        for _ in range(self.draw(st.integers(1, 3))):
            if len(self.values[x]) < 3:
                return
            if form == in_place:
                self.add(f"{x}.copy()", x, name=x)
                self.change(x, "1:-1", "=", form.format(x=x))
            else:
                self.add(form.format(x=x), name=x)

    def index(self, shape: Shape, *, repeats: bool) -> str:
        """An index that fits, as text; without `repeats` no entry is met twice."""
        parts, advanced = [], False
        for n in shape[: self.draw(st.integers(1, len(shape)))]:
            kind = self.draw(st.integers(0, 4 if n else 0))
            if kind == 1:
                parts.append(str(self.draw(st.integers(-n, n - 1))))
            elif kind == 2 and not advanced:
                rows = st.lists(st.integers(-n, n - 1), min_size=1, max_size=4)
                rows = self.draw(rows if repeats else st.just([0]))
                parts.append(f"np.array({rows})")
                advanced = True
            elif kind == 3 and not advanced and self.draw(st.booleans()):
                mask = self.draw(st.lists(st.booleans(), min_size=n, max_size=n))
                parts.append(f"np.array({mask})")
                advanced = True
            elif kind == 4 and repeats and not advanced:
                parts.append("None")
                parts.append(self.slice(n))
            else:
                parts.append(self.slice(n))
        return ", ".join(parts)

    def slice(self, n: int) -> str:
        ends = st.none() | st.integers(-n, n)
        start, stop = self.draw(ends), self.draw(ends)
        step = self.draw(st.sampled_from([None, 2, -1, -2]))
        shown = ["" if part is None else str(part) for part in (start, stop)]
        return ":".join(shown) + ("" if step is None else f":{step}")

    def step(self) -> None:
        self.pick(
            [
                self.unary,
                self.binary,
                self.reduction,
                self.indexing,
                self.shaping,
                self.product,
                self.joining,
                self.assignment,
                self.table,
                self.twice,
                self.stencil,
            ]
        )()

    def finish(self) -> Program:
        """Add up all values that nothing reads, with weights that differ."""
        ends: dict[str, None] = {}
        for line in self.lines:
            for name in line.reads:
                ends.pop(name, None)
            ends[line.name] = None
        result = " + ".join(f"np.sum(np.sin({end}))" for end in ends or ["x0"])
        return Program(self.shapes, tuple(self.lines), result, self.seed)


def _fresh(count: int) -> str:
    """a, b, ..., z, a1, b1, ..."""
    number, letter = divmod(count, 26)
    return f"{chr(97 + letter)}{number or ''}"


def _reads(source: str) -> frozenset[str]:
    return frozenset(re.findall(r"(?<![.\w])[a-z]\d*(?![\w(])", re.sub("'.*?'", "", source)))


def _broadcast(*shapes: Shape) -> bool:
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        return False
    return True


def _stretches(shape: Shape, target: Shape) -> bool:
    return _broadcast(shape, target) and np.broadcast_shapes(shape, target) == target


@st.composite
def programs(
    draw: Callable[..., Any], shapes: tuple[Shape, ...] = SMALL, length: int = 14
) -> Program:
    """Programs of up to so many steps on inputs of these shapes."""
    writer = _Writer(draw, shapes)
    writer.step()
    while len(writer.lines) < length and draw(
        st.integers(0, 9)
    ):  # one by one, so any can be left out
        writer.step()
    return writer.finish()
