"""Writing LLVM IR as text: typed values with Python's operators, loops, loads and stores.

A `Value` is a register or a constant of one `Type`: a number, or several side by side (*lanes*).
Code written with values works for any number of lanes and any dtype. No liberty is taken with floating
point numbers but in the order of sums: a product and a sum are fused only where `fma` says so, since a value
that is computed in two places has to be the same in both.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from .types import BOOL, F32, F64, I8, I32, I64, Number, Type


@dataclass(frozen=True, slots=True)
class Value:
    """What a register or a constant holds; `+ - * / & | ^ << >>` and unary minus write code."""

    builder: Builder
    ref: str
    type: Type

    def __add__(self, other: Value | Number) -> Value:
        return self.builder.binary("fadd", "add", self, other)

    def __radd__(self, other: Number) -> Value:
        return self.like(other) + self

    def __sub__(self, other: Value | Number) -> Value:
        return self.builder.binary("fsub", "sub", self, other)

    def __rsub__(self, other: Number) -> Value:
        return self.like(other) - self

    def __mul__(self, other: Value | Number) -> Value:
        return self.builder.binary("fmul", "mul", self, other)

    def __rmul__(self, other: Number) -> Value:
        return self.like(other) * self

    def __truediv__(self, other: Value | Number) -> Value:
        return self.builder.binary("fdiv", "", self, other)

    def __rtruediv__(self, other: Number) -> Value:
        return self.like(other) / self

    def __and__(self, other: Value | Number) -> Value:
        return self.builder.binary("", "and", self, other)

    def __or__(self, other: Value | Number) -> Value:
        return self.builder.binary("", "or", self, other)

    def __xor__(self, other: Value | Number) -> Value:
        return self.builder.binary("", "xor", self, other)

    def __lshift__(self, other: Value | Number) -> Value:
        return self.builder.binary("", "shl", self, other)

    def __rshift__(self, other: Value | Number) -> Value:
        """Shift right: arithmetically for signed integers, logically for unsigned ones."""
        return self.builder.binary("", "ashr" if self.type.is_signed else "lshr", self, other)

    def __neg__(self) -> Value:
        if self.type.is_float:
            return self.builder.value(self.type, f"fneg {self.type.text} {self.ref}")
        return self.like(0) - self

    def __invert__(self) -> Value:
        return self ^ (True if self.type.is_bool else -1)

    def like(self, number: Value | Number) -> Value:
        """Return a number as a constant of this type; a value of this type as it is."""
        if isinstance(number, Value):
            assert number.type == self.type, (number.type, self.type)
            return number
        return self.builder.constant(self.type, number)


__all__ = ["BOOL", "F32", "F64", "I8", "I32", "I64", "Builder", "Loop", "Type", "Value", "module"]


class Loop:
    """A loop being written: `index`, the `carried` values, and the `next` ones to be set in its body."""

    def __init__(self, index: Value, carried: list[Value]) -> None:
        self.index = index
        self.carried = carried
        self.next: list[Value] = []
        """To be set before the body ends: what the carried values become."""
        self.results: list[Value] = []
        """After the loop: what the carried values became last."""


class Builder:
    """Writes the body of one function; with `calls`, it calls long operations on single numbers.

    `declarations` are of functions from elsewhere, `definitions` of those that a module has once.
    """

    def __init__(self, *, calls: bool = False) -> None:
        self.calls = calls
        self.lines: list[str] = []
        self.declarations: set[str] = set()
        self.definitions: dict[str, str] = {}
        self._first: list[str] = []
        self._registers = 0
        self._labels = 0

    # ---- text

    def do(self, text: str) -> None:
        """Write an instruction without a result."""
        self.lines.append(f"  {text}")

    def value(self, type: Type, text: str) -> Value:
        """Write an instruction with a result of this type."""
        return Value(self, self.pointer(text), type)

    def pointer(self, text: str) -> str:
        """Write an instruction whose result is an address."""
        self._registers += 1
        ref = f"%r{self._registers}"
        self.lines.append(f"  {ref} = {text}")
        return ref

    def new_label(self) -> str:
        self._labels += 1
        return f"L{self._labels}"

    def label(self, name: str) -> None:
        self.lines.append(f"{name}:")

    def declare(self, text: str) -> None:
        """Declare a function from elsewhere: ``declare float @llvm.fma.f32(...)``."""
        self.declarations.add(text)

    def function(self, name: str, arguments: str, returns: str = "void", linkage: str = "") -> str:
        """Return the function that was written, as text."""
        body = "\n".join(self._first + self.lines)
        return f"define {linkage} {returns} @{name}({arguments}) #0 {{\nentry:\n{body}\n}}\n"

    def stack(self, dtype: Any, count: int) -> str:
        """Return the address of memory for a few numbers, for as long as the function runs."""
        self._registers += 1
        ref = f"%r{self._registers}"
        self.first(f"{ref} = alloca [{np.dtype(dtype).itemsize * count} x i8], align 64")
        return ref

    def first(self, text: str) -> None:
        """Write an instruction at the start of the function."""
        self._first.append(f"  {text}")

    # ---- constants and lanes

    def constant(self, type: Type, number: Any) -> Value:
        """Return the same number in every lane."""
        if type.is_float:
            bits = struct.unpack("<Q", struct.pack("<d", float(type.dtype.type(number))))[0]
            text = f"0x{bits:016X}"
            if type.bits == 16:
                text = f"0xH{np.float16(number).view('u2'):04X}"
        elif type.is_bool:
            text = "true" if number else "false"
        else:
            text = str(int(number))
        return Value(self, text if type.width == 1 else f"splat ({type.element} {text})", type)

    def lanes(self, type: Type, numbers: Iterable[Any]) -> Value:
        """Return a different number in each lane."""
        single = type.wide(1)
        texts = [f"{type.element} {self.constant(single, n).ref}" for n in numbers]
        return Value(self, f"<{', '.join(texts)}>", type)

    def counting(self, type: Type) -> Value:
        """Return 0, 1, 2, ... across the lanes."""
        return self.lanes(type, range(type.width)) if type.width > 1 else self.constant(type, 0)

    def mask(self, width: int, lanes: int) -> Value:
        """Return a mask that is true in the first `lanes` lanes."""
        return self.lanes(BOOL.wide(width), (i < lanes for i in range(width)))

    def spread(self, x: Value, width: int) -> Value:
        """Return one number copied into every lane."""
        if x.type.width == width:
            return x
        type = x.type.wide(width)
        if not x.ref.startswith("%"):  # a constant
            return Value(self, f"splat ({type.element} {x.ref})", type)
        first = self.value(type, f"insertelement {type.text} poison, {type.element} {x.ref}, i64 0")
        return self.value(
            type,
            f"shufflevector {type.text} {first.ref}, {type.text} poison, <{width} x i32> zeroinitializer",
        )

    def shuffle(self, x: Value, y: Value | None, order: Sequence[int]) -> Value:
        """Return lanes picked from x (0, 1, ...) and y (width, width + 1, ...)."""
        type = x.type.wide(len(order))
        picks = ", ".join(f"i32 {i}" for i in order)
        other = "poison" if y is None else y.ref
        return self.value(
            type,
            f"shufflevector {x.type.text} {x.ref}, {x.type.text} {other}, <{len(order)} x i32> <{picks}>",
        )

    # ---- arithmetic

    def binary(self, floating: str, integral: str, x: Value, y: Value | Number) -> Value:
        y = x.like(y)
        operation = floating if x.type.is_float else integral
        assert operation, f"not for {x.type.text}"
        return self.value(x.type, f"{operation} {x.type.text} {x.ref}, {y.ref}")

    def compare(self, how: str, x: Value, y: Value | Number) -> Value:
        """Compare by ``== != < <= > >=`` as IEEE has them (all false for NaN, except !=);
        ``unordered``: any is NaN.
        """
        y = x.like(y)
        if x.type.is_float:
            condition = {"==": "oeq", "!=": "une", "<": "olt", "<=": "ole", ">": "ogt", ">=": "oge"}
            text = f"fcmp {condition.get(how, 'uno')}"
        else:
            sign = "s" if x.type.is_signed and not x.type.is_bool else "u"
            condition = {"==": "eq", "!=": "ne", "<": f"{sign}lt", "<=": f"{sign}le"}
            condition |= {">": f"{sign}gt", ">=": f"{sign}ge"}
            text = f"icmp {condition[how]}"
        return self.value(x.type.truth, f"{text} {x.type.text} {x.ref}, {y.ref}")

    def is_nan(self, x: Value) -> Value:
        return self.compare("unordered", x, x)

    def select(self, condition: Value, x: Value | Number, y: Value | Number) -> Value:
        """Return x where the condition holds, else y; one of them may be a number."""
        if not isinstance(x, Value):
            assert isinstance(y, Value)
            x = y.like(x)
        y = x.like(y)
        return self.value(
            x.type,
            f"select {condition.type.text} {condition.ref}, {x.type.text} {x.ref}, {y.type.text} {y.ref}",
        )

    def call(
        self, name: str, *values: Value, returns: Type | None = None, suffix: str | None = None
    ) -> Value:
        """Call an LLVM intrinsic: ``call("fma", x, y, z)``; its name ends in the first value's type."""
        returns = returns or values[0].type
        full = f"@llvm.{name}.{suffix or values[0].type.suffix}"
        self.declare(f"declare {returns.text} {full}({', '.join(v.type.text for v in values)})")
        arguments = ", ".join(f"{v.type.text} {v.ref}" for v in values)
        return self.value(returns, f"call {returns.text} {full}({arguments})")

    def fma(self, x: Value, y: Value | Number, z: Value | Number) -> Value:
        """Return x * y + z, rounded once."""
        return self.call("fma", x, x.like(y), x.like(z))

    def convert(self, x: Value, dtype: Any) -> Value:
        """Convert to another dtype as NumPy's astype does; a floating number must fit into a whole one."""
        to, source = x.type.of(dtype), x.type
        if to == source:
            return x
        if to.is_bool:
            return self.compare("!=", x, 0)
        if source.is_float:
            if to.is_float:
                name = "fpext" if to.bits > source.bits else "fptrunc"
            else:
                name = "fptosi" if to.is_signed else "fptoui"
        elif to.is_float:
            name = "uitofp" if source.is_bool or not source.is_signed else "sitofp"
        elif source.is_bool or to.bits > source.bits:
            name = "zext" if source.is_bool or not source.is_signed else "sext"
        elif to.bits < source.bits:
            name = "trunc"
        else:  # between signed and unsigned
            return Value(self, x.ref, to)
        return self.value(to, f"{name} {source.text} {x.ref} to {to.text}")

    def bits(self, x: Value, to: Type) -> Value:
        """Return the same bits as another type of that size."""
        return self.value(to, f"bitcast {x.type.text} {x.ref} to {to.text}")

    def reduce(self, how: str, x: Value) -> Value:
        """Return all lanes added (``add``), multiplied (``mul``), or their ``max``, ``min``, ``and``, ``or``.

        The order of additions is free. NaN wins in max and min, as in NumPy.
        """
        if x.type.width == 1:
            return x
        single = x.type.wide(1)
        if x.type.is_float and how in ("add", "mul"):
            name = f"@llvm.vector.reduce.f{how}.{x.type.suffix}"
            self.declare(f"declare {single.text} {name}({single.text}, {x.type.text})")
            start = self.constant(single, -0.0 if how == "add" else 1.0)
            return self.value(
                single,
                f"call reassoc {single.text} {name}({single.text} {start.ref}, {x.type.text} {x.ref})",
            )
        if how in ("max", "min"):
            prefix = "f" if x.type.is_float else "s" if x.type.is_signed else "u"
            how = f"{prefix}{how}" + ("imum" if x.type.is_float else "")
        return self.call(f"vector.reduce.{how}", x, returns=single)

    # ---- memory

    def offset(self, pointer: str, *terms: tuple[Value | int, int], size: int = 1) -> str:
        """Return pointer + Σ index · stride elements of `size` bytes."""
        fixed = 0
        for index, stride in terms:
            if isinstance(index, int):
                fixed += index * stride
            elif not index.ref.startswith("%"):
                fixed += int(index.ref) * stride
            elif stride:
                pointer = self.pointer(
                    f"getelementptr i8, ptr {pointer}, i64 {(index * (stride * size)).ref}"
                )
        if fixed:
            pointer = self.pointer(f"getelementptr i8, ptr {pointer}, i64 {fixed * size}")
        return pointer

    def load(self, type: Type, pointer: str, lanes: int | None = None) -> Value:
        """Load consecutive numbers, one for each lane; only the first `lanes` of them if given, the
        rest 0.
        """
        memory = type.of("u1") if type.is_bool else type
        if lanes is None or lanes >= type.width:
            x = self.value(
                memory, f"load {memory.text}, ptr {pointer}, align {memory.dtype.itemsize}"
            )
        else:
            mask = self.mask(type.width, lanes)
            name = f"@llvm.masked.load.{memory.suffix}.p0"
            self.declare(f"declare {memory.text} {name}(ptr, {mask.type.text}, {memory.text})")
            x = self.value(
                memory,
                f"call {memory.text} {name}(ptr align {memory.dtype.itemsize} {pointer}, "
                f"{mask.type.text} {mask.ref}, {memory.text} zeroinitializer)",
            )
        return self.compare("!=", x, 0) if type.is_bool else x

    def store(self, x: Value, pointer: str, lanes: int | None = None) -> None:
        """Store every lane to consecutive places, or only the first `lanes`."""
        if x.type.is_bool:
            x = self.convert(x, "u1")
        align = x.type.dtype.itemsize
        if lanes is None or lanes >= x.type.width:
            self.do(f"store {x.type.text} {x.ref}, ptr {pointer}, align {align}")
            return
        mask = self.mask(x.type.width, lanes)
        name = f"@llvm.masked.store.{x.type.suffix}.p0"
        self.declare(f"declare void {name}({x.type.text}, ptr, {mask.type.text})")
        self.do(
            f"call void {name}({x.type.text} {x.ref}, ptr align {align} {pointer}, "
            f"{mask.type.text} {mask.ref})"
        )

    def _apart(self, width: int, stride: int) -> Value:
        """Return 0, 1, 2, ... times `stride`."""
        return self.lanes(I64.wide(width), (i * stride for i in range(width)))

    def _places(self, type: Type, pointer: str, index: Value) -> tuple[str, str]:
        """Return the addresses of lanes that lie `index` numbers from `pointer`: a vector, and its type."""
        memory = "i8" if type.is_bool else type.element
        places = f"<{type.width} x ptr>"
        ref = self.pointer(f"getelementptr {memory}, ptr {pointer}, {index.type.text} {index.ref}")
        return ref, places

    def gather(self, type: Type, pointer: str, stride: int, lanes: int) -> Value:
        """Return the first `lanes` lanes from places that lie `stride` numbers apart, the rest 0."""
        return self.gather_at(type, pointer, self._apart(type.width, stride), lanes)

    def gather_at(self, type: Type, pointer: str, index: Value, lanes: int) -> Value:
        """Return the first `lanes` lanes from the places `index` numbers from `pointer`, the rest 0."""
        memory = type.of("u1") if type.is_bool else type
        ref, places = self._places(type, pointer, index)
        mask = self.mask(type.width, lanes)
        name = f"@llvm.masked.gather.{memory.suffix}.v{type.width}p0"
        self.declare(f"declare {memory.text} {name}({places}, {mask.type.text}, {memory.text})")
        x = self.value(
            memory,
            f"call {memory.text} {name}({places} align {memory.dtype.itemsize} {ref}, "
            f"{mask.type.text} {mask.ref}, {memory.text} zeroinitializer)",
        )
        return self.compare("!=", x, 0) if type.is_bool else x

    def scatter(self, x: Value, pointer: str, stride: int, lanes: int) -> None:
        """Store the first `lanes` lanes to places that lie `stride` numbers apart."""
        if x.type.is_bool:
            x = self.convert(x, "u1")
        ref, places = self._places(x.type, pointer, self._apart(x.type.width, stride))
        mask = self.mask(x.type.width, lanes)
        name = f"@llvm.masked.scatter.{x.type.suffix}.v{x.type.width}p0"
        self.declare(f"declare void {name}({x.type.text}, {places}, {mask.type.text})")
        self.do(
            f"call void {name}({x.type.text} {x.ref}, {places} align {x.type.dtype.itemsize} {ref}, "
            f"{mask.type.text} {mask.ref})"
        )

    # ---- control

    @contextmanager
    def only_if(self, condition: Value | None) -> Iterator[None]:
        """Do what is written within only if the condition holds (None: always)."""
        if condition is None:
            yield
            return
        then, after = self.new_label(), self.new_label()
        self.do(f"br i1 {condition.ref}, label %{then}, label %{after}")
        self.label(then)
        yield
        self.do(f"br label %{after}")
        self.label(after)

    def when_any(self, condition: Value, rare: Callable[[], Value], usual: Value) -> Value:
        """Do what `rare` writes where the condition holds in any lane, else `usual`; by a jump."""
        if condition.type.width > 1:
            condition = self.reduce("or", condition)
        before, then, after, end = (self.new_label() for _ in range(4))
        self.do(f"br label %{before}")
        self.label(before)
        self.do(f"br i1 {condition.ref}, label %{then}, label %{after}")
        self.label(then)
        found = rare()
        last = self.new_label()
        self.do(f"br label %{last}")
        self.label(last)
        self.do(f"br label %{after}")
        self.label(after)
        result = self.value(
            usual.type,
            f"phi {usual.type.text} [{usual.ref}, %{before}], [{found.ref}, %{last}]",
        )
        self.do(f"br label %{end}")
        self.label(end)
        return result

    @contextmanager
    def loop(
        self,
        start: Value | int,
        stop: Value | int,
        step: int = 1,
        carried: Sequence[Value] = (),
    ) -> Iterator[Loop]:
        """Loop from `start` (inclusive) by `step` while below `stop`; the body runs at least once.

        A loop of one round is written without a jump.
        """
        known = isinstance(start, int) and isinstance(stop, int)
        if known and start + step >= stop:  # type: ignore[operator]
            once = Loop(
                start if isinstance(start, Value) else self.constant(I64, start), list(carried)
            )
            yield once
            once.results = once.next
            return
        before, head, back, after = (self.new_label() for _ in range(4))
        self.do(f"br label %{before}")
        self.label(before)
        self.do(f"br label %{head}")
        self.label(head)
        place = len(self.lines)
        index = Value(self, f"%i_{head}", I64)
        held = [Value(self, f"%c_{head}_{k}", x.type) for k, x in enumerate(carried)]
        loop = Loop(index, held)
        yield loop
        assert len(loop.next) == len(held), "set loop.next"
        self.do(f"br label %{back}")
        self.label(back)
        following = self.value(I64, f"add nuw nsw i64 {index.ref}, {step}")
        more = self.compare("<", following, stop)
        self.do(f"br i1 {more.ref}, label %{head}, label %{after}")
        self.label(after)
        first = start.ref if isinstance(start, Value) else start
        phis = [f"  {index.ref} = phi i64 [{first}, %{before}], [{following.ref}, %{back}]"]
        phis += [
            f"  {x.ref} = phi {x.type.text} [{was.ref}, %{before}], [{then.ref}, %{back}]"
            for x, was, then in zip(held, carried, loop.next, strict=True)
        ]
        self.lines[place:place] = phis
        loop.results = loop.next


def module(functions: Sequence[str], builders: Sequence[Builder], *, width: int = 512) -> str:
    """Return a whole module of functions; `width` is the vector register size to prefer, in bits."""
    declarations = sorted(set().union(*(b.declarations for b in builders)))
    definitions = {k: text for b in builders for k, text in b.definitions.items()}
    attributes = (
        f'attributes #0 = {{ nounwind mustprogress "prefer-vector-width"="{width}" '
        f'"min-legal-vector-width"="{width}" "no-trapping-math"="true" }}\n'
    )
    return "\n".join([*functions, *definitions.values(), *declarations, attributes])
