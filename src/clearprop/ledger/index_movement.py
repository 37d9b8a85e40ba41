"""Index forms of what only moves entries: layouts, copies, joins, and reading and writing by index.

Each says where an entry goes, ``y[to] = x[source]``; the gradient goes the way back.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..engine.array_types import AnyArray
from ..engine.broadcasting import broadcast_shapes
from ..ops.indexing import Slot
from ..passes.person.index_spelling import full_index, is_count, slot_wire
from .index_expressions import Equation, Place, along, fixed, letter, looked_up, total
from .index_forms import Form, Use, aligned, forms


def moved(
    use: Use,
    to: Sequence[Place],
    source: Sequence[Place],
    sizes: dict[str, int],
    *,
    adds: bool = False,
    note: str = "",
    forward_note: str = "",
) -> Form:
    """Return the form of y[to] = x[source]: the gradient goes the way back, and adds up over the copies."""
    y, dx = use.result(to), use.target(source)
    over = [c for c in y.letters if c not in dx.letters]
    back = Equation(dx, total(over, use.given(to)), sizes, adds, note)
    return Form(Equation(y, use.read(0, source), sizes, note=forward_note), back)


@forms("transpose")
def _transpose(use: Use) -> Form:
    names = use.letters[: len(use.shape())]
    x = [letter(c) for c in names]
    sizes = dict(zip(names, use.shape(), strict=True))
    return moved(use, [x[a] for a in use.node.params["axes"]], x, sizes)


@forms("broadcast_to")
def _broadcast(use: Use) -> Form:
    out = use.out.spec.shape
    names = use.letters[: len(out)]
    sizes = dict(zip(names, out, strict=True))
    return moved(use, [letter(c) for c in names], aligned(use.shape(), names, out), sizes)


@forms("reshape", "expand_dims", "squeeze")
def _reshape(use: Use) -> Form:
    old, new = use.shape(), use.out.spec.shape
    names = iter(use.letters)
    x: list[Place] = []
    sizes: dict[str, int] = {}
    groups = []
    for n in old:
        c = next(names)
        x.append(letter(c) if n != 1 else fixed(0))
        if n != 1:
            sizes[c] = n
            groups.append((c, n))
    if [n for _, n in groups] == [n for n in new if n != 1]:
        left = iter(groups)
        return moved(use, [fixed(0) if n == 1 else letter(next(left)[0]) for n in new], x, sizes)
    to: list[Place] = []
    after = int(np.prod(new)) if new else 1
    total_size = after
    for n in new:
        after //= max(n, 1)
        to.append(fixed(0) if n == 1 else _digit(groups, after, n, total_size))
    return moved(use, to, x, sizes)


def _digit(groups: list[tuple[str, int]], after: int, n: int, size: int) -> Place:
    """Return one axis of a new shape: a digit of the entry's number in the old one."""
    weights = []
    rest = size
    for c, m in groups:
        rest //= max(m, 1)
        weights.append((c, rest, m))
    # an axis whose steps are whole multiples of n · after does not show, one below `after` neither
    used = [(c, w, m) for c, w, m in weights if w < n * after and w * m > after]
    exact = all(w >= after and w % after == 0 for _, w, _ in used) and used
    if exact and used[0][1] * used[0][2] == n * after:
        parts = [(c, w // after) for c, w, _ in used]
        text = " + ".join(c if w == 1 else f"{w}·{c}" for c, w in parts).replace(" ", "")
        tex = text.replace("·", " ")
        names = tuple(c for c, _ in parts)
        return (
            letter(text)
            if len(parts) == 1 and text == names[0]
            else Place(text, tex, names, lambda p: sum(w * p[c] for c, w in parts))
        )
    inner = "+".join(c if w == 1 else f"{w}·{c}" for c, w, _ in weights)
    text = f"({inner})"
    text = f"{text}//{after}" if after > 1 else text
    text = f"{text}%{n}" if n * after < size else text
    tex = text.replace("·", " ").replace("//", "\\backslash ").replace("%", "\\bmod ")
    return Place(
        text,
        tex,
        tuple(c for c, _, _ in weights),
        lambda p: sum(w * p[c] for c, w, _ in weights) // after % n,
    )


@forms("roll")
def _roll(use: Use) -> Form | None:
    if use.node.params["axis"] is None:
        return None
    names = use.letters[: len(use.shape())]
    sizes = dict(zip(names, use.shape(), strict=True))
    to = [letter(c) for c in names]
    shifts = dict.fromkeys(range(len(names)), 0)
    for axis, by in zip(use.node.params["axis"], use.node.params["shift"], strict=True):
        shifts[axis % len(names)] += by
    for axis, by in shifts.items():
        if by:
            to[axis] = _shifted(names[axis], by, use.shape()[axis])
    return moved(use, to, [letter(c) for c in names], sizes)


def _shifted(c: str, by: int, n: int) -> Place:
    text = f"({c}{by:+d})%{n}"
    return Place(text, f"({c}{by:+d}) \\bmod {n}", (c,), lambda p: (p[c] + by) % n)


@forms("concatenate", "stack")
def _concatenate(use: Use) -> Form:
    out, shape = use.out.spec.shape, use.shape()
    axis = use.node.params["axis"] % len(out)
    names = use.letters[: len(shape)]
    sizes = dict(zip(names, shape, strict=True))
    x = [letter(c) for c in names]
    if use.node.primitive.name == "stack":
        to = [*x[:axis], fixed(use.position), *x[axis:]]
    else:
        start = sum(use.shape(i)[axis] for i in range(use.position))
        to = [
            along(c, start, 1) if a == axis else p
            for a, (c, p) in enumerate(zip(names, x, strict=True))
        ]
    form = moved(use, to, x, sizes)
    return form._replace(forward=Equation(use.result(to), use.read(use.position, x), sizes))


@forms("pad")
def _pad(use: Use) -> Form | None:
    names = use.letters[: len(use.shape())]
    sizes = dict(zip(names, use.shape(), strict=True))
    to = [
        along(c, before, 1) for c, (before, _) in zip(names, use.node.params["width"], strict=True)
    ]
    return moved(use, to, [letter(c) for c in names], sizes, forward_note="a constant elsewhere")


@forms("repeat")
def _repeat(use: Use) -> Form | None:
    times, axis = use.node.params["repeats"], use.node.params["axis"]
    if not isinstance(times, int) or axis is None:
        return None
    names = use.letters[: len(use.shape())]
    copy = use.letters[len(names)]
    sizes = {**dict(zip(names, use.shape(), strict=True)), copy: times}
    c, to = names[axis], [letter(name) for name in names]
    to[axis] = Place(
        f"{times}·{c}+{copy}", f"{times} {c}+{copy}", (c, copy), lambda p: times * p[c] + p[copy]
    )
    return moved(use, to, [letter(name) for name in names], sizes)


@forms("tile")
def _tile(use: Use) -> Form:
    shape, out = use.shape(), use.out.spec.shape
    padded = (1,) * (len(out) - len(shape)) + shape
    names = use.letters[: len(out)]
    copies = use.letters[len(out) : 2 * len(out)]
    sizes = dict(zip(names, padded, strict=True))
    to: list[Place] = []
    for c, copy, n, m in zip(names, copies, padded, out, strict=True):
        if n == m:
            to.append(letter(c))
            continue
        sizes[copy] = m // max(n, 1)
        to.append(_tiled(c, copy, n))
    return moved(use, to, [letter(c) for c in names[len(out) - len(shape) :]], sizes)


def _tiled(c: str, copy: str, n: int) -> Place:
    if n == 1:
        return Place(copy, copy, (c, copy), lambda p: p[copy] + 0 * p[c])
    return Place(f"{n}·{copy}+{c}", f"{n} {copy}+{c}", (c, copy), lambda p: n * p[copy] + p[c])


@forms("diagonal")
def _diagonal(use: Use) -> Form:
    shape, params = use.shape(), use.node.params
    first, second = params["axis1"] % len(shape), params["axis2"] % len(shape)
    names = use.letters[: len(shape) - 1]
    sizes = dict(zip(names, use.out.spec.shape, strict=True))
    rest = iter(names[:-1])
    offset, last = params["offset"], names[-1]
    x = [
        along(last, max(-offset, 0), 1)
        if a == first
        else along(last, max(offset, 0), 1)
        if a == second
        else letter(next(rest))
        for a in range(len(shape))
    ]
    return moved(use, [letter(c) for c in names], x, sizes, note="0 elsewhere")


# ---- indices


def picked(use: Use, shape: Sequence[int]) -> tuple[list[Place], list[Place], dict[str, int], bool]:
    """Return what an index picks: places in the result, places in the array, and whether any may repeat."""
    node = use.node
    parts = full_index(node, len(shape))
    wires = [slot_wire(node, p) for p in parts if isinstance(p, Slot)]
    arrays = [np.asarray(use.account.values[w]) for w in wires]
    lookups: list[tuple[str, AnyArray]] = []
    for wire, array in zip(wires, arrays, strict=True):
        if array.dtype.kind == "b":
            found = array.nonzero()
            names = [f"p{n}" for n in range(len(found))] if len(found) > 1 else ["p"]
            lookups += list(zip(names, found, strict=True))
        else:
            counts = len(arrays) > 1 and is_count(wire) and array.ndim == 1
            lookups.append(("" if counts else wire.name, array))
    common = broadcast_shapes(*(a.shape for _, a in lookups)) if lookups else ()
    free = iter(use.letters)
    # letters are given in the order of the result's axes
    kinds = ["new" if p is None else "slice" if isinstance(p, slice) else "array" for p in parts]
    touching = "".join(k[0] for k in kinds).strip("sn")
    together = not lookups or all(k == "a" for k in touching)
    sizes: dict[str, int] = {}
    letters_of_slices: dict[int, str] = {}
    index_letters: list[str] = []
    to: list[Place] = []

    def add_common() -> None:
        for n in common:
            c = next(free)
            index_letters.append(c)
            sizes[c] = n
            to.append(letter(c))

    if lookups and not together:
        add_common()
    axis = 0
    for i, part in enumerate(parts):
        if part is None:
            to.append(fixed(0))
        elif isinstance(part, slice):
            c = next(free)
            letters_of_slices[i] = c
            sizes[c] = len(range(*part.indices(shape[axis])))
            to.append(letter(c))
            axis += 1
        else:
            if together and kinds.index("array") == i:
                add_common()
            is_mask = isinstance(part, Slot) and arrays[part.number].dtype.kind == "b"
            axis += arrays[part.number].ndim if is_mask else 1
    source: list[Place] = []
    left = iter(lookups)
    axis = 0
    for i, part in enumerate(parts):
        if part is None:
            continue
        if isinstance(part, slice):
            start, _, step = part.indices(shape[axis])
            source.append(along(letters_of_slices[i], start, step))
            axis += 1
        elif isinstance(part, Slot):
            array = arrays[part.number]
            for _ in range(array.ndim if array.dtype.kind == "b" else 1):
                name, found = next(left)
                counted = not name and len(common) == 1
                source.append(
                    letter(index_letters[0]) if counted else looked_up(name, found, index_letters)
                )
                axis += 1
        else:
            source.append(fixed(part % shape[axis]))
            axis += 1
    counted = any(not name for name, _ in lookups)
    repeats = any(a.dtype.kind in "iu" for a in arrays) and not counted
    return to, source, sizes, repeats


def _mask_note(use: Use) -> str:
    masks = [w.name for w in use.node.inputs if w.spec.dtype.kind == "b"]
    return f"p counts the places where {masks[0]} is true" if masks else ""


@forms("slice", "gather")
def _picked(use: Use) -> Form | None:
    if use.position:
        return None
    to, source, sizes, repeats = picked(use, use.shape())
    return moved(
        use,
        to,
        source,
        sizes,
        adds=repeats,
        note="" if repeats or all(p.is_letter for p in source) else "0 elsewhere",
        forward_note=_mask_note(use),
    )


@forms("scatter")
def _scatter(use: Use) -> Form | None:
    if use.position:
        return None
    to, source, sizes, repeats = picked(use, use.out.spec.shape)
    y = use.result(source)
    return Form(
        Equation(y, use.read(0, to), sizes, adds=repeats, note="0 elsewhere"),
        Equation(use.target(to), use.given(source), sizes),
    )


@forms("take_along_axis")
def _along(use: Use) -> Form | None:
    if use.position:
        return None
    axis = use.node.params["axis"] % len(use.shape())
    out = use.out.spec.shape
    names = use.letters[: len(out)]
    sizes = dict(zip(names, out, strict=True))
    positions = use.node.inputs[1]
    source = [letter(c) for c in names]
    if any(n == 1 != m for n, m in zip(use.shape(), out, strict=True)):
        return None
    source[axis] = looked_up(positions.name, use.account.values[positions], names)
    return moved(use, [letter(c) for c in names], source, sizes, adds=True)
