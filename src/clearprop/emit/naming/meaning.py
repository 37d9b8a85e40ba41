"""What a value is, in a few words: `x_centred`, `exp_neg_s`, `logsumexp_scores`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ...graph.graph import Node, Wire
from ...passes.matching import Matcher, number

MOST_LETTERS, MOST_WORDS = 22, 5
_BEFORE = {
    "exp": "exp",
    "log": "log",
    "negative": "neg",
    "sqrt": "sqrt",
    "absolute": "abs",
    "outer": "outer",
}
_AFTER = {"sum": "sum", "mean": "mean", "max": "max", "min": "min", "var": "var", "std": "std"}
_LITTLE = 1 / 8
"""What one of these operations takes of the depth to which words are looked for."""
_COMPARED = {
    "greater": "above",
    "less": "below",
    "greater_equal": "at_least",
    "less_equal": "at_most",
    "equal": "is",
}
_BETWEEN = {"add": "_plus_", "multiply": "_", "divide": "_over_"}
_SIGNS = {"greater": "positive", "less": "negative"}
_SIZES = {"greater": "large", "greater_equal": "large", "less": "small", "less_equal": "small"}
_POWERS = {2: "{}_squared", -1: "inv_{}", 0.5: "sqrt_{}", -0.5: "inv_sqrt_{}"}


def is_short(words: str) -> bool:
    """Return whether a name is one that people would still write."""
    return bool(words) and len(words) <= MOST_LETTERS and words.count("_") < MOST_WORDS


class Meanings:
    """Finds words for values, given those that have names."""

    def __init__(self, made: Mapping[Wire, Node], known: Callable[[Wire], str]) -> None:
        self.made = made
        self.known = known
        """The name that a value has, or nothing."""
        self.matcher = Matcher()
        self.matcher.made = dict(made)

    def name(self, wire: Wire) -> str:
        """Return a few words, or nothing where it would take many."""
        node, words = self.made.get(wire), self.of(wire)
        if node is not None and words == self.of(node.inputs[0]) != "":
            return f"{words}_part" if node.primitive.name == "slice" else words
        return words

    def of(self, wire: Wire, depth: float = 3) -> str:
        """Return the words as they stand within other names."""
        if name := self.known(wire):
            return name
        node = self.made.get(wire)
        if node is None or depth <= 0 or wire.is_constant:
            return ""
        return self._seen(wire, depth) or self._of_node(node, depth)

    def _of_node(self, node: Node, depth: float) -> str:
        kind = node.primitive.name
        keeps = "keeps" in node.primitive.traits
        deeper = depth - (_LITTLE if keeps or kind in (*_BEFORE, *_AFTER) else 1)
        words = [self.of(w, deeper) for w in node.inputs]
        first = words[0] if words else ""
        if len(words) == 2 and any(words):
            found = self._of_two(node, *words)
            if found is not None:
                return found
        if kind == "slice":
            return self._part(node, first)
        if not first:
            return ""
        if keeps:
            return first
        if kind == "transpose":
            return f"{first}T" if len(first) < 3 else f"{first}_T"
        if kind == "gather":
            return f"{first}_picked"
        if kind in _BEFORE and len(words) == 1:
            return f"{_BEFORE[kind]}_{first.removesuffix('_shifted')}"
        if kind in _AFTER:
            return f"{first}_{_AFTER[kind]}"
        return f"{kind}_{first}" if len(words) == 1 and kind != "scatter" else ""

    def _part(self, node: Node, whole: str) -> str:
        """Return `u1` for one entry of `u`; for longer parts, what they are parts of, as people do."""
        index = node.params["index"]
        if whole and all(isinstance(i, int) and i >= 0 for i in index):
            return whole + "".join(map(str, index))
        return whole

    # ---- what is known by name, however it is spelled

    def _seen(self, wire: Wire, depth: float) -> str:
        matcher = self.matcher
        if centred := matcher.centred(wire):
            return self._named("{}_centred", centred[0], depth)
        if node := matcher.by(wire, "sqrt"):
            total = matcher.by(node.inputs[0], "sum")
            squared = matcher.squared(total.inputs[0]) if total else None
            if squared is not None:
                return self._named("{}_norm", squared, depth)
        if node := matcher.by(wire, "subtract"):
            x, y = node.inputs
            if self._is_largest(y, x):
                return self._named("{}_shifted", x, depth)
            if (z := self._log_of_sum(y)) is x:
                shifted = matcher.by(z, "subtract")
                x = shifted.inputs[0] if shifted and self._is_largest(shifted.inputs[1]) else z
                return self._named("log_softmax_{}", x, depth)
        if node := matcher.by(wire, "add"):
            for y, m in (node.inputs, node.inputs[::-1]):
                z = self._log_of_sum(y)
                shifted = matcher.by(z, "subtract") if z else None
                if shifted and matcher.base(shifted.inputs[1]) is matcher.base(m):
                    return self._named("logsumexp_{}", shifted.inputs[0], depth)
        if (quotient := matcher.quotient(wire)) and (z := matcher.exponent(quotient[0])):
            below = matcher.sum_of_exponentials(quotient[1])
            if below and below[0] is z:
                return self._named("softmax_{}", z, depth).replace("_shifted", "")
        return ""

    def _named(self, pattern: str, wire: Wire, depth: float) -> str:
        words = self.of(wire, depth - 1)
        return pattern.format(words) if words else ""

    def _is_largest(self, wire: Wire, of: Wire | None = None) -> bool:
        node = self.matcher.by(self.matcher.base(wire), "max")
        return node is not None and of in (None, node.inputs[0])

    def _log_of_sum(self, wire: Wire) -> Wire | None:
        """Return z where a wire is log(sum(exp(z)))."""
        node = self.matcher.by(self.matcher.base(wire), "log")
        found = node and self.matcher.sum_of_exponentials(node.inputs[0])
        return found[0] if found else None

    # ---- two inputs

    def _of_two(self, node: Node, x: str, y: str) -> str | None:
        """Return words for an operation on two values, at least one of which has words; None if it is
        another.
        """
        kind = node.primitive.name
        one, other = (number(w) for w in node.inputs)
        if kind in _COMPARED:
            return _comparison(kind, x, y, other)
        if kind == "power":
            return _POWERS.get(other or 0, "").format(x) if x else ""
        if kind == "maximum" and other == 0:
            return f"relu_{x}"
        if kind == "subtract":
            return _difference(x, y, one, other)
        if kind not in ("add", "multiply", "divide", "matmul"):
            return None
        if not (x and y):
            return _with_number(kind, x, y, one, other)
        if _says_again(x, y):
            return ""
        if kind == "matmul" or (kind == "multiply" and len(x) == len(y) == 1):
            together = kind == "matmul" and "_" not in x + y and len(x + y) < 5
            return f"{x}{y}" if together else f"{x}_{y}"
        return f"{x}{_BETWEEN[kind]}{y}"


def _says_again(x: str, y: str) -> bool:
    """Return whether one of two names is within the other: `x_y_x` says nothing."""
    shorter, longer = sorted((x, y), key=len)
    return bool(shorter) and shorter != longer and f"_{shorter}_" in f"_{longer}_"


def _comparison(kind: str, x: str, y: str, other: float | None) -> str:
    if not x:
        return ""
    if y:
        return f"{x}_{_COMPARED[kind]}_{y}"
    if other == 0 and kind in _SIGNS:
        return f"{x}_{_SIGNS[kind]}"
    if other is not None and float(other).is_integer() and 0 <= other < 100:
        return f"{x}_{_COMPARED[kind]}_{int(other)}"
    return f"{x}_{_SIZES[kind]}" if kind in _SIZES else ""


def _difference(x: str, y: str, one: float | None, other: float | None) -> str:
    if one is not None:
        return f"one_minus_{y}" if one == 1 and y else ""
    if other is not None:
        return f"{x}_less"
    if _says_again(x, y):
        return f"{x}_diff"
    return f"{x}_minus_{y}" if x and y else ""


def _with_number(kind: str, x: str, y: str, one: float | None, other: float | None) -> str:
    if one == 1 and y and kind != "multiply":
        return {"add": f"one_plus_{y}", "divide": f"inv_{y}"}.get(kind, "")
    value = one if one is not None else other
    if value is None or (kind == "divide" and one is not None):
        return ""
    if kind == "multiply":
        return f"two_{x or y}" if value == 2 else f"scaled_{x or y}"
    return x or y
