"""Random functions that bind few names many times: what `source` writes for them runs, and is verified."""

from __future__ import annotations

import linecache
import random
from typing import Any

import numpy as np
import pytest

import clearprop
from tests.emit.test_latex_source import well_formed

STEPS = (
    "np.sin({a})",
    "{a} + {b}",
    "{a} * {b}",
    "{a} - {b}",
    "np.tanh({a}) * {b}",
    "{a} / (2 + {b}**2)",
    "np.exp(-{a}**2)",
    "{a} @ W",
    "np.maximum({a}, 0)",
    "({a} @ W) * {b} + {a}",
    "{a} - {a}.mean(0)",
    "{a}**2 + {b}",
)


def function(seed: int) -> Any:
    """A function of two arrays, whose lines can be read."""
    draw = random.Random(seed)
    live, lines = ["x"], ["def f(x, W):"]
    for _ in range(draw.randint(2, 9)):
        to, a, b = draw.choice(["h", "p", "out", "x"]), draw.choice(live), draw.choice(live)
        lines.append(f"    {to} = {draw.choice(STEPS).format(a=a, b=b)}")
        live = [*dict.fromkeys([*live, to])]
    lines.append(f"    return np.mean({' * '.join(draw.sample(live, min(2, len(live))))})")
    text, file = "\n".join(lines) + "\n", f"<random program {seed}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    space: dict[str, Any] = {"np": np}
    exec(compile(text, file, "exec"), space)
    return space["f"]


@pytest.mark.parametrize("seed", [*range(20), 95, 193, 199, 202])
def test_program(seed: int) -> None:
    rng = np.random.default_rng(seed)
    args = rng.normal(size=(4, 3)) / 2 + 0.1, rng.normal(size=(3, 3)) / 2
    f = function(seed)
    for target in ("numpy", "torch", "latex"):
        made = clearprop.source(f, *args, to=target)
        if target == "latex":
            well_formed(made.text)
