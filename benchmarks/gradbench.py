"""``python -m benchmarks.gradbench``: GradBench's `lstm` and `ode`, at its sizes, as loops.

GradBench (https://github.com/gradbench/gradbench) compares tools by evaluations; each is a function of a
JSON input, which a tool evaluates again and again and times without the conversion of the input. With
``--tool NAME`` this program answers its messages on standard input, so ``gradbench run`` can drive it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from time import perf_counter, perf_counter_ns
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console

from . import report
from .compiled import MALLOC
from .measure import Grid, Row, in_fresh_process, installed, interleaved
from .workloads import Function, Jax, NumPy, Torch

END = 2.0
"""The time until which the differential equation is solved."""
BITS = 14
"""A character of the text is so many numbers, 0 or 1."""


# ---- the functions


def ode(w: Any, steps: int) -> Function:
    """Runge and Kutta's method for y0' = x0, yi' = xi · y(i-1), from zero."""
    h = END / steps

    def primal(x: Any) -> Any:
        def slope(y: Any) -> Any:
            return w.xp.concatenate([x[:1], x[1:] * y[:-1]])

        def step(y: Any, _: Any) -> Any:
            k1 = slope(y)
            k2 = slope(y + h / 2 * k1)
            k3 = slope(y + h / 2 * k2)
            k4 = slope(y + h * k3)
            return y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4), None

        return w.scan(step, w.constant(np.zeros(x.shape[0])), None, steps)[0]

    return primal


def lstm(w: Any) -> Function:
    """Layers of LSTM cells whose weights are diagonal, which guess each next character of a text."""

    def objective(main: Any, extra: Any, state: Any, text: Any) -> Any:
        layers, bits = main.shape[0] // 2, text.shape[1]

        def step(cells: Any, characters: Any) -> Any:
            x, following = characters
            x = x * extra[0]
            after = []
            for i in range(layers):
                h, c = cells[2 * i], cells[2 * i + 1]
                weights, biases = main[2 * i], main[2 * i + 1]
                gates = [weights[j * bits : (j + 1) * bits] for j in range(4)]
                shifts = [biases[j * bits : (j + 1) * bits] for j in range(4)]
                forget = w.sigmoid(x * gates[0] + shifts[0])
                write = w.sigmoid(h * gates[1] + shifts[1])
                read = w.sigmoid(x * gates[2] + shifts[2])
                c = c * forget + write * w.xp.tanh(h * gates[3] + shifts[3])
                x = read * w.xp.tanh(c)
                after += [x, c]
            guess = x * extra[1] + extra[2]
            normal = guess - w.xp.log(w.xp.exp(guess).sum() + 2)
            return tuple(after), (following * normal).sum()

        start = tuple(state[i] for i in range(2 * layers))
        _, gains = w.scan(step, start, (text[:-1], text[1:]))
        return -gains.sum() / ((text.shape[0] - 1) * bits)

    return objective


# ---- the tools


class Tool(NamedTuple):
    """What a library needs to take part."""

    module: str
    words: Callable[[], Any]
    array: Callable[[Any], Any]
    compiled: Callable[[Function], Function]
    gradient: Callable[[Function, int], Function]
    """Of a number by the first arguments, so many of them."""
    plain: Callable[[Any], np.ndarray]
    """As a NumPy array; it waits for the result."""


def _clearprop() -> Tool:
    import clearprop

    def gradient(f: Function, count: int) -> Function:
        return clearprop.grad(f, argnums=tuple(range(count)))

    return Tool("clearprop", NumPy, np.array, clearprop.compile, gradient, np.asarray)


def _jax() -> Tool:
    import jax

    jax.config.update("jax_enable_x64", True)

    def gradient(f: Function, count: int) -> Function:
        return jax.grad(f, argnums=tuple(range(count)))

    return Tool("jax", Jax, jax.numpy.array, jax.jit, gradient, np.asarray)


def _torch() -> Tool:
    import torch

    def gradient(f: Function, count: int) -> Function:
        def of(*args: Any) -> Any:
            leaves = [x.detach().requires_grad_() for x in args[:count]]
            return torch.autograd.grad(f(*leaves, *args[count:]), leaves)

        return of

    def plain(y: Any) -> np.ndarray:
        return y.detach().numpy()

    return Tool("torch", Torch, torch.tensor, lambda f: f, gradient, plain)


TOOLS = {"clearprop": _clearprop, "JAX": _jax, "PyTorch": _torch}


class Task(NamedTuple):
    """A function of a module, made for one input."""

    function: Function
    arguments: tuple[Any, ...]


def prepared(tool: Tool, module: str, function: str, given: Mapping[str, Any]) -> Task:
    """Return what is to be evaluated for the input of a message."""
    w = tool.words()
    if module == "lstm":
        names = ("main_params", "extra_params", "state", "sequence")
        arguments = [np.array(given[name], np.float64) for name in names]
        f = lstm(w)
        if function == "jacobian":
            gradient = tool.gradient(f, 2)

            def f(*args: Any) -> Any:
                return w.xp.concatenate([g.reshape(-1) for g in gradient(*args)])

    else:
        arguments = [np.array(given["x"], np.float64)]
        f = ode(w, given["s"])
        if function == "gradient":
            primal = f
            last = tool.gradient(lambda x: primal(x)[-1], 1)

            def f(x: Any) -> Any:
                return last(x)[0]

    return Task(tool.compiled(f), tuple(map(tool.array, arguments)))


