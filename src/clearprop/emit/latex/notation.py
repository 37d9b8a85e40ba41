"""The table of notations: each primitive that people write in a way of its own."""

from __future__ import annotations

from functools import partial

import numpy as np

from ...engine.primitive import primitives
from ...graph.graph import Node, Wire
from ...ops.einsum_subscripts import read
from .symbols import number, subscripted, visible
from .tex import (
    ATOM,
    CLOSED,
    PRODUCT,
    SUMMATION,
    Tex,
    added,
    bracketed,
    called,
    divided,
    matrix,
    multiplied,
    negated,
    numeric,
    operator,
    raised,
    subtracted,
    transposed,
    word,
)
from .writer import (
    FUNCTIONS,
    WRITERS,
    Expressions,
    Index,
    aligned,
    extent,
    laid_out,
    linear,
    plain_call,
    product,
    stretched,
    writes,
)

FUNCTIONS.update(
    {name: f"\\{name}" for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "log")}
    | {
        "sigmoid": "\\sigma",
        "arcsin": "\\arcsin",
        "arccos": "\\arccos",
        "arctan": "\\arctan",
        "angle": "\\arg",
        "maximum": "\\max",
        "minimum": "\\min",
        "real": "\\operatorname{Re}",
        "imag": "\\operatorname{Im}",
    }
)


# ---- arithmetic


@writes("add")
def _add(w: Expressions, node: Node, index: Index) -> Tex:
    return added(*w.operands(node, index))


@writes("subtract")
def _subtract(w: Expressions, node: Node, index: Index) -> Tex:
    return subtracted(*w.operands(node, index))


@writes("negative")
def _negative(w: Expressions, node: Node, index: Index) -> Tex:
    return negated(w.operands(node, index)[0])


WRITERS["multiply"] = product


@writes("divide")
def _divide(w: Expressions, node: Node, index: Index) -> Tex:
    x, y = w.operands(node, index)
    if "\\frac" in x.text and not (x.terms or x.is_number or y.factor):
        below = node.inputs[1]
        if not below.is_constant and w.gives_number(below, aligned(below, index)):
            return multiplied(divided(numeric(1.0, "1"), y), x)
    return divided(x, y)


@writes("power")
def _power(w: Expressions, node: Node, index: Index) -> Tex:
    x, y = w.operands(node, index)
    array = bool(extent(node.outputs[0], index))
    if y.text == "0.5" or y.text == "\\frac{1}{2}":
        return Tex(f"\\sqrt{{{x.text}}}", CLOSED)
    if y.text == "-1":
        return divided(numeric(1.0, "1"), x)
    return raised(x, f"\\odot {y.text}" if array else y.text)


@writes("exp")
def _exp(w: Expressions, node: Node, index: Index) -> Tex:
    inner = w.makers.get(node.inputs[0])
    if inner is not None and inner.primitive is primitives.log_softmax:
        return w.entries(node.out, index, _softmax_of(w, inner))
    (x,) = w.operands(node, index)
    if extent(node.outputs[0], index) or "\\frac" in x.text or visible(x.text) > 16:
        return called("\\exp", x.text)
    return Tex(f"e^{{{x.text}}}", CLOSED)


@writes("logaddexp")
def _logaddexp(w: Expressions, node: Node, index: Index) -> Tex:
    array = bool(extent(node.outputs[0], index))
    parts = [
        numeric(1.0, "1")
        if x.text == "0"
        else called("\\exp", x.text)
        if array or visible(x.text) > 16
        else Tex(f"e^{{{x.text}}}", CLOSED)
        for x in w.operands(node, index)
    ]
    return called("\\log", added(*parts).text)


@writes("log1p")
def _log1p(w: Expressions, node: Node, index: Index) -> Tex:
    return called("\\log", added(numeric(1.0, "1"), w.operands(node, index)[0]).text)


@writes("expm1")
def _expm1(w: Expressions, node: Node, index: Index) -> Tex:
    return subtracted(_exp(w, node, index), numeric(1.0, "1"))


@writes("sqrt")
def _sqrt(w: Expressions, node: Node, index: Index) -> Tex:
    inner = w.makers.get(node.inputs[0])
    if index is None and inner is not None and node.inputs[0] not in w.symbols:
        normed = _squared(w, inner)
        if normed is not None:
            return Tex(
                f"\\lVert {w.write(normed).text} \\rVert" + ("_F" if normed.spec.ndim > 1 else ""),
                CLOSED,
            )
    return Tex(f"\\sqrt{{{w.operands(node, index)[0].text}}}", CLOSED)


