"""Reading and writing parts of arrays.

An index is kept as data: a tuple of slices, whole numbers, None and ``...``, in which an array stands
as a `Slot` naming the input that holds it. So an index array may be a Tensor (labels, an argmax) and
be unknown while tracing.
"""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.array_types import AnyArray, Array, DType, IndexLike, Shape
from ..engine.arrays import LISTS, joined, positions
from ..engine.broadcasting import broadcast_shapes
from ..engine.bundle import Bundle
from ..engine.primitive import Custom, Sample, answers, floats, primitive
from ..engine.spec import ArraySpec, is_floating, shape_of
from ..engine.tensor import Tensor
from ..errors import DtypeError, TraceError


@dataclass(frozen=True, slots=True)
class Slot:
    """The place of an index array: the number of the input that holds it."""

    number: int


Index = tuple[Any, ...]
_FULL = slice(None)
_ENTRY = np.zeros(1, bool)


def split_index(index: IndexLike) -> tuple[Index, tuple[Any, ...]]:
    """Return an index, as the user wrote it, with slots for its arrays, and the arrays for them."""
    items = index if isinstance(index, tuple) else (index,)
    arrays: list[AnyArray] = []
    parts: list[Any] = []
    for item in items:
        if type(item) is int or item is None or item is Ellipsis or isinstance(item, slice):
            parts.append(item)
            continue
        part = item if type(item) is np.ndarray else positions(item)
        if isinstance(part, int):
            parts.append(part)
            continue
        if part is None:
            raise IndexError(
                f"an index is made of whole numbers, slices, ..., None and arrays of whole numbers or "
                f"booleans; not of {item!r}"
            )
        if part.dtype.kind not in "biu":
            raise IndexError(f"an index array holds whole numbers or booleans, not {part.dtype}")
        parts.append(Slot(len(arrays)))
        arrays.append(part)
    return tuple(parts), tuple(arrays)


def _fill(index: Index, arrays: tuple[Array, ...]) -> Index:
    return tuple(arrays[part.number] if isinstance(part, Slot) else part for part in index)


def _region(shape: Shape, index: Index, arrays: tuple[Array, ...]) -> tuple[int, ...]:
    """Return the shape that an index picks out of an array of this shape."""
    known = []
    for array in arrays:
        if isinstance(array, ArraySpec):
            if array.dtype.kind == "b":
                raise TraceError(
                    f"a boolean mask of shape {array.shape} whose values are not known picks an unknown "
                    f"number of entries. Use np.where(mask, x, 0.0), or a mask that is no argument."
                )
            array = np.zeros(array.shape, int)
        known.append(array)
    dummy = np.ndarray(shape, bool, _ENTRY, strides=(0,) * len(shape))  # all of it one entry
    return dummy[_fill(index, tuple(known))].shape


def _write_index(index: Index, arrays: tuple[str, ...]) -> str:
    def write(part: Any) -> str:
        if isinstance(part, Slot):
            return arrays[part.number]
        if isinstance(part, slice):
            start, stop = ("" if n is None else str(n) for n in (part.start, part.stop))
            return f"{start}:{stop}" + ("" if part.step is None else f":{part.step}")
        return "..." if part is Ellipsis else str(part)

    return ", ".join(map(write, index))


# ---- reading


def _getitem(x: Array, *arrays: Array, index: Index) -> Array:
    axis = _axis_of(index, arrays, x)
    if axis is not None:
        return x.take(arrays[0], axis)  # in half the time, and less for small arrays
    return x[_fill(index, arrays)]


def _axis_of(index: Index, arrays: tuple[Array, ...], x: Array) -> int | None:
    """Return the axis that an index of one array of positions and full slices picks along; else None."""
    if len(arrays) != 1 or arrays[0].dtype.kind not in "iu":
        return None
    at = 0
    for i, part in enumerate(index):
        if isinstance(part, Slot):
            at = i
        elif part is not Ellipsis and part != _FULL:
            return None
    axis = at - len(index) + x.ndim if Ellipsis in index[:at] else at
    return axis if axis < x.ndim else None


def _getitem_spec(x: Array, *arrays: Array, index: Index) -> ArraySpec:
    return ArraySpec(_region(x.shape, index, arrays), x.dtype)


def getitem_vjp(g: Array, out: Array, x: Array, *arrays: Array, index: Index) -> Array:
    return scatter(g, *arrays, index=index, shape=x.shape)


def _write_getitem(x: str, *arrays: str, index: Index) -> str:
    return f"{x}[{_write_index(index, arrays)}]"


def _assigned(base: Array, new: Array, index: Index) -> Array:
    return _assign_record(base, new, index=index)


_ROWS = np.array([0, 2, 2])
_COLUMNS = np.array([1, 0, 0])
_MASK = np.array([[True, False, True, True], [False] * 4, [True, False, False, False]])

