"""Whether a program of stages is well formed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..errors import CompileError
from .ir import (
    Access,
    Accumulate,
    Buffer,
    Composite,
    Gather,
    Index,
    Load,
    Matrices,
    Nest,
    Program,
    Reduction,
    Store,
    Sums,
    in_order,
)
from .matrices import shapes


def verify(program: Program) -> None:
    """Raise CompileError unless every stage is well formed.

    Nothing is read before it is written, no access leaves its buffer, a store names a place of its own
    for each value, and a nest reads what it writes only at the very place.
    """
    known = {b for b in program.buffers() if b.role in ("input", "constant")}
    for number, stage in enumerate(program.stages):
        what = f"{program.name}, stage {number}"
        if not isinstance(stage, Nest):
            for inner in stage.programs if isinstance(stage, Composite) else []:
                verify(inner)
            _require_written(what, in_order(stage.reads()), known)
            known.update(stage.writes())
            if isinstance(stage, Matrices):
                for shape, access in zip(shapes(stage), stage.inputs, strict=True):
                    _require_inside(what, access, (*stage.extents, *shape))
            continue
        written = {a.buffer: a for a in stage.writes()}  # several parts of one are never read there
        _require_written(what, (a.buffer for a in stage.reads() if a.buffer not in written), known)
        for e in stage.expressions():
            if isinstance(e, Load):
                _require_inside(what, e.access, stage.extents)
                mine = written.get(e.access.buffer)
                if mine not in (None, e.access) and not _alike(mine, e.access, stage.extents):
                    raise CompileError(f"{what}: reads {e.access} while it writes {mine}")
            if isinstance(e, Gather):
                _require_inside(what, _at_the_end(e.access, e.indices), stage.extents)
                if e.access.buffer in written:
                    raise CompileError(f"{what}: picks from {e.access.buffer} while it writes it")
            if isinstance(e, Reduction) and not stage.reduced:
                raise CompileError(f"{what}: a reduction without a reduced axis")
            if isinstance(e, Sums) and stage.product is None:
                raise CompileError(f"{what}: sums without a product")
        for effect in stage.effects:
            _require_inside(what, effect.access, stage.extents)
            if isinstance(effect, Accumulate):
                _require_inside(what, _at_the_end(effect.access, effect.indices), stage.extents)
            if isinstance(effect, Store):
                wide = {a for a in effect.value.axes if stage.extents[a] > 1}
                if stage.tiles is not None and effect.access.buffer in stage.tiles.own:
                    wide -= {0}  # written anew for each tile
                if not wide <= effect.access.axes():
                    raise CompileError(f"{what}: several values for one place of {effect.access}")
        known.update(written)
    _require_written(program.name, program.outputs, known)


def _alike(x: Access, y: Access, extents: Sequence[int]) -> bool:
    """Return whether two accesses differ only along axes of one entry."""
    return x.offset == y.offset and all(
        s == t or extent == 1 for s, t, extent in zip(x.strides, y.strides, extents, strict=True)
    )


def _at_the_end(access: Access, indices: tuple[Index, ...]) -> Access:
    """Return the access where every index is as large as it may be."""
    return replace(access, offset=access.offset + sum(s * (n - 1) for _, s, n in indices))


def _require_written(
    what: str, buffers: Iterator[Buffer] | list[Buffer], known: set[Buffer]
) -> None:
    for b in buffers:
        if b not in known and b.size:
            raise CompileError(f"{what}: {b} is read before it is written")


def _require_inside(what: str, access: Access, extents: tuple[int, ...]) -> None:
    if 0 in extents:
        return
    reach = [(n - 1) * s for n, s in zip(extents, access.strides, strict=True)]
    low = access.offset + sum(r for r in reach if r < 0)
    high = access.offset + sum(r for r in reach if r > 0)
    if low < 0 or high >= access.buffer.size:
        raise CompileError(f"{what}: {access} leaves its buffer of {access.buffer.size}")
