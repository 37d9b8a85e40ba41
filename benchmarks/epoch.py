"""``python -m benchmarks.epoch``: an epoch of training as one loop, beside a loop over compiled steps.

A small network on numbers of the shape of scikit-learn's digits, in shuffled minibatches of 16. A step is a
few microseconds of arithmetic, so what counts is what surrounds it: picking the minibatch, and the call.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
from rich.console import Console

from . import report
from .compiled import MALLOC
from .measure import Check, Report, in_fresh_process, installed, interleaved

IMAGES, PIXELS, HIDDEN, CLASSES, BATCH = 1797, 64, 32, 10, 16
RATE = np.float32(0.1)

Epoch = Callable[[], Any]
"""Goes once through the images, and returns the parameters."""


def _data() -> tuple[dict[str, Any], Any, Any, Any]:
    """Return parameters, images, labels, and which of them make each minibatch."""
    rng = np.random.default_rng(0)

    def weights(m: int, n: int) -> Any:
        return (rng.standard_normal((m, n)) * m**-0.5).astype(np.float32)

    p = {
        "w1": weights(PIXELS, HIDDEN),
        "b1": np.zeros(HIDDEN, np.float32),
        "w2": weights(HIDDEN, CLASSES),
        "b2": np.zeros(CLASSES, np.float32),
    }
    images = rng.random((IMAGES, PIXELS)).astype(np.float32)
    labels = rng.integers(0, CLASSES, IMAGES)
    steps = IMAGES // BATCH
    return p, images, labels, rng.permutation(IMAGES)[: steps * BATCH].reshape(steps, BATCH)


def clearprop_epochs() -> dict[str, Epoch]:
    """Return the epoch as one loop, and as a loop over compiled steps in two ways."""
    import clearprop

    p, images, labels, order = _data()

    def loss(p: Any, x: Any, y: Any) -> Any:
        h = np.maximum(x @ p["w1"] + p["b1"], 0)
        return clearprop.cross_entropy(h @ p["w2"] + p["b2"], y)

    def step(p: Any, x: Any, y: Any) -> Any:
        value, g = clearprop.value_and_grad(loss)(p, x, y)
        return {k: p[k] - RATE * g[k] for k in p}, value

    def picking(p: Any, images: Any, labels: Any, picked: Any) -> Any:
        return step(p, images[picked], labels[picked])

    def epoch(p: Any, images: Any, labels: Any, order: Any) -> Any:
        return clearprop.scan(lambda p, picked: picking(p, images, labels, picked), p, order)

    whole = clearprop.compile(epoch)
    compiled = clearprop.compile(step, donate="p")
    compiled_picking = clearprop.compile(picking, donate="p")

    def fresh() -> Any:
        return {k: x.copy() for k, x in p.items()}

    def over_steps() -> Any:
        q = fresh()
        for picked in order:
            q, _ = compiled(q, images[picked], labels[picked])
        return q

    def over_picking_steps() -> Any:
        q = fresh()
        for picked in order:
            q, _ = compiled_picking(q, images, labels, picked)
        return q

    return {
        "scan": lambda: whole(p, images, labels, order)[0],
        "loop over compiled steps": over_steps,
        "loop over compiled steps that pick their minibatch": over_picking_steps,
    }


def jax_epochs() -> dict[str, Epoch]:
    """Return the same by JAX."""
    import jax

    p, images, labels, order = jax.tree.map(jax.numpy.array, _data())

    def loss(p: Any, x: Any, y: Any) -> Any:
        h = jax.numpy.maximum(x @ p["w1"] + p["b1"], 0)
        log_p = jax.nn.log_softmax(h @ p["w2"] + p["b2"])
        return -log_p[jax.numpy.arange(len(y)), y].mean()

    def step(p: Any, picked: Any) -> Any:
        value, g = jax.value_and_grad(loss)(p, images[picked], labels[picked])
        return jax.tree.map(lambda x, dx: x - RATE * dx, p, g), value

    whole = jax.jit(lambda p, order: jax.lax.scan(step, p, order))
    compiled = jax.jit(step)
    rows = list(order)

    def over_steps() -> Any:
        q = p
        for picked in rows:
            q, _ = compiled(q, picked)
        return jax.block_until_ready(q)

    return {
        "JAX, scan": lambda: jax.block_until_ready(whole(p, order))[0],
        "JAX, loop over compiled steps": over_steps,
    }


def measure(rounds: int) -> Report:
    """Measure every way, and see that all of them come to the same parameters."""
    epochs = clearprop_epochs()
    if installed("jax"):
        epochs |= jax_epochs()
    expected = epochs["scan"]()
    for name, epoch in epochs.items():
        for k, x in epoch().items():
            if not np.allclose(x, expected[k], rtol=1e-3, atol=1e-4):
                raise AssertionError(f"{name} comes to other parameters {k}")
    seconds = interleaved(epochs, rounds=rounds, seconds=0.05, pause=0.1)
    scan = seconds["scan"]
    checks = [
        Check(f"scan ÷ {name}", scan / seconds[name], 0.5)
        for name in seconds
        if name.startswith("loop")
    ]
    return Report(
        f"An epoch over the digits, minibatches of {BATCH}",
        "µs",
        {name: 1e6 * s for name, s in seconds.items()},
        ours="scan",
        checks=checks,
        note=f"{IMAGES // BATCH} steps of SGD, {PIXELS}→{HIDDEN}→{CLASSES}, shuffled, float32, one core",
        peers=[name for name in seconds if name.startswith("JAX")],
    )


def run(*, quick: bool = False) -> Report:
    """Measure on one core."""
    command = ["-m", "benchmarks.epoch", "--json", *(["--quick"] if quick else [])]
    found = in_fresh_process(command, cores=1, environment=MALLOC)
    found["checks"] = [Check(**check) for check in found["checks"]]
    return Report(**found)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    made = measure(1 if options.quick else 9)
    if options.json:
        print(json.dumps(asdict(made)))
    else:
        report.show(made, Console())