slice_ = primitive(
    "slice",
    _getitem,
    spec=_getitem_spec,
    vjp=(getitem_vjp,),
    role="selects",
    why="What was picked gets its gradient, what was left out gets zero.",
    notation=Custom(_write_getitem),
    traits=["view"],
    put=_assigned,
    samples=(
        Sample(floats(3, 4), index=(1,)),
        Sample(floats(3, 4), index=(slice(None, None, -2), slice(1, 3))),
        Sample(floats(2, 3, 4), index=(Ellipsis, None, 0)),
        Sample(floats(5), index=(-1,)),
    ),
)

gather = primitive(
    "gather",
    _getitem,
    spec=_getitem_spec,
    vjp=(getitem_vjp,),
    role="selects",
    why="What was picked gets its gradient, twice what was picked twice; what was left out gets zero.",
    notation=Custom(_write_getitem),
    traits=["linear"],
    samples=(
        Sample(floats(3, 4), _ROWS, index=(Slot(0),)),
        Sample(floats(3, 4), _ROWS, _COLUMNS, index=(Slot(0), Slot(1))),
        Sample(floats(3, 4), _MASK, index=(Slot(0),)),
        Sample(floats(3, 2, 4), _COLUMNS, index=(slice(None), Slot(0), slice(0, 2))),
    ),
)


@answers(operator.getitem)
def getitem(x: Array, index: Any) -> Array:
    if type(getattr(x, "value", None)) is Bundle:  # one of several results
        return tuple(x)[index]
    parts, arrays = split_index(index)
    return (gather if arrays else slice_)(x, *arrays, index=parts)


def _scatter(g: Array, *arrays: Array, index: Index, shape: Shape) -> Array:
    out = np.zeros(shape, g.dtype)
    if not any(a.dtype.kind in "iu" for a in arrays):
        out[_fill(index, arrays)] = g
        return out
    # an entry may be picked more than once
    if index == (Slot(0),) and out.ndim == 1:  # NumPy is fast where all is flat
        np.add.at(out, arrays[0].astype(np.intp, copy=False).reshape(-1), g.reshape(-1))
        return out
    axis = _axis_of(index, arrays, out) if g.size > 500 and out.ndim > 1 else None
    if axis is None:
        add_at(out, _fill(index, arrays), g)
    else:
        _add_rows(out, axis, arrays[0].astype(np.intp).reshape(-1), g)
    return out


def add_at(out: AnyArray, place: AnyArray, g: Array) -> None:
    """Do ``np.add.at``, which crashes beyond 32 axes: there, with places in the flat array."""
    if out.ndim > 32:
        place = np.arange(out.size).reshape(out.shape)[place].reshape(-1)
        out, g = out.reshape(-1), g.reshape(-1)
    np.add.at(out, place, g)


def _add_rows(out: Array, axis: int, rows: Array, g: Array) -> None:
    """Do ``np.add.at`` for positions along one axis, several times as fast for many numbers."""
    count, width = out.shape[axis], math.prod(out.shape[axis + 1 :])
    rows = np.where(rows < 0, rows + count, rows)
    g = g.reshape(-1, rows.size, width)
    if np.bincount(rows, minlength=1).max() == 1:
        out.reshape(-1, count, width)[:, rows] = g
        return
    before = np.arange(len(g)) * (count * width)
    places = before[:, None, None] + (rows * width)[:, None] + np.arange(width)
    np.add.at(out.reshape(-1), places.reshape(-1), g.reshape(-1))


def _scatter_spec(g: Array, *arrays: Array, index: Index, shape: Shape) -> ArraySpec:
    return ArraySpec(shape, g.dtype)


def scatter_vjp(
    g: Array, out: Array, x: Array, *arrays: Array, index: Index, shape: Shape
) -> Array:
    return (gather if arrays else slice_)(g, *arrays, index=index)


def _write_scatter(g: str, *arrays: str, index: Index, shape: Shape) -> str:
    return f"scatter({g}, at=[{_write_index(index, arrays)}], shape={shape})"


scatter = primitive(
    "scatter",
    _scatter,
    spec=_scatter_spec,
    vjp=(scatter_vjp,),
    role="selects",
    why="The way back of indexing: each number gets the gradient of the place that it was put at.",
    notation=Custom(_write_scatter),
    traits=["linear"],
    noun="spread",
    samples=(
        Sample(floats(4), index=(1,), shape=(3, 4)),
        Sample(floats(3), _ROWS, _COLUMNS, index=(Slot(0), Slot(1)), shape=(3, 4)),
        Sample(floats(4), _MASK, index=(Slot(0),), shape=(3, 4)),
    ),
)


def scattered(values: Array, index: IndexLike, x: Array) -> Array:
    """Return zeros in the shape of `x`, with `values` added at an index as users write it."""
    parts, arrays = split_index(index)
    region = _region(x.shape, parts, tuple(getattr(a, "value", a) for a in arrays))
    return scatter(np.broadcast_to(values, region), *arrays, index=parts, shape=x.shape)


