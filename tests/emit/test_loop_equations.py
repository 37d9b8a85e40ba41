"""Equations of loops and branches: some to be read, and all true, value by value and gradient by gradient."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import clearprop
from clearprop.emit.latex import latex
from clearprop.emit.latex.document import TARGET
from clearprop.emit.latex.equations import Equations
from clearprop.emit.problem import problem_of
from clearprop.engine.settings import recomputes, switched
from clearprop.errors import UnsupportedError
from clearprop.passes.person import derive_backward
from tests.control.loop_programs import LoopProgram, loop_programs
from tests.emit.loop_cases import CASES, FOLDER, GOLDEN, draw, newton
from tests.emit.test_latex import check, set_by_matplotlib
from tests.emit.test_latex_source import well_formed
from tests.emit.unfolded_run import Nudge, Run


def equations_of(f: Callable[..., Any], *args: Any, **options: Any) -> list[str]:
    """The equations, the words of the signs for gradients left out: ``d`` and the value."""
    lines = well_formed(clearprop.source(f, *args, to="latex", **options).text)
    plain = (
        re.sub(r"\\frac\{\\partial L\}\{\\partial ([^{}]|\{[^{}]*\})*\}", _short, x) for x in lines
    )
    return [re.sub(r"\\math(bf|it)\{(\w+)\}", r"\2", line) for line in plain]


def _short(match: re.Match[str]) -> str:
    return "d" + match[0].removeprefix(r"\frac{\partial L}{\partial ").removesuffix("}")


@pytest.mark.parametrize("name", GOLDEN)
def test_golden(name: str) -> None:
    f, args = CASES[name]
    text = clearprop.source(f, *args, to="latex").equations
    assert text + "\n" == (FOLDER / f"{name}.tex").read_text(encoding="utf-8")


@pytest.mark.parametrize("options", [{}, {"simplify": False}, {"gradient_names": "{}_bar"}])
@pytest.mark.parametrize("name", CASES)
def test_well_formed(name: str, options: dict[str, Any]) -> None:
    f, args = CASES[name]
    set_by_matplotlib(well_formed(clearprop.source(f, *args, to="latex", **options).text))
    floating = tuple(i for i, x in enumerate(args) if np.asarray(x).dtype.kind == "f")
    check(latex(clearprop.trace(clearprop.value_and_grad(f, floating), *args)))


# ---- they are true


class Told:
    """What the equations of a function tell, beside a run of what they are written from."""

    def __init__(self, f: Callable[..., Any], args: tuple[Any, ...]) -> None:
        with switched(recomputes, False):
            problem = problem_of(f, args, {}, TARGET.spelling)
        joint = derive_backward(
            problem.forward, problem.positions, problem.seeded, upstream=False, compounds=True
        )
        asked = zip(joint.gradients, problem.input_wires(), strict=True)
        self.equations = Equations(
            joint.graph, "fraction", [*joint.gradient_of.items(), *asked], all_steps=False
        )
        self.equations.write()
        self.graph = joint.graph
        self.flat = [np.asarray(problem.leaves[i])[()] for i in problem.wire_at]
        self.run = Run(joint.graph, self.equations.unfolded, self.flat)

    def check_results(self) -> None:
        """All that the graph computes is what the unfolded graph computes."""
        env = self.graph.run(self.flat)
        for wire, found in zip(self.graph.outputs, self.run.results, strict=True):
            np.testing.assert_allclose(found, env[wire], rtol=1e-10, atol=1e-12)

    def check_symbols(self) -> int:
        """A symbol means the same value wherever it stands; return how many were met more than once."""
        met: dict[str, Any] = {}
        again = 0
        for wire, loops, steps, value in self.run.values:
            series = self.equations.steps.series.get(wire)
            if series is None or len(series.around) != len(steps) - 1:
                continue
            known = self.equations.steps.steps
            numbers = [known[x].lowest + i for x, i in zip(loops, steps, strict=True)]
            series = replace(series, around=tuple(map(str, numbers[:-1])))
            text = series.at(str(numbers[-1] + series.offset))[0].text
            if text in met:
                np.testing.assert_allclose(value, met[text], rtol=1e-10, atol=1e-12, err_msg=text)
                again += 1
            met[text] = value
        return again

    def check_gradients(self) -> int:
        """What is written as the gradient of a value in a step is that, by finite differences."""
        count = 0
        at_root = set(self.graph.wires())
        for wire, _, steps, value in self.run.values:
            of = self.equations.gradient_of.get(wire)
            if of is None or not steps or wire in at_root:
                continue
            up, down = (
                Run(self.graph, self.equations.unfolded, self.flat, Nudge(of, steps, by), self.run)
                for by in (1e-6, -1e-6)
            )
            slope = (up.results[0] - down.results[0]) / 2e-6
            np.testing.assert_allclose(np.ravel(value)[0], slope, rtol=1e-5, atol=1e-6)
            count += 1
        return count


@pytest.mark.parametrize("name", CASES)
def test_every_symbol_is_its_value(name: str) -> None:
    told = Told(*CASES[name])
    told.check_results()
    assert told.check_symbols() or name in ("root_or_line", "switched")
    assert told.check_gradients() or name in ("root_or_line", "switched")


@settings(
    max_examples=max(settings().max_examples // 4, 3), suppress_health_check=list(HealthCheck)
)
@given(loop_programs())
def test_programs(program: LoopProgram) -> None:
    f, args = program.function(), program.arrays()
    well_formed(clearprop.source(f, *args, to="latex").text)
    told = Told(f, args)
    told.check_results()
    told.check_symbols()
    check(latex(clearprop.trace(clearprop.value_and_grad(f, (0, 1, 2)), *args)))


# ---- how they are written


def test_a_scan_counts_its_steps_from_one() -> None:
    lines = equations_of(*_case("reverse"))
    assert lines[:4] == [
        r"(x_1, \dots, x_5) &= xs",
        "s_6 &= 0",
        r"s_t &= a s_{t+1} + x_t \quad \text{for } t = 5, \dots, 1",
        r"ys &= (s_1, \dots, s_5)",
    ]
    assert r"ds_t &= \delta_{1,t} + dys_t" in lines
    assert r"da &= \sum_{t=1}^5 s_{t+1} ds_t" in lines


def _case(name: str) -> tuple[Any, ...]:
    f, args = CASES[name]
    return f, *args


def test_gradients_of_weights_are_sums_over_the_steps() -> None:
    lines = equations_of(*_case("rnn"))
    assert r"dW_x &= \sum_{t=1}^6 x_t \boldsymbol{\delta}_{2,t}^\top" in lines
    assert r"dW_h &= \sum_{t=1}^6 h_{t-1} \boldsymbol{\delta}_{2,t}^\top" in lines
    assert r"db &= \sum_{t=1}^6 \boldsymbol{\delta}_{2,t}" in lines
    assert r"dW &= \sum_{t=1}^5 x_t^\top dh_{t-1}" in equations_of(*_case("batch"))


def test_a_range_counts_with_its_own_number() -> None:
    lines = equations_of(*_case("nested"))
    assert r"c_{t,0} &= c_{t-1}" in lines
    assert r"c_{t,k+1} &= c_{t,k} \sin(w x_t) + k \quad \text{for } k = 0, \dots, 2" in lines
    assert "c_t &= c_{t,3}" in lines
    assert r"dw &= \sum_{t=1}^4 \sum_{k=0}^2 x_t \delta_{1,t,k}" in lines
    from_two = equations_of(lambda x: clearprop.fori_loop(2, 4, lambda i, x: i * x, x), 1.5)
    assert from_two[:3] == ["x_2 &= x", r"x_{i+1} &= i x_i \quad \text{for } i = 2, 3", "L &= x_4"]


@pytest.mark.parametrize(
    ("low", "high", "limits"),
    [(-3, 2, "i=-3}^1"), (-3, -1, "i=-3}^{-2}"), (8, 12, "i=8}^{11}"), (0, 1, "i=0}^0")],
)
def test_sums_go_up_whatever_the_range(low: int, high: int, limits: str) -> None:
    def f(x: Any, w: Any) -> Any:
        return clearprop.fori_loop(low, high, lambda i, x: np.sin(w * x) + i, x)

    lines = equations_of(f, 0.5, 2.0)
    assert any(line.startswith(rf"dw &= \sum_{{{limits} ") for line in lines)


def test_a_loop_without_a_count_takes_k_steps() -> None:
    lines = equations_of(newton, 8.0)
    ends = (
        r"\quad \text{for } k = 0, \dots, K - 1\text{, while } \left|x_k^3 - a\right| > 10^{-12} a"
    )
    assert lines[1].endswith(ends)
    assert lines[2] == "L &= x_K"
    inner = equations_of(*_case("halved_until_small"))
    assert "c_t &= c_{t,K_t}" in inner
    assert r"da &= \sum_{t=1}^3 \sum_{k=0}^{K_t - 1} dc_{t,k+1} c_{t,k}" in inner


def test_each_loop_without_a_count_has_its_own_number_of_steps() -> None:
    def f(xs: Any, a: Any) -> Any:
        def outer(c: Any, x: Any) -> Any:
            c = clearprop.while_loop(lambda c: c > 1, lambda c: c * a, c + x)
            return clearprop.while_loop(lambda c: c < 4, lambda c: c / a, c), None

        return clearprop.scan(outer, 3.0, xs)[0]

    lines = equations_of(f, np.ones(3), 0.5)
    assert any(line.startswith(r"c_t &= {c'}_{t,M_t}") for line in lines)
    assert any(r"K_t - 1\text{, while } c_{t,k} > 1" in line for line in lines)


def test_the_number_of_a_range_is_no_other_value() -> None:
    def f(i: Any, x: Any) -> Any:
        def body(j: Any, x: Any) -> Any:
            return clearprop.fori_loop(0, 3, lambda i, x: x * np.sin(i * x), x) * j

        return i * clearprop.fori_loop(0, 2, body, x)

    lines = equations_of(f, 2.0, 0.5)
    assert r"x_{j,k+1} &= x_{j,k} \sin(k x_{j,k}) \quad \text{for } k = 0, \dots, 2" in lines


def test_loops_in_branches_hold_where_the_branch_is_taken() -> None:
    def f(x: Any) -> Any:
        def doubled(x: Any) -> Any:
            return clearprop.fori_loop(0, 3, lambda i, x: x * np.sin(x), x)

        return clearprop.cond(x > 0, doubled, np.cos, x)

    lines = equations_of(f, 0.5)
    assert lines[0] == r"x_0 &= x \quad \text{if } x > 0"
    ends = r"\quad \text{for } t = 1, \dots, 3 \quad \text{if } x > 0"
    assert lines[1] == rf"x_t &= x_{{t-1}} \sin(x_{{t-1}}) {ends}"


def test_branches_are_cases() -> None:
    lines = equations_of(*_case("root_or_line"))
    assert lines[0] == r"s &= \sqrt{x} \quad \text{if } x > 0"
    assert lines[1] == (
        r"y &= \begin{cases} w s & \text{if } x > 0 \\ w x & \text{otherwise} \end{cases}"
    )
    first = equations_of(*_case("switched"))[1]
    assert first == (
        r"L &= \begin{cases} a x & \text{if } k \leq 0 \\ x^3 & \text{if } k = 1 \\ "
        r"e^{x} & \text{otherwise} \end{cases}"
    )


@pytest.mark.parametrize(
    ("length", "values"),
    [(1, "1"), (2, "1, 2"), (3, r"1, \dots, 3")],
)
def test_few_steps(length: int, values: str) -> None:
    def f(a: Any, xs: Any) -> Any:
        return np.sum(clearprop.scan(lambda s, x: (a * s + x, s), 0.0, xs)[1])

    lines = equations_of(f, 0.5, draw(length))
    assert any(line.endswith(rf"\quad \text{{for }} t = {values}") for line in lines)
    listed = re.sub(r"\d+", r"x_\g<0>", values)
    assert lines[0] == f"({listed}) &= xs"


def test_no_steps() -> None:
    def f(x: Any, xs: Any) -> Any:
        last, ys = clearprop.scan(lambda c, x: (c * x, c), x, xs)
        return 3 * last + np.sum(ys)

    lines = equations_of(f, 1.2, np.zeros(0))
    assert lines == ["ys &= ()", r"L &= 3 x + \sum_i ys_i", "dx &= 3", "dxs &= ()"]


def test_checkpoints_are_not_written() -> None:
    def step(u: Any, _: Any) -> Any:
        return u + 0.001 * np.cos(u), None

    def kept(u: Any) -> Any:
        return np.sum(clearprop.scan(step, u, length=7)[0])

    def segments(u: Any) -> Any:
        return np.sum(clearprop.scan(step, u, length=7, checkpoint=3)[0])

    assert equations_of(segments, draw(2)) == equations_of(kept, draw(2))

    def plain(x: Any) -> Any:
        return np.sum(np.tanh(x) ** 2)

    again = clearprop.checkpoint(plain)
    assert equations_of(lambda x: again(x) + 1, draw(2)) == equations_of(
        lambda x: plain(x) + 1, draw(2)
    )


def test_entries_of_collected_arrays_have_the_numbers_of_their_steps() -> None:
    lines = equations_of(*_case("picked"))
    assert lines[4] == (
        r"L &= (h_1)_1 + \sum_i (h_4)_i + \sum_{ij} (hs_{1:3,:})_{ij} + \sum_i (h_3)_i (h_2)_i"
    )


def test_what_containers_carry_has_the_names_of_what_steps_make() -> None:
    lines = equations_of(*_case("leapfrog"))
    assert r"v_t &= v_{t-1} - \frac{0.1 x_{t-1}}{m}" in lines
    assert "x_t &= x_{t-1} + 0.1 v_t" in lines


def test_the_start_may_have_the_name_of_the_start() -> None:
    lines = equations_of(*_case("rnn"))
    assert not any(line.startswith("h_0 &=") for line in lines)


def test_a_name_with_a_number_is_not_a_step() -> None:
    def f(h1: Any, x: Any) -> Any:
        return clearprop.scan(lambda h, x: (np.sin(h * h1 + x), None), 0.0, x)[0]

    lines = equations_of(f, 0.5, draw(3))
    assert r"{h'}_t &= \sin({h'}_{t-1} h_1 + x_t) \quad \text{for } t = 1, \dots, 3" in lines


def test_loops_with_the_same_names_are_told_apart() -> None:
    lines = equations_of(*_case("two_scans"))
    assert r"{h'}_t &= {h'}_{t-1} w + {x'}_t \quad \text{for } t = 1, \dots, 4" in lines
    assert r"{h''}_{i+1} &= {h''}_i i w \quad \text{for } i = 2, \dots, 6" in lines


def test_tables_in_steps_are_named_apart_and_listed() -> None:
    def f(x: Any) -> Any:
        def step(c: Any, _: Any, table: Any) -> Any:
            return np.sin(c @ table), None

        for k in (1.0, 2.0):
            table = np.arange(16.0).reshape(4, 4) / 8 * k
            x, _ = clearprop.scan(lambda c, _, table=table: step(c, _, table), x, length=3)
        return np.sum(x)

    text = clearprop.source(f, draw(4), to="latex").text
    tables = re.findall(r"^% (\w+): f64\[4,4\], which the function has\.$", text, re.MULTILINE)
    assert len(set(tables)) == len(tables) == 2


def test_the_gradient_of_a_function_that_takes_one_is_not_of_the_loss() -> None:
    def inner(w: Any, x: Any) -> Any:
        return clearprop.scan(lambda h, x: (np.tanh(w * h + x), None), 0.0, x)[0]

    def f(w: Any, x: Any) -> Any:
        return clearprop.grad(inner)(w, x) ** 2 + inner(w, x)

    lines = equations_of(f, 0.3, draw(4))
    assert not any(line.startswith("dh") for line in lines)
    told = Told(f, (0.3, draw(4)))
    told.check_results()
    told.check_symbols()


def test_what_goes_through_a_loop_twice_is_refused() -> None:
    def f(a: Any) -> Any:
        return clearprop.grad(newton)(a) ** 2

    with pytest.raises(
        UnsupportedError, match=r"while_loop_backward has no form in latex \(.*\.py:\d+"
    ):
        clearprop.source(f, 8.0, to="latex")
