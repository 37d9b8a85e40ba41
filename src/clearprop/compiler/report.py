"""The report on a compiled function: its stages and memory, in words and as a picture."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from html import escape

from ..draw.stage_picture import Item, draw_stages
from ..graph.graph import Graph
from ..stages.composites import Choice
from ..stages.ir import Buffer, Composite, Host, Matrices, Nest, Program, Stage, in_order, letter


@dataclass(frozen=True)
class Report:
    """Prints as text; in Jupyter it shows the picture above it."""

    text: str
    draw: Callable[[], str] = str
    """Makes the picture when somebody wants it: of a long program it takes longer than to compile that."""
    bytes: int = 0
    """What a call needs: its arguments, results that are not written over them, and temporaries."""

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__

    def svg(self) -> str:
        """Return the stages from left to right with the memory between them, as an SVG document."""
        return self.draw()

    def _repr_html_(self) -> str:
        return f"{self.svg()}\n<pre>{escape(self.text)}</pre>"


def describe(
    graph: Graph,
    program: Program,
    seconds: Mapping[str, float],
    arena: int,
    donors: Mapping[Buffer, Buffer],
    parts: Callable[[Nest], int],
) -> Report:
    """Return the report on a program: what each stage fuses, reads and writes; what NumPy does, and why.

    `arena` is the size of the memory for temporaries, `parts` says in how many parts threads may do a nest.
    """
    hosts = [s for s in program.stages if isinstance(s, Host)]
    total = sum(seconds.values())
    temporaries = list(dict.fromkeys(b.whole for b in program.buffers() if b.role == "temporary"))
    lines = [
        f"{graph.name}: {_count(len(graph.nodes), 'operation')} in {_count(len(program.stages), 'stage')}, "
        f"{len(hosts) or 'none'} of them left to NumPy",
        f"  compiled in {total * 1e3:.1f} ms: "
        + ", ".join(f"{what} {s * 1e3:.1f}" for what, s in seconds.items()),
        f"  memory: inputs {_bytes(program.inputs)}, outputs {_bytes(program.outputs)}, "
        f"{_count(len(temporaries), 'temporary array')} of {_bytes(temporaries)} in {_size(arena)}",
    ]
    lines += [f"  {out} is written over {given}" for out, given in donors.items()]
    width = len(str(len(program.stages)))
    for number, stage in enumerate(program.stages, 1):
        lines.append(f"  {number:>{width}}. {_title(stage)}{_shared(stage, parts)}")
        lines += [f"  {'':>{width}}  {line}" for line in _details(stage)]
    new = [b for b in program.outputs if b not in donors]
    needed = arena + sum(b.bytes for b in (*program.inputs, *new))
    draw = partial(draw_stages, graph.name, program, _items(program))
    return Report("\n".join(lines), draw, needed)


def _title(stage: Stage) -> str:
    if isinstance(stage, Host):
        return f"NumPy: {stage.node.primitive.name}"
    if isinstance(stage, Composite):
        return stage.title
    if isinstance(stage, Matrices):
        count = math.prod(stage.extents)
        stack = f", a stack of {count}" if count > 1 else ""
        return f"{stage.name} of {stage.order} × {stage.order}{stack}"
    axes = " × ".join(
        f"{letter(a)} {n}{' tiles' * (stage.tiles is not None and not a)}{' summed' * (a in stage.reduced)}"
        for a, n in enumerate(stage.extents)
    )
    kind = f"product over {stage.product.inner}, for " if stage.product else ""
    return f"{kind}{axes or 'one number'}"


def _shared(stage: Stage, parts: Callable[[Nest], int]) -> str:
    count = parts(stage) if isinstance(stage, Nest) else 1
    return f", in {count} parts for threads" if count > 1 else ""


def _details(stage: Stage) -> Iterator[str]:
    if isinstance(stage, Host):
        yield f"because {stage.why}"
    elif isinstance(stage, Nest):
        yield _fused(stage)
    elif isinstance(stage, Composite):
        for program in stage.programs:
            what = "" if isinstance(stage, Choice) else "a step of "
            yield f"{what}{program.name} is {_count(len(program.stages), 'stage')}:"
            for number, inner in enumerate(program.stages, 1):
                yield f"  {number}. {_title(inner)}"
                yield from (f"     {line}" for line in _details(inner))
    given = dict.fromkeys(b for b in in_order(stage.reads()) if b.role != "constant")
    yield f"reads {', '.join(map(str, given)) or 'nothing'}; writes " + ", ".join(
        f"{b} ({_size(b.bytes)})" for b in dict.fromkeys(in_order(stage.writes()))
    )


def _fused(nest: Nest) -> str:
    """Return what a nest computes, by the names of the graph's operations."""
    found = Counter(node.primitive.name for node in nest.covers)
    if not found:
        return "adds up the parts of the stage before"
    return ", ".join(name if n == 1 else f"{name} ×{n}" for name, n in found.items())


def _items(program: Program) -> list[Item]:
    items = []
    for stage in program.stages:
        if isinstance(stage, Host):
            items.append(Item("NumPy", stage.node.primitive.name, True))
            continue
        names = _fused(stage) if isinstance(stage, Nest) else stage.name
        items.append(Item(_title(stage), names if len(names) <= 40 else f"{names[:38]} …", False))
    return items


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'s' * (n != 1)}"


def _bytes(buffers: list[Buffer]) -> str:
    return _size(sum(b.bytes for b in buffers))


def _size(n: int) -> str:
    """Return a number of bytes, to read.

    >>> _size(12), _size(4096), _size(10_000_000)
    ('12 B', '4 KiB', '9.5 MiB')
    """
    for unit in ("B", "KiB", "MiB"):
        if n < 1024:
            return f"{n:.3g} {unit}" if unit != "B" else f"{n} B"
        n /= 1024  # type: ignore[assignment]
    return f"{n:.3g} GiB"