def _squared(w: Expressions, total: Node) -> Wire | None:
    """Return x if a node is the sum of all x**2."""
    if total.primitive is not primitives.sum or total.outputs[0].spec.size != 1:
        return None
    square = w.makers.get(total.inputs[0])
    if square is None or total.inputs[0] in w.symbols:
        return None
    x, *rest = square.inputs
    if (
        square.primitive is primitives.power
        and np.ndim(rest[0].constant if rest[0].is_constant else [1]) == 0
    ):
        if float(rest[0].constant) != 2:
            return None
    elif square.primitive is not primitives.multiply or rest[0] is not x:
        return None
    inner = w.makers.get(x)
    if inner is not None and x not in w.symbols and inner.primitive is primitives.absolute:
        x = inner.inputs[0]
    return x if 1 <= x.spec.ndim <= 2 else None


@writes("norm", "p_norm")
def _norm(w: Expressions, node: Node, index: Index) -> Tex:
    """Return the length of what has one; along axes as a root of a sum, or as the largest entry."""
    (x,), order = node.inputs, node.params.get("ord", 2)
    if index is None and len(node.params["axis"]) == x.spec.ndim <= 2 and order == 2:
        return Tex(f"\\lVert {w.write(x).text} \\rVert" + ("_F" if x.spec.ndim > 1 else ""), CLOSED)
    letters, body, _ = _reduced(w, node, index)
    size = Tex(f"\\left|{body.text}\\right|", ATOM)
    entrywise = "\\odot " if extent(node.out, index) else ""
    if np.isinf(order):
        name = "\\max" if order > 0 else "\\min"
        return Tex(f"{_big(name, letters)} {size.text}", SUMMATION) if letters else size
    square = body if order == 2 and x.spec.dtype.kind != "c" else size
    total = summed(letters, raised(square, entrywise + number(order))).text
    if order == 2:
        return Tex(f"\\sqrt{{{total}}}", CLOSED)
    return raised(Tex(bracketed(total)), entrywise + number(1 / order))


@writes("absolute")
def _absolute(w: Expressions, node: Node, index: Index) -> Tex:
    return Tex(f"\\left|{w.operands(node, index)[0].text}\\right|", CLOSED)


@writes("conj")
def _conj(w: Expressions, node: Node, index: Index) -> Tex:
    return Tex(f"\\overline{{{w.operands(node, index)[0].text}}}", CLOSED)


@writes("maximum", "minimum")
def _larger(w: Expressions, node: Node, index: Index) -> Tex:
    x, y = w.operands(node, index)
    name = "\\max" if node.primitive.name == "maximum" else "\\min"
    return called(name, y.text, x.text) if y.text[:1].isdigit() else called(name, x.text, y.text)


# ---- reductions


def _reduced(w: Expressions, node: Node, index: Index) -> tuple[str, Tex, int]:
    """Return the letters that a reduction runs over, an entry under it, and how many there are."""
    (x,) = node.inputs
    ndim = x.spec.ndim
    axes = [a % ndim for a in node.params["axis"]]
    kept = [a for a in range(ndim) if a not in axes]
    given: list[str] = [":"] * ndim
    if index is not None:
        places = range(ndim) if node.params.get("keepdims") else kept
        for place, token in zip(places, index, strict=True):
            given[place] = token
    summed = [a for a in axes if x.spec.shape[a] != 1]
    natural = [w.letters[a % len(w.letters)] for a in summed]
    used = {*w.bound, *given}
    if used & set(natural):
        natural = w.fresh(len(summed), list(used))
    for axis in axes:
        given[axis] = natural[summed.index(axis)] if axis in summed else "1"
    w.bound += natural
    body = w.write(x, tuple(given))
    del w.bound[len(w.bound) - len(natural) :]
    count = int(np.prod([x.spec.shape[a] for a in axes])) if axes else 1
    return ",".join(natural), body, count


def _big(sign: str, letters: str) -> str:
    joined = letters.replace(",", "") if sign == "\\sum" else letters
    return f"{sign}_{joined}" if len(joined) == 1 else f"{sign}_{{{joined}}}"


@writes("sum")
def _sum(w: Expressions, node: Node, index: Index) -> Tex:
    letters, body, _ = _reduced(w, node, index)
    return summed(letters, body)


