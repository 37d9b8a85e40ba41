"""What goes along an axis in order, so that no nest can compute it: running sums, and places of extremes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ...graph.graph import Node
from ...stages.grouping import why_host
from ...stages.ir import Access, Buffer, Host
from ...stages.views import View, dense
from .dialect import Dialect
from .lines import Lines
from .scalar_expressions import place_of


class Routine(Lines):
    """Loops over an array's other axes around one along an axis."""

    def __init__(
        self, host: Host, dialect: Dialect, buffers: Mapping[Buffer, str], taken: set[str]
    ) -> None:
        super().__init__(dialect, taken)
        self.params, self.buffers = host.node.params, buffers
        self.sources: list[Access] = []
        for b, view in host.inputs:
            assert isinstance(view, View)
            self.sources.append(Access(b, view.strides, view.offset))
        self.shape = host.node.inputs[-1].spec.shape
        (self.result,) = (b for b in host.outputs if b is not None)
        self.dtype = self.result.dtype
        self.axis: int = self.params["axis"]
        self.remarks([host.node])

    def around(self, inside: Callable[[], None]) -> None:
        """Write the lines within loops over all other axes."""
        others = [i for i, n in enumerate(self.shape) if i != self.axis and n != 1]
        for i in others:
            self.open(i, self.shape[i])
        inside()
        self.close(len(others))

    def entry(self, access: Access, shift: int = 0) -> str:
        """Return the entry at the loops' point, or so many places further along the axis."""
        name, offset = self.buffers[access.buffer], access.offset + shift * self.along(access)
        moved = Access(access.buffer, access.strides, offset)
        return self.dialect.single(access.buffer, name) or place_of(moved, name)

    def along(self, access: Access) -> int:
        return access.strides[self.axis]

    def made(self) -> Access:
        """Return the entry of the result, where that has the shape of what goes in."""
        return Access(self.result, dense(self.shape))


def _total(symbol: str, name: str, first: str) -> Callable[[Routine], None]:
    """Return a running sum or product."""

    def write(routine: Routine) -> None:
        (x,), n = routine.sources, routine.shape[routine.axis]
        total = routine.fresh(name)

        def inside() -> None:
            routine.line(routine.dialect.variable(total, routine.dtype, first))
            routine.open(routine.axis, n, down=routine.params["reverse"])
            value = routine.entry(x)
            routine.line(routine.dialect.updated(total, symbol, value, routine.dtype))
            routine.line(f"{routine.entry(routine.made())} = {total};")
            routine.close()

        routine.around(inside)

    return write


def _recurrence(routine: Routine) -> None:
    """Write ``s[i] = x[i] + links[i - 1] * s[i - 1]``, or from the end."""
    (links, x), s = routine.sources, routine.made()
    n, down = routine.shape[routine.axis], routine.params["reverse"]
    start, there, before = (n - 1, 0, 1) if down else (0, 1, 0)

    def inside() -> None:
        first = [
            Access(a.buffer, _without(a.strides, routine.axis), a.offset + start * routine.along(a))
            for a in (s, x)
        ]
        routine.line(" = ".join(map(routine.entry, first)) + ";")
        routine.open(routine.axis, n - 1, down=down)
        routine.line(
            f"{routine.entry(s, there)} = {routine.entry(x, there)} + "
            f"{routine.entry(links)} * {routine.entry(s, before)};"
        )
        routine.close()

    routine.around(inside)


def _without(strides: Sequence[int], axis: int) -> tuple[int, ...]:
    return tuple(0 if i == axis else stride for i, stride in enumerate(strides))


ROUTINES: dict[str, Callable[[Routine], None]] = {
    "cumsum": _total("+", "sum", "0"),
    "cumprod": _total("*", "product", "1"),
    "recurrence": _recurrence,
}
"""By the name of a primitive with an `axis` that is one number."""


def has_routine(node: Node) -> bool:
    """Return whether there are loops for a node that no nest computes."""
    return node.primitive.name in ROUTINES and not why_host(node)


def routine_lines(
    host: Host, dialect: Dialect, buffers: Mapping[Buffer, str], taken: set[str]
) -> Lines:
    """Return the loops of such a node. New names are added to `taken`."""
    routine = Routine(host, dialect, buffers, taken)
    ROUTINES[host.node.primitive.name](routine)
    return routine
