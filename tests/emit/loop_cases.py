"""Functions with loops and branches, whose equations are to be read.

``python -m tests.emit.loop_cases`` writes those of `GOLDEN` anew.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import clearprop
from clearprop import scan

FOLDER = Path(__file__).parent / "golden_latex" / "loops"


def draw(*shape: int) -> Any:
    return np.random.default_rng(sum(shape)).uniform(-1, 1, shape)


def rnn(W_x: Any, W_h: Any, b: Any, h0: Any, xs: Any, y: Any) -> Any:
    def step(h: Any, x: Any) -> Any:
        h = np.tanh(x @ W_x + h @ W_h + b)
        return h, h

    _, hs = scan(step, h0, xs)
    return np.sum((hs - y) ** 2)


def lstm(W: Any, U: Any, V: Any, xs: Any, h0: Any, c0: Any, ys: Any) -> Any:
    def step(carry: Any, x: Any) -> Any:
        h, c = carry
        a = W @ x + U @ h
        i, f, o = (clearprop.sigmoid(a[j : j + 2]) for j in (0, 2, 4))
        g = np.tanh(a[6:])
        c = f * c + i * g
        h = o * np.tanh(c)
        return (h, c), V @ h

    _, out = scan(step, (h0, c0), xs)
    return np.mean((out - ys) ** 2)


def heat(u: Any, kappa: Any) -> Any:
    def step(t: Any, u: Any) -> Any:
        return u + kappa * (np.roll(u, 1) - 2 * u + np.roll(u, -1))

    u = clearprop.fori_loop(0, 50, step, u)
    return np.sum(u**2)


def newton(a: Any) -> Any:
    def is_far(x: Any) -> Any:
        return np.abs(x**3 - a) > 1e-12 * a

    return clearprop.while_loop(is_far, lambda x: (2 * x + a / x**2) / 3, a)


def root_or_line(x: Any, w: Any) -> Any:
    def root(x: Any) -> Any:
        s = np.sqrt(x)
        return w * s

    y = clearprop.cond(x > 0, root, lambda x: w * x, x)
    return y**2


def reverse(a: Any, xs: Any) -> Any:
    def step(s: Any, x: Any) -> Any:
        s = a * s + x
        return s, s

    _, ys = scan(step, 0.0, xs, reverse=True)
    return np.sum(ys**2)


def nested(xs: Any, w: Any) -> Any:
    def outer(c: Any, x: Any) -> Any:
        return clearprop.fori_loop(0, 3, lambda k, c: c * np.sin(w * x) + k, c), None

    return scan(outer, 0.5, xs)[0]


def halved_until_small(xs: Any, a: Any) -> Any:
    def outer(c: Any, x: Any) -> Any:
        c = clearprop.while_loop(lambda c: c > 1, lambda c: c * a, c + x)
        return c, c

    c, cs = scan(outer, 3.0, xs)
    return np.sum(cs) + c


def branches_in_steps(x: Any) -> Any:
    def step(i: Any, x: Any) -> Any:
        def odd(x: Any) -> Any:
            s = np.sin(x)
            return s * x

        return clearprop.cond(i % 2 == 1, odd, lambda x: x * x, x)

    return clearprop.fori_loop(0, 5, step, x)


def switched(x: Any, a: Any) -> Any:
    k = (x > 0) * 1 + (x > 1) * 1
    return clearprop.switch(k, [lambda x: a * x, lambda x: x**3, np.exp], x)


def two_scans(xs: Any, w: Any) -> Any:
    _, hs = scan(lambda h, x: (np.tanh(w * h + x), 2 * np.tanh(w * h + x)), 0.0, xs)
    _, gs = scan(lambda h, x: (h * w + x, h), 0.0, hs)
    z = clearprop.fori_loop(2, 7, lambda i, h: h * i * w, 1.5)
    return np.sum(gs) + hs[-1] * z


def leapfrog(x: Any, v: Any, m: Any) -> Any:
    def step(s: Any, _: Any) -> Any:
        x, v = s
        v = v - 0.1 * x / m
        x = x + 0.1 * v
        return (x, v), None

    x, v = scan(step, (x, v), length=20)[0]
    return x**2 + v**2


def fibonacci(a: Any, b: Any) -> Any:
    a, b = clearprop.fori_loop(0, 6, lambda i, s: (s[1], s[0] + s[1]), (a, b))
    return a * b


def descent(w: Any, X: Any, y: Any, rate: Any) -> Any:
    def step(w: Any, _: Any) -> Any:
        g = X.T @ (X @ w - y)
        return w - rate * g, np.sum(w**2)

    w, losses = scan(step, w, length=5)
    return np.sum(w**2) + losses[2]


def picked(xs: Any, U: Any) -> Any:
    _, hs = scan(lambda h, x: (np.tanh(U @ h + x),) * 2, np.zeros(2), xs)
    return hs[0, 1] + np.sum(hs[-1]) + np.sum(hs[1:3]) + np.sum(hs[2] * hs[1])


def batch(W: Any, xs: Any) -> Any:
    def step(h: Any, x: Any) -> Any:
        return np.tanh(x @ W + h), None

    return np.sum(scan(step, np.zeros((2, 4)), xs)[0] ** 2)


CASES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "rnn": (rnn, (draw(3, 4), draw(4, 4), draw(4), draw(4), draw(6, 3), draw(6, 4))),
    "lstm": (
        lstm,
        (draw(8, 3), draw(8, 2), draw(2, 2), draw(5, 3), draw(2), draw(2), draw(5, 2)),
    ),
    "heat": (heat, (draw(8), 0.1)),
    "newton": (newton, (8.0,)),
    "root_or_line": (root_or_line, (4.0, 0.5)),
    "reverse": (reverse, (0.9, draw(5))),
    "nested": (nested, (draw(4), 0.7)),
    "halved_until_small": (halved_until_small, (np.ones(3), 0.5)),
    "branches_in_steps": (branches_in_steps, (1.2,)),
    "switched": (switched, (0.5, 2.0)),
    "two_scans": (two_scans, (draw(4), 0.5)),
    "leapfrog": (leapfrog, (1.0, 0.5, 2.0)),
    "fibonacci": (fibonacci, (1.0, 2.0)),
    "descent": (descent, (draw(3), draw(6, 3), draw(6), 0.01)),
    "picked": (picked, (draw(4, 2), draw(2, 2))),
    "batch": (batch, (draw(3, 4), draw(5, 2, 3))),
}
GOLDEN = ("rnn", "lstm", "heat", "newton", "root_or_line", "reverse", "nested")


def main() -> None:
    """Write the golden files anew."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in GOLDEN:
        f, args = CASES[name]
        text = clearprop.source(f, *args, to="latex").equations
        (FOLDER / f"{name}.tex").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