def summed(letters: str, body: Tex) -> Tex:
    if not letters:
        return body
    if body.factor is not None and body.factor[2] is not None:
        return linear(body, partial(summed, letters))
    return Tex(f"{_big(chr(92) + 'sum', letters)} {body.within(SUMMATION)}", SUMMATION)


@writes("mean")
def _mean(w: Expressions, node: Node, index: Index) -> Tex:
    letters, body, count = _reduced(w, node, index)
    if count == 1:
        return body
    return multiplied(divided(numeric(1.0, "1"), numeric(count, str(count))), summed(letters, body))


@writes("max", "min")
def _extreme(w: Expressions, node: Node, index: Index) -> Tex:
    letters, body, _ = _reduced(w, node, index)
    if not letters:
        return body
    return Tex(f"{_big(chr(92) + node.primitive.name, letters)} {body.within(PRODUCT)}", SUMMATION)


@writes("var", "std")
def _spread(w: Expressions, node: Node, index: Index) -> Tex:
    letters, body, _ = _reduced(w, node, index)
    name = operator("Var" if node.primitive.name == "var" else "std")
    ddof = f"{word('ddof')}={number(node.params['ddof'])}" if node.params["ddof"] else ""
    below = ";".join(filter(None, (letters, ddof)))
    if not below:
        return called(name, body.text)
    return called(f"{name}_{below}" if len(below) == 1 else f"{name}_{{{below}}}", body.text)


@writes("logsumexp")
def _logsumexp(w: Expressions, node: Node, index: Index) -> Tex:
    letters, body, _ = _reduced(w, node, index)
    if not letters:
        return body
    inner = (
        f"\\exp{bracketed(body.text)}"
        if ":" in body.text or visible(body.text) > 16
        else f"e^{{{body.text}}}"
    )
    return Tex(f"\\log {_big(chr(92) + 'sum', letters)} {inner}", SUMMATION)


@writes("softmax", "log_softmax")
def _softmax(w: Expressions, node: Node, index: Index) -> Tex:
    whole = _softmax_of(w, node)
    if node.primitive.name == "log_softmax":
        whole = Tex(f"\\log {whole.text}", CLOSED)
    return w.entries(node.out, index, whole)


def _softmax_of(w: Expressions, node: Node) -> Tex:
    (x,) = node.inputs
    name = operator("softmax")
    axes = [a % x.spec.ndim for a in node.params["axis"]]
    if axes != [x.spec.ndim - 1]:
        name += "_{" + ",".join(w.letters[a] for a in axes) + "}"
    return called(name, w.write(x).text)


# ---- products


@writes("matmul")
def _matmul(w: Expressions, node: Node, index: Index) -> Tex:
    x, y = node.inputs
    left, right = w.write(x), w.write(y)
    if x.spec.ndim == 1 and y.spec.ndim == 1:
        left = _turned(w, x)
    elif x.spec.ndim == 1:
        left, right = _turned(w, y), left
    return w.entries(node.out, index, multiplied(left, right))


def is_product_of_matrices(node: Node) -> bool:
    """Return whether it makes a matrix of two."""
    return node.primitive is primitives.matmul and node.out.spec.ndim == 2


def _turned(w: Expressions, wire: Wire) -> Tex:
    """Return the transpose, where one transpose undoes another one."""
    node = w.makers.get(wire)
    if node is not None and wire not in w.symbols and node.primitive is primitives.transpose:
        return w.write(node.inputs[0])
    return linear(w.write(wire), transposed)


@writes("outer")
def _outer(w: Expressions, node: Node, index: Index) -> Tex:
    x, y = (w.write(wire) for wire in node.inputs)
    text = Tex(f"{x.within(PRODUCT)} {transposed(y).text}", PRODUCT)
    return w.entries(node.out, index, text)


@writes("cross")
def _cross(w: Expressions, node: Node, index: Index) -> Tex:
    x, y = (w.write(wire) for wire in node.inputs)
    return w.entries(
        node.out, index, Tex(f"{x.within(CLOSED)} \\times {y.within(CLOSED)}", PRODUCT)
    )


@writes("convolve")
def _convolve(w: Expressions, node: Node, index: Index) -> Tex:
    x, y = (w.write(wire) for wire in node.inputs)
    return w.entries(node.out, index, Tex(f"{x.within(CLOSED)} * {y.within(CLOSED)}", PRODUCT))


