"""Random index expressions of every kind, on random shapes: NumPy's values, and gradients known exactly.

The gradient of sum(w * t[index]) is w, added up where it was picked: np.add.at says so without any of the
library's code. After t[index] = v, each place has the number of its last writer, which assigning the
writers' numbers instead of their values shows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import clearprop

DTYPES = st.sampled_from(["float64", "float32", "complex128"])
SHAPES = st.lists(st.integers(0, 5), min_size=0, max_size=4).map(tuple)


def numbers(shape: Any, dtype: str, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    real, imag = rng.integers(-9, 10, (2, *shape)).astype(float)
    return (real + 1j * imag if dtype == "complex128" else real).astype(dtype)[()]


@st.composite
def indices(draw: st.DrawFn, shape: tuple[int, ...]) -> Any:
    """An index that NumPy accepts for an array of this shape."""
    left, axis = len(shape), 0
    items: list[Any] = []
    common = draw(st.sampled_from([(), (1,), (2,), (3, 2), (0,)]))
    """The shape that index arrays broadcast to."""
    ellipsis_used = False
    while draw(st.integers(0, 3)) < 3 or (axis < left and draw(st.booleans())):
        kinds = ["none", "bool"] if len(items) < 6 else []
        if not ellipsis_used:
            kinds.append("ellipsis")
        if axis < left:
            kinds += ["int", "slice", "slice", "array", "array", "mask"]
        if not kinds:
            break
        kind = draw(st.sampled_from(kinds))
        n = shape[axis] if axis < left else 0
        if kind == "none":
            items.append(None)
        elif kind == "bool":
            items.append(draw(st.sampled_from([True, np.True_, False])))
        elif kind == "ellipsis":
            ellipsis_used = True
            skipped = draw(st.integers(0, left - axis))
            items.append(Ellipsis)
            axis += skipped
        elif kind == "slice":
            bound = st.none() | st.integers(-n - 1, n + 1)
            step = draw(st.sampled_from([None, 1, 2, -1, -2]))
            items.append(slice(draw(bound), draw(bound), step))
            axis += 1
        elif kind == "mask":
            span = draw(st.integers(1, min(2, left - axis)))
            part = shape[axis : axis + span]
            flags = draw(st.lists(st.booleans(), min_size=(k := int(np.prod(part))), max_size=k))
            items.append(np.array(flags, bool).reshape(part))
            axis += span
        elif not n:
            items.append(np.zeros((0,), int) if kind == "array" else slice(None))
            axis += 1
        elif kind == "int":
            items.append(draw(st.integers(-n, n - 1)))
            axis += 1
        else:
            chosen = draw(st.sampled_from([common, common[1:], (1, *common[1:])]))
            count = int(np.prod(chosen))
            entries = draw(st.lists(st.integers(-n, n - 1), min_size=count, max_size=count))
            array = np.array(entries, draw(st.sampled_from([int, "int8", "int32"])))
            array = array.reshape(chosen)
            form = draw(st.sampled_from(["array", "tensor", "list"]))
            if form == "tensor":
                array = clearprop.tensor(array)
            items.append(array.tolist() if form == "list" and array.ndim else array)
            axis += 1
    found = tuple(items)
    return found[0] if len(found) == 1 and draw(st.booleans()) else found


def plain(index: Any) -> Any:
    """The index for NumPy, without Tensors."""
    items = index if isinstance(index, tuple) else (index,)
    items = tuple(x.value if isinstance(x, clearprop.Tensor) else x for x in items)
    return items if isinstance(index, tuple) else items[0]


@st.composite
def cases(draw: st.DrawFn) -> Any:
    shape = draw(SHAPES)
    return shape, draw(indices(shape)), draw(DTYPES), draw(st.integers(0, 99))


def accepted(shape: tuple[int, ...], index: Any) -> bool:
    try:
        np.empty(shape)[plain(index)]
    except IndexError:
        return False
    return True


@settings(max_examples=600, deadline=None)
@given(cases())
def test_reading(case: Any) -> None:
    shape, index, dtype, seed = case
    x = numbers(shape, dtype, seed)
    t = clearprop.tensor(x)
    if not accepted(shape, index):
        with pytest.raises((IndexError, ValueError)):
            t[index]
        return
    expected = np.asarray(x)[plain(index)]
    part = t[index]
    assert part.shape == expected.shape
    assert part.dtype == expected.dtype
    assert np.array_equal(part.value, expected)
    w = numbers(part.shape, dtype, seed + 1)
    part.backward(w)
    scattered = np.zeros(shape, dtype)
    np.add.at(scattered, plain(index), w)
    assert np.array_equal(t.grad, scattered)  # whole numbers, so sums are exact in any order
    assert t.grad.dtype == dtype


@settings(max_examples=600, deadline=None)
@given(cases(), st.sampled_from(["whole", "stretched", "number"]), st.booleans())
def test_writing(case: Any, form: str, through_part: bool) -> None:
    shape, index, dtype, seed = case
    if not accepted(shape, index):
        return
    x = numbers(shape, dtype, seed)
    region = np.asarray(x)[plain(index)].shape
    value_shape = {"whole": region, "stretched": (1, *region[1:]) if region else (), "number": ()}
    v = numbers(value_shape[form], dtype, seed + 1)
    t, u = clearprop.tensor(x), clearprop.tensor(v)
    y, expected = t * 1, np.array(x)
    if through_part:
        y[index] += u
        expected[plain(index)] += v
    else:
        y[index] = u
        expected[plain(index)] = v
    assert np.array_equal(y.value, expected)
    g = numbers(shape, dtype, seed + 2)
    y.backward(g)
    # who wrote last: numbers of the writers, 0 for what was there before
    count = int(np.prod(region))
    last = np.zeros(shape, int)
    last[plain(index)] = np.arange(1, count + 1).reshape(region)
    by_writer = np.zeros(count + 1, np.asarray(g).dtype)
    np.add.at(by_writer, last, g)
    wanted = by_writer[1:].reshape(region)
    stretched = tuple(i for i, (n, m) in enumerate(zip(v.shape, region, strict=False)) if n != m)
    if v.shape != region:
        wanted = wanted.sum() if not v.shape else wanted.sum(stretched, keepdims=True)
    assert np.array_equal(u.grad, wanted)
    was_kept = np.where(last == 0, g, 0)
    if through_part:  # what was added to keeps its own gradient; a place picked twice, once
        kept = np.asarray(was_kept)
        positions = np.arange(np.prod(shape, dtype=int)).reshape(shape)[plain(index)]
        extra = np.zeros(int(np.prod(shape, dtype=int)), dtype)
        np.add.at(extra, positions.reshape(-1), by_writer[1:])
        was_kept = kept + extra.reshape(shape)
    assert np.array_equal(t.grad, was_kept)