# ---- writing


def _assign(x: Array, value: Array, *arrays: Array, index: Index) -> Array:
    out = np.array(x)
    out[_fill(index, arrays)] = value
    return out


def _assign_spec(x: Array, value: Array, *arrays: Array, index: Index) -> ArraySpec:
    if shape_of(value) == ():  # fits everywhere, also where a mask that is not known says
        return ArraySpec(x.shape, x.dtype)
    region = _region(x.shape, index, arrays)
    if broadcast_shapes(region, shape_of(value)) != region:
        raise ValueError(
            f"a value of shape {shape_of(value)} does not fit into a part of shape {region}"
        )
    return ArraySpec(x.shape, x.dtype)


def assign_vjp_x(
    g: Array, out: Array, x: Array, value: Array, *arrays: Array, index: Index
) -> Array:
    return _assign_record(g, 0.0, *arrays, index=index)


def assign_vjp_value(
    g: Array, out: Array, x: Array, value: Array, *arrays: Array, index: Index
) -> Array:
    if index == (Slot(0),) and arrays[0].dtype.kind == "b" and shape_of(value) == ():
        mask = arrays[0].reshape(arrays[0].shape + (1,) * (g.ndim - arrays[0].ndim))
        return np.where(mask, g, 0)  # of one shape, whatever the mask picks
    g = (gather if arrays else slice_)(g, *arrays, index=index)
    if any(a.dtype.kind in "iu" for a in arrays):  # only the last of several writers counts
        g = g * last_writer(*arrays, index=index, shape=x.shape)
    return g


def _write_assign(x: str, value: str, *arrays: str, index: Index) -> str:
    return f"assign({x}, {value}, at=[{_write_index(index, arrays)}])"


_assign_record = primitive(
    "assign",
    _assign,
    spec=_assign_spec,
    vjp=(assign_vjp_x, assign_vjp_value),
    role="selects",
    why="What was overwritten gets no gradient; what was written gets the gradient of its places.",
    notation=Custom(_write_assign),
    traits=["conjugates"],
    samples=(
        Sample(floats(3, 4), floats(4), index=(1,)),
        Sample(floats(3, 4), floats(), index=(slice(0, 2), slice(None, None, 2))),
        Sample(floats(3, 4), floats(3), _ROWS, _COLUMNS, index=(Slot(0), Slot(1))),
        Sample(floats(3, 4), floats(), _MASK, index=(Slot(0),)),
    ),
)


def _last_writer(*arrays: Array, index: Index, shape: Shape) -> Array:
    order = np.zeros(shape, np.intp)
    place = _fill(index, arrays)
    turn = np.arange(order[place].size).reshape(order[place].shape)
    order[place] = turn
    return order[place] == turn


def _last_writer_spec(*arrays: Array, index: Index, shape: Shape) -> ArraySpec:
    return ArraySpec(_region(shape, index, arrays), np.dtype(bool))


last_writer = primitive(
    "last_writer",
    _last_writer,
    spec=_last_writer_spec,
    why="Which of several numbers written to one place stayed there is no matter of degree.",
    samples=(Sample(_ROWS, _COLUMNS, index=(Slot(0), Slot(1)), shape=(3, 4)),),
)


def refuse_truncation(operation: str, value: Array, dtype: DType) -> None:
    """Raise DtypeError where a value with a gradient would go into whole numbers."""
    if isinstance(value, Tensor) and value.requires_grad and not is_floating(dtype):
        raise DtypeError(
            f"{operation}: a value with a gradient was to go into a tensor of {dtype}, which would cut it "
            f"to whole numbers. Make the tensor floating: clearprop.tensor(data, dtype=float)."
        )


@answers(operator.setitem)
def setitem(x: Array, index: IndexLike, value: Array) -> Array:
    value = joined(value) if type(value) in LISTS else value
    refuse_truncation("assign", value, x.dtype)
    parts, arrays = split_index(index)
    if _is_there_already(x, parts, value):
        return x
    return _assign_record(x, _fitting(value, x, parts, arrays), *arrays, index=parts)


def _fitting(value: Array, x: Array, index: Index, arrays: tuple[Array, ...]) -> Array:
    """Return a value without leading axes of size one that its place does not have."""
    shape = shape_of(value)
    if shape[:1] != (1,):
        return value
    known = tuple(a._value if isinstance(a, Tensor) else a for a in arrays)
    extra = max(len(shape) - len(_region(x.shape, index, known)), 0)
    return np.reshape(value, shape[extra:]) if shape[:extra] == (1,) * extra else value


def _is_there_already(x: Array, index: Index, value: Array) -> bool:
    """Return whether `value` is just this part of `x`: for ``x[i] += v`` Python changes x[i], then
    assigns it.
    """
    return (
        type(value) is Tensor
        and value.primitive is slice_
        and value.inputs[0] is x
        and value.params["index"] == index
        and not value._is_number()
    )