@writes("einsum")
def _einsum(w: Expressions, node: Node, index: Index) -> Tex:
    terms, output, _ = read(
        node.params["subscripts"], tuple(wire.spec.shape for wire in node.inputs)
    )
    letters = dict.fromkeys("".join(terms))
    given = index if index is not None and ":" not in index else ()
    own = dict(zip(output, given, strict=False))
    free = [c for c in w.letters if c not in w.bound and c not in given]
    own |= {c: c for c in letters if c not in own and c in free}
    rest = (c for c in free if c not in own.values())
    own |= {c: next(rest) for c in letters if c not in own}
    inner = [own[c] for c in letters if c not in output]
    w.bound += inner
    body = numeric(1.0, "1")
    for wire, term in zip(node.inputs, terms, strict=True):
        body = multiplied(body, w.write(wire, tuple(own[c] for c in term)))
    del w.bound[len(w.bound) - len(inner) :]
    entry = summed(",".join(inner), body)
    if not output or given:
        return entry
    whole = Tex(subscripted(f"\\left[{entry.text}\\right]", [own[c] for c in output]), CLOSED)
    return w.entries(node.out, index, whole)


# ---- layout


@writes("transpose")
def _transpose(w: Expressions, node: Node, index: Index) -> Tex:
    (x,) = node.inputs
    axes = node.params["axes"]
    if index is not None:
        tokens = [""] * x.spec.ndim
        for place, axis in enumerate(axes):
            tokens[axis] = index[place]
        return w.write(x, tuple(tokens))
    if x.spec.ndim >= 2 and axes == (*range(x.spec.ndim - 2), x.spec.ndim - 1, x.spec.ndim - 2):
        return linear(w.write(x), transposed)
    return called(f"{operator('transpose')}_{{{','.join(map(str, axes))}}}", w.write(x).text)


@writes("reshape", "expand_dims", "squeeze")
def _reshape(w: Expressions, node: Node, index: Index) -> Tex:
    (x,) = node.inputs
    old, new = x.spec.shape, node.out.spec.shape
    if [n for n in old if n != 1] == [n for n in new if n != 1]:
        own: Index = None
        if index is not None:
            left = iter([t for t, n in zip(index, new, strict=True) if n != 1])
            own = tuple("1" if n == 1 else next(left) for n in old)
        return laid_out(w.write(x, own), extent(x, own), extent(node.out, index))
    sizes = " \\times ".join(map(str, new))
    return w.entries(node.out, index, called(f"{operator('reshape')}_{{{sizes}}}", w.write(x).text))


@writes("broadcast_to")
def _broadcast(w: Expressions, node: Node, index: Index) -> Tex:
    (x,) = node.inputs
    if index is not None:
        return w.write(x, aligned(x, index))
    shape = w.shape(x, None)
    text = w.write(x)
    if not shape:
        return multiplied(text, Tex("\\mathbf{1}"))
    return stretched(text, shape, node.out.spec.shape)


@writes("astype", "copy", "as_integer")
def _same(w: Expressions, node: Node, index: Index) -> Tex:
    return w.write(node.inputs[0], index)


@writes("stop_gradient")
def _stop(w: Expressions, node: Node, index: Index) -> Tex:
    return called(operator("stop"), w.write(node.inputs[0], index).text)


@writes("diagonal")
def _diagonal(w: Expressions, node: Node, index: Index) -> Tex:
    (x,) = node.inputs
    if x.spec.ndim != 2 or node.params["offset"]:
        return w.entries(node.out, index, called(operator("diagonal"), w.write(x).text))
    if index is None:
        return called(operator("diag"), w.write(x).text)
    return w.write(x, (index[0], index[0]))


@writes("concatenate", "stack")
def _concatenate(w: Expressions, node: Node, index: Index) -> Tex:
    axis, ndim = node.params["axis"], node.out.spec.ndim
    if ndim > 2:
        return w.entries(node.out, index, plain_call(w, node))
    texts = [w.write(wire).text for wire in node.inputs]
    if axis % ndim == 1 and ndim == 2:
        whole = matrix(" & ".join(texts))
    elif node.primitive is primitives.stack and ndim == 2:  # columns that become rows
        whole = matrix(*(_as_row(text) for text in texts))
    else:
        whole = matrix(*texts)
    return w.entries(node.out, index, whole)


def _as_row(column: str) -> str:
    inside = column.removeprefix("\\begin{bmatrix} ").removesuffix(" \\end{bmatrix}")
    if inside != column and "\\begin" not in inside and "&" not in inside:
        return inside.replace(" \\\\ ", " & ")
    return transposed(Tex(column)).text
