"""Whether a view shows another Tensor's memory, or NumPy had to copy.

That depends on strides, as in ``x.T.reshape(-1)``. Where there is memory it is asked. While tracing there is
none, so stand-ins lie as NumPy's arrays would: arguments by rows, results of entries as their inputs do.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import TraceError
from .array_types import AnyArray
from .primitive import primitives
from .recorder import recorder_here
from .spec import ArraySpec


def laid_out_like(old: AnyArray, value: AnyArray) -> AnyArray:
    """Return `value` with the strides of `old`: what changes in place stays where it is."""
    if type(value) is not np.ndarray or type(old) is not np.ndarray or value.strides == old.strides:
        return value
    reach = [(n - 1) * step for n, step in zip(old.shape, old.strides, strict=True)]
    if not old.size or 0 in old.strides:
        return value
    start = -sum(step for step in reach if step < 0)
    memory = np.empty(start + sum(step for step in reach if step > 0) + old.itemsize, np.uint8)
    out: AnyArray = np.ndarray(old.shape, old.dtype, memory, start, old.strides)
    out[...] = value
    out.setflags(write=False)
    return out


def shows_memory(view: AnyArray) -> bool:
    """Return whether what `view` was made by shows the memory of its input, or copies from it."""
    base = view.inputs[0]
    model = stand_in(base)
    if model is not None:
        return _shows(view, model)
    shape, dtype = base.shape, base.dtype
    gaps = np.empty(tuple(2 * n for n in shape[::-1]), dtype).T[
        (slice(None, None, 2),) * len(shape)
    ]
    found = {_shows(view, np.empty(shape, dtype)), _shows(view, gaps)}
    if len(found) == 2:
        raise TraceError(
            f"whether {view.primitive.name} of a value of shape {shape} shows that value or copies it "
            f"depends on how its numbers lie in memory, which is not known here while tracing. Before you "
            f"change one of the two, say which you mean: take t.copy() first, or write into t itself."
        )
    return found.pop()


def _shows(view: AnyArray, model: AnyArray) -> bool:
    return bool(np.may_share_memory(view.primitive.forward(model, **view.params), model))


def stand_in(t: AnyArray) -> AnyArray:
    """Return an array that lies in memory as the value of `t` does; None where nobody knows."""
    if type(t._value) is not ArraySpec:
        return np.asarray(t._value)
    t = _first(t)
    nodes, seen = [t], {t}
    for x in nodes:  # grows while it is walked
        new = [s for s in _decisive(x) if s not in seen]
        nodes += new
        seen.update(new)
    found: dict[Any, AnyArray] = {}
    for x in sorted(nodes, key=lambda x: x.number):
        found[x] = _laid_out(x, found)
    return found[t]


def _decisive(x: AnyArray) -> list[AnyArray]:
    """Return what the layout of `x` follows from."""
    if type(x._value) is not ArraySpec:
        return []
    if x.primitive.put is not None or "elementwise" in x.primitive.traits:
        return [_first(s) for s in x.inputs if isinstance(s, type(x))]
    return []


def _first(x: AnyArray) -> AnyArray:
    """Return the oldest version: changes in place leave the layout as it is."""
    while hasattr(x, "before"):
        x = x.before
    return x


def _laid_out(x: AnyArray, found: dict[Any, AnyArray]) -> AnyArray:
    """Return the stand-in of `x`, given those of what it follows from."""
    if type(x._value) is not ArraySpec:
        return np.asarray(x._value)
    primitive, is_argument = x.primitive, not x.inputs
    recorder = recorder_here()
    if is_argument and recorder is not None:
        recorder.asks_layout |= x.ndim > 1
    if is_argument or (primitive.put is None and sum(n > 1 for n in x.shape) <= 1):
        return np.empty(x.shape, x.dtype)
    if primitive.put is None and "elementwise" not in primitive.traits:
        return None
    inputs = [found[_first(s)] if isinstance(s, type(x)) else s for s in x.inputs]
    if any(s is None for s in inputs):
        return None
    if primitive.put is not None or primitive is primitives.copy:
        return primitive.forward(*inputs, **x.params)
    arrays = [s for s in inputs if np.ndim(s)]  # numbers lie nowhere, and long ones are objects
    flags: Any = [["readonly"]] * len(arrays) + [["writeonly", "allocate"]]
    walk: Any = np.nditer([*arrays, None], ["zerosize_ok"], flags)
    return np.empty_like(walk.operands[-1], x.dtype)
