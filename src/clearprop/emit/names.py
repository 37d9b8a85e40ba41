"""Names for values: the user's own, `d` and the name for gradients, and for the rest what they mean."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterable, Mapping

from ..graph import Node, Wire
from ..passes.person.seeing import number

_LONGEST = 22
_RESERVED = {
    *keyword.kwlist,
    *keyword.softkwlist,
    *dir(builtins),
    "np",
    "numpy",
    "torch",
    "jax",
    "jnp",
    "ctx",
}
_NOUNS = {
    "add": "total",
    "subtract": "difference",
    "multiply": "product",
    "matmul": "product",
    "divide": "quotient",
    "sum": "total",
    "mean": "average",
    "where": "chosen",
    "concatenate": "joined",
    "stack": "stacked",
    "exp": "exponential",
    "scatter": "spread",
}
_BEFORE = {
    "exp": "exp",
    "log": "log",
    "negative": "neg",
    "sqrt": "sqrt",
    "absolute": "abs",
    "outer": "outer",
}
_AFTER = {"sum": "sum", "mean": "mean", "max": "max", "min": "min", "var": "var", "std": "std"}
_SAME = {"reshape", "expand_dims", "squeeze", "broadcast_to", "copy", "astype"}
_TESTS = {
    "greater": "above",
    "less": "below",
    "greater_equal": "from",
    "less_equal": "up_to",
    "equal": "is",
}


class Names:
    """Names given so far; each is given once."""

    def __init__(
        self,
        made: Mapping[Wire, Node],
        gradient_of: Mapping[Wire, Wire],
        pattern: str,
        taken: Iterable[str],
    ) -> None:
        self.made = made
        self.gradient_of = gradient_of
        self.pattern = pattern
        self.taken = set(taken)
        self.given: dict[Wire, str] = {}
        self.readers: dict[Wire, list[Node]] = {}
        for node in dict.fromkeys(made.values()):
            for wire in node.inputs:
                self.readers.setdefault(wire, []).append(node)

    def give(self, wire: Wire, name: str) -> str:
        """This very name, or one like it that is free."""
        name = name if name not in _RESERVED else f"{name}_"
        free, i = name, 2
        while free in self.taken:
            free, i = f"{name}_{i}", i + 1
        self.taken.add(free)
        self.given[wire] = free
        return free

    def of(self, wire: Wire) -> str:
        """The name of a value; the first time it is asked for, one is found."""
        if wire not in self.given:
            self.give(wire, self._find(wire))
        return self.given[wire]

    def gradient(self, wire: Wire) -> str:
        """What the gradient of a forward value is called."""
        return self.pattern.format(self.given.get(wire) or self._find(wire))

    def _find(self, wire: Wire) -> str:
        node = self.made.get(wire)
        if wire in self.gradient_of and (node is None or node.is_backward):
            return self.gradient(self.gradient_of[wire])
        if (
            wire.is_named
            and wire.name.isidentifier()
            and not (node is not None and node.is_backward)
        ):
            return re.sub(r"_\d+$", "", wire.name) if wire.name in self.taken else wire.name
        if wire.is_constant:
            return "constant"
        meaning = self.meaning(wire, 3)
        before = self._before(wire)
        long = meaning.count("_") > 1 or len(meaning) > 12 or meaning.endswith("_part")
        if before and before not in self.taken and (long or not meaning):
            return before
        if meaning and len(meaning) <= _LONGEST and meaning.count("_") < 4:
            return meaning
        return before or _NOUNS.get(node.primitive.name if node else "", "part")

    def _before(self, wire: Wire) -> str:
        """The name of what is made of it entry by entry, as in `h_pre`."""
        node = self.made.get(wire)
        if node is None or node.is_backward:
            return ""
        start = wire
        for _ in range(5):
            readers = [r for r in self.readers.get(wire, []) if not r.is_backward]
            if not readers or len(readers[0].outputs) != 1:
                return ""
            reader = readers[0]
            others = [w for w in reader.inputs if w is not wire and number(w) is None]
            if not reader.primitive.elementwise or others or reader.out.spec != start.spec:
                return ""
            wire = reader.out
            if wire.is_named and wire.name.isidentifier():
                return f"{self.given.get(wire, wire.name)}_pre"
        return ""

    # ---- meaning

    def meaning(self, wire: Wire, depth: int) -> str:
        """A few words for what a value is, or nothing."""
        if wire in self.given:
            return self.given[wire]
        if wire.is_named and wire.name.isidentifier():
            return wire.name
        node = self.made.get(wire)
        if node is None or not depth or wire.is_constant:
            return ""
        if wire in self.gradient_of and node.is_backward:
            return self.pattern.format(self.meaning(self.gradient_of[wire], depth - 1) or "it")
        kind = node.primitive.name
        deeper = depth if kind in (*_SAME, *_BEFORE, *_AFTER) else depth - 1
        words = [self.meaning(w, deeper) for w in node.inputs]
        if kind in _SAME:
            return words[0]
        if not words or not any(words):
            return ""
        if kind in _BEFORE and words[0]:
            return f"{_BEFORE[kind]}_{words[0].removesuffix('_shifted')}"
        if kind in _AFTER and words[0]:
            return f"{words[0]}_{_AFTER[kind]}"
        if kind == "transpose":
            return f"{words[0]}_T"
        if kind == "window":
            index = node.params["index"]
            if words[0] and all(isinstance(i, int) and i >= 0 for i in index):
                return words[0] + "".join(map(str, index))
            return f"{words[0]}_part" if words[0] else ""
        if kind == "gather":
            return f"{words[0]}_picked" if words[0] else ""
        if kind == "power" and (k := number(node.inputs[1])) is not None:
            word = {2: "{}_squared", -1: "inv_{}", 0.5: "sqrt_{}", -0.5: "inv_sqrt_{}"}.get(k)
            return word.format(words[0]) if word and words[0] else ""
        if len(words) == 2:
            return self._of_two(node, *words)
        return f"{kind}_{words[0]}" if len(words) == 1 and kind.isidentifier() else ""

    def _of_two(self, node: Node, x: str, y: str) -> str:
        kind = node.primitive.name
        one, other = number(node.inputs[0]), number(node.inputs[1])
        if kind in _TESTS and x:
            return (
                f"{x}_{_TESTS[kind]}_{y or 'bound'}" if y or other != 0 else f"{x}_{_TESTS[kind]}_0"
            )
        if kind == "maximum" and other == 0:
            return f"relu_{x}"
        if kind in ("add", "multiply", "divide") and not (x and y):
            if one == 1 and y:
                return {"add": f"one_plus_{y}", "divide": f"inv_{y}"}.get(kind, y)
            if kind == "divide" and one is not None:
                return ""
            value = one if one is not None else other
            if value is None or not (x or y):
                return ""
            if kind == "multiply":
                return f"two_{x or y}" if value == 2 else f"scaled_{x or y}"
            return x or y
        if kind == "subtract":
            if one is not None and y:
                return f"one_minus_{y}" if one == 1 else ""
            if other is not None and x:
                return f"{x}_less"
            if y.endswith("_mean") or "mean" in y:
                return f"{x}_centred"
            if y.startswith("log_exp_") and y.endswith("_sum"):
                return f"log_softmax_{y[8:-4]}"
            if y.endswith("_max"):
                return f"{x}_shifted"
            return f"{x}_minus_{y}" if x and y else ""
        if not x or not y:
            return ""
        if kind == "add" and y.startswith("log_exp_") and y.endswith("_sum"):
            return f"logsumexp_{y[8:-4]}"
        if kind == "divide" and y == f"{x}_sum":
            return f"softmax_{x.removeprefix('exp_')}"
        if kind == "matmul":
            return f"{x}{y}" if len(x) == len(y) == 1 else f"{x}_{y}"
        return {"add": f"{x}_plus_{y}", "multiply": f"{x}_{y}", "divide": f"{x}_over_{y}"}.get(
            kind, ""
        )
