"""Source of loops and choices: what it looks like, and that it is right for random programs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

import clearprop
from clearprop.errors import TraceError, UnsupportedError
from tests.control.loop_programs import LoopProgram, loop_programs


def rnn(Wx: Any, Wh: Any, b: Any, xs: Any, target: Any) -> Any:
    def step(h: Any, x: Any) -> Any:
        pre = x @ Wx + h @ Wh + b
        h = np.tanh(pre)
        return h, h

    _, hs = clearprop.scan(step, np.zeros(4), xs)
    err = hs - target
    return np.sum(err**2)


def rnn_arguments() -> list[Any]:
    rng = np.random.default_rng(0)
    return [rng.normal(size=s) for s in ((3, 4), (4, 4), (4,), (6, 3), (6, 4))]


def root(a: Any) -> Any:
    x = clearprop.while_loop(
        lambda x: np.abs(x * x - a) > 1e-12, lambda x: 0.5 * (x + a / x), a, limit=100
    )
    return x


def chosen(x: Any, w: Any) -> Any:
    def inside(x: Any) -> Any:
        return np.sum(x * w)

    def outside(x: Any) -> Any:
        return np.sum(np.exp(x))

    return 2 * clearprop.cond(np.sum(x) > 0, inside, outside, x)


def lines_of(text: str, first: str, count: int) -> list[str]:
    """Return lines from the one that begins so, without what a comment at their ends says."""
    lines = [line.split("  # (")[0].rstrip() for line in text.split("\n")]
    start = next(i for i, line in enumerate(lines) if line.strip().startswith(first))
    return [line[4:] for line in lines[start : start + count]]


def test_a_scan_is_a_loop_forwards_and_one_backwards() -> None:
    text = clearprop.source(rnn, *rnn_arguments()).text
    assert lines_of(text, "h_states = ", 5) == [
        "h_states = np.zeros((7, 4))",
        "for t in range(6):",
        "    pre = xs[t] @ Wx + h_states[t] @ Wh + b",
        "    h_states[t + 1] = np.tanh(pre)",
        "hs = h_states[1:]",
    ]
    assert lines_of(text, "for t in reversed", 10) == [
        "for t in reversed(range(6)):",
        "    # backward of  h = np.tanh(pre)",
        "    dpre = (dh + derr[t]) * (1 - hs[t]**2)",
        "    dpres[t] = dpre",
        "    # backward of  pre = x @ Wx + h @ Wh + b",
        "    dh = Wh @ dpre",
        "    dxs[t] = Wx @ dpre",
        "    db += dpre",
        "dWx = xs.T @ dpres",
        "dWh = h_states[:-1].T @ dpres",
    ]


def test_a_loop_runs_forwards_once() -> None:
    def f(w: Any, h: Any) -> Any:
        last, _ = clearprop.scan(lambda h, _: (np.tanh(w * h), None), h, length=4)
        return np.sum(last)

    text = clearprop.source(f, 0.5, np.ones(3)).text
    assert text.count("hs[t + 1] = np.tanh(w * hs[t])") == 1
    assert text.count("range(4)") == 2  # forwards, and backwards


def test_comments_name_lines_of_the_function_alone() -> None:
    def f(W: Any, xs: Any) -> Any:
        def step(h: Any, x: Any) -> Any:
            z = W * h + x
            return z * z, z * z

        _, hs = clearprop.scan(step, np.ones(2), xs)
        return np.sum(hs)

    text = clearprop.source(f, np.ones(2), np.ones((3, 2))).text
    assert "backward of" in text
    assert "clearprop.source(" not in text


def test_jax_scans() -> None:
    text = clearprop.source(rnn, *rnn_arguments(), to="jax").text
    assert lines_of(text, "def step(", 4) == [
        "def step(h, x):",
        "    pre = x @ Wx + h @ Wh + b",
        "    h_2 = jnp.tanh(pre)",
        "    return h_2, (h_2, h)",
    ]
    assert "(_, db), (dxs, dpres) = jax.lax.scan(" in text
    assert "reverse=True" in text


def test_a_loop_without_a_count() -> None:
    text = clearprop.source(root, 2.0).text
    assert lines_of(text, "while ", 4) == [
        "while np.abs(x * x - a) > 1e-12:",
        "    if count == 100:",
        '        raise RuntimeError("the loop did not end within 100 steps")',
        "    count += 1",
    ]
    assert "for a_over_x_2, x_2 in zip(reversed(a_over_xs), reversed(xs)):" in text


def test_the_limit_of_a_loop_holds_in_generated_code() -> None:
    function = clearprop.source(root, 2.0).function
    with pytest.raises(RuntimeError, match="did not end within 100 steps"):
        function(-2.0)


def test_a_choice_is_an_if() -> None:
    written = clearprop.source(chosen, np.ones(3), np.arange(3.0))
    assert "    if x_sum_positive:" in written.text
    x, w = np.array([-1.0, -2.0, 0.5]), np.arange(3.0)  # the other branch
    value, dx, dw = written.function(x, w)
    np.testing.assert_allclose([value], [2 * np.sum(np.exp(x))])
    np.testing.assert_allclose(dx, 2 * np.exp(x))
    np.testing.assert_array_equal(dw, np.zeros(3))


def test_a_count_is_the_loops_own_counter() -> None:
    def f(u: Any) -> Any:
        return np.sum(clearprop.fori_loop(1, 5, lambda i, u: u * i, u))

    text = clearprop.source(f, np.ones(2)).text
    assert lines_of(text, "for t in range(4)", 2) == [
        "for t in range(4):",
        "    u_2 = u_2 * (t + 1)",
    ]


@pytest.mark.parametrize("target", ["numpy", "torch", "jax"])
def test_whole_numbers_that_are_collected_stay_such(target: str) -> None:
    if target != "numpy":
        pytest.importorskip(target)

    def f(table: Any, xs: Any) -> Any:
        def step(n: Any, x: Any) -> Any:
            n = (n + 1) % 3
            return n, (n, n > 1, x)

        _, (numbers, late, ys) = clearprop.scan(step, np.int64(0), xs)
        return np.sum(np.where(late, table[numbers], ys))

    table, xs = np.array([1.0, 2.0, 4.0]), np.arange(5.0)
    clearprop.source(f, table, xs, to=target)  # it verifies itself


def test_carried_values_may_change_places() -> None:
    def fibonacci(a: Any, b: Any) -> Any:
        a, b = clearprop.fori_loop(0, 10, lambda _, c: (c[1], c[0] + c[1]), (a, b))
        return a * 1.0

    for target in ("numpy", "torch", "jax"):
        if target != "numpy":
            pytest.importorskip(target)
        clearprop.source(fibonacci, 1.0, 2.0, to=target)  # it verifies itself
    _, da, db = clearprop.source(fibonacci, 1.0, 2.0).function(1.0, 1.0)
    assert (da, db) == (34.0, 55.0)  # numbers of Fibonacci


def test_carried_names_may_be_bound_the_other_way_round() -> None:
    def f(x: Any) -> Any:
        a = np.sin(x)
        b = np.cos(x)
        a, b = clearprop.fori_loop(0, 3, lambda _, s: (s[0] * s[1], s[1]), (b, a))
        return a * b

    x = 0.7
    value, dx = clearprop.source(f, x).function(x)
    np.testing.assert_allclose(value, np.cos(x) * np.sin(x) ** 4)
    np.testing.assert_allclose(dx, 4 * np.cos(x) ** 2 * np.sin(x) ** 3 - np.sin(x) ** 5)


def test_a_gradient_within_the_function_is_of_the_forward_pass() -> None:
    def f(w: Any) -> Any:
        g = clearprop.grad(lambda v: np.sum(np.sin(v * w) * np.cos(v)))(np.tanh(w))
        return np.sum(np.sin(g))

    w = np.array([0.1, 0.2, 0.3])
    _, dw = clearprop.source(f, w).function(w)
    np.testing.assert_allclose(dw, clearprop.grad(f)(w), rtol=1e-12)


def test_jax_has_no_way_back_through_a_loop_without_a_count() -> None:
    pytest.importorskip("jax")
    with pytest.raises(
        UnsupportedError, match=r"while_loop_backward has no form in jax .*numpy, torch"
    ):
        clearprop.source(root, 2.0, to="jax")


@pytest.mark.parametrize("target", ["c", "javascript"])
def test_a_loop_is_refused_by_name(target: str) -> None:
    def f(xs: Any) -> Any:
        last, _ = clearprop.scan(lambda h, x: (np.tanh(h + x), None), 0.0, xs)
        return last

    with pytest.raises(UnsupportedError, match="loop has no form in"):
        clearprop.source(f, np.ones(5), to=target)


@pytest.mark.parametrize("target", ["numpy", "torch", "jax"])
@pytest.mark.parametrize("length", [0, 1, 5])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_scans_of_any_length(target: str, length: int, reverse: bool, dtype: str) -> None:
    if target != "numpy":
        pytest.importorskip(target)

    def f(w: Any, h: Any, xs: Any) -> Any:
        def step(c: Any, x: Any) -> Any:
            h, n = c
            new = np.tanh(w * h) + x
            return (new, n + 1), {"new": new, "old": h * x}

        (h, _), ys = clearprop.scan(step, (h, 0), xs, reverse=reverse)
        return np.sum(h) + np.sum(ys["new"] * ys["old"])

    rng = np.random.default_rng(1)
    args = [rng.normal(size=s).astype(dtype) for s in ((3,), (3,), (length, 3))]
    clearprop.source(f, *args, to=target)  # it verifies itself, against finite differences, too


programs = settings(
    max_examples=max(settings().max_examples // 4, 3),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@programs
@given(loop_programs(), st.sampled_from(["numpy", "torch", "jax"]))
def test_random_programs(program: LoopProgram, target: str) -> None:
    if target != "numpy":
        pytest.importorskip(target)
    f: Callable[..., Any] = program.function()
    try:
        f(*program.arrays())
    except (
        TraceError
    ):  # no step is taken, and the step fills an array of NumPy's with unknown values
        reject()
    try:
        clearprop.source(f, *program.arrays(), to=target)  # it verifies itself
    except UnsupportedError as error:
        if target != "jax" or "while_loop_backward" not in str(error):
            raise