FUNCTIONS = {"lstm": ("objective", "jacobian"), "ode": ("primal", "gradient")}


# ---- the protocol


def answer(tool: Tool, message: Mapping[str, Any]) -> dict[str, Any]:
    """Return the response to a message."""
    found: dict[str, Any] = {"id": message["id"]}
    if message["kind"] == "start":
        return {**found, "tool": "clearprop"}
    if message["kind"] == "define":
        return {**found, "success": message["module"] in FUNCTIONS}
    if message["kind"] != "evaluate":
        return found
    module, function, given = message["module"], message["function"], message["input"]
    if function not in FUNCTIONS.get(module, ()):
        return {**found, "success": False, "error": f"there is no {function} in {module}"}
    task = prepared(tool, module, function, given)
    output = tool.plain(task.function(*task.arguments))  # compiled by this call
    timings: list[dict[str, Any]] = []
    elapsed = 0
    while len(timings) < given["min_runs"] or elapsed < given["min_seconds"] * 1e9:
        start = perf_counter_ns()
        output = tool.plain(task.function(*task.arguments))
        nanoseconds = perf_counter_ns() - start
        elapsed += nanoseconds
        timings.append({"name": "evaluate", "nanoseconds": nanoseconds})
    return {**found, "success": True, "output": output.tolist(), "timings": timings}


# ---- the table


def inputs(rng: np.random.Generator) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Yield every evaluation: its name, module, function and input, at GradBench's sizes."""
    for layers in (2, 4, 6):
        for characters in (1024, 4096, 8192):
            given: dict[str, Any] = {
                "main_params": rng.random((2 * layers, 4 * BITS)),
                "extra_params": rng.random((3, BITS)),
                "state": rng.random((2 * layers, BITS)),
                "sequence": rng.integers(0, 2, (characters, BITS)).astype(np.float64),
            }
            for function in FUNCTIONS["lstm"]:
                yield f"lstm {function}, l={layers}, c={characters}", "lstm", function, given
    for size in (1000, 10_000, 100_000):
        for steps in (1, 10, 100):
            given = {"x": rng.random(size), "s": steps}
            for function in FUNCTIONS["ode"]:
                yield f"ode {function}, n={size}, s={steps}", "ode", function, given


_SLOW = 1.0
"""Seconds from which a call is measured once: that is slow enough to tell."""


def measure(
    name: str,
    module: str,
    function: str,
    given: Mapping[str, Any],
    tools: Sequence[str],
    rounds: int,
) -> Row:
    calls: dict[str, Callable[[], Any]] = {}
    first: dict[str, float] = {}
    slow: dict[str, float] = {}
    for label in tools:
        start = perf_counter()
        tool = TOOLS[label]()
        task = prepared(tool, module, function, given)

        def call(tool: Tool = tool, task: Task = task) -> Any:
            return tool.plain(task.function(*task.arguments))

        call()
        first[label] = perf_counter() - start
        start = perf_counter()
        call() if first[label] > _SLOW else None
        again = perf_counter() - start
        if again > _SLOW:
            slow[label] = again
        else:
            calls[label] = call
    found = interleaved(calls, rounds=rounds, seconds=0.05, pause=0.1)
    return Row(name, {n: {**found, **slow}[n] for n in tools}, first, 1.0)


def run(*, quick: bool = False, cores: int = 1) -> Grid:
    """Measure every evaluation on so many cores, in a process that has only those."""
    command = ["-m", "benchmarks.gradbench", "--json", *(["--quick"] if quick else [])]
    rows = [Row(**row) for row in in_fresh_process(command, cores=cores, environment=MALLOC)]
    return Grid(
        f"GradBench's lstm and ode, on {'one core' if cores == 1 else f'{cores} cores'}",
        "clearprop",
        rows,
        "functions and sizes as GradBench has them, random numbers for its text; JAX by jit and scan, "
        "PyTorch as loops in Python, once where a call takes over a second",
    )


def main() -> None:
    """Print a table, or rows as JSON; or answer messages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", nargs="*", help="parts of evaluations' names")
    parser.add_argument("--tool", choices=TOOLS, help="answer GradBench's messages with this one")
    parser.add_argument("--only", nargs="*", default=list(TOOLS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="one evaluation only")
    options = parser.parse_args()
    if options.tool:
        tool = TOOLS[options.tool]()
        for line in sys.stdin:
            print(json.dumps(answer(tool, json.loads(line))), flush=True)
        return
    names = ["ode gradient, n=1000, s=1,"] if options.quick else options.name
    tools = [label for label in options.only if installed(label.lower().removeprefix("py"))]
    rows = [
        measure(*evaluation, tools, 1 if options.quick else options.rounds)
        for evaluation in inputs(np.random.default_rng(0))
        if not names or any(part in f"{evaluation[0]}," for part in names)
    ]
    if options.json:
        print(json.dumps([asdict(row) for row in rows]))
    else:
        report.show(Grid("GradBench's lstm and ode", "clearprop", rows), Console())


if __name__ == "__main__":
    main()
