"""Generated JavaScript, run by Node: it gives what the engine gives."""

from __future__ import annotations

import math
import pickle
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from numpy.lib.stride_tricks import sliding_window_view

import clearprop
from clearprop.emit.javascript import node_process
from clearprop.emit.javascript.js_function import script
from clearprop.emit.javascript.js_operators import HELPERS, USES
from clearprop.emit.javascript.node_process import node, run_script
from clearprop.emit.loops.lowering import Lowered
from clearprop.engine.primitive import Primitive, Sample, primitives
from clearprop.errors import CompileError, UnsupportedError
from clearprop.passes import expand, simplify
from clearprop.stages import fuse
from clearprop.stages.lowerings import ELEMENTWISE, LIBRARY
from clearprop.transforms.trees import flatten
from tests.contract import in_precision
from tests.emit.examples import FOLDER, written
from tests.emit.functions import EXAMPLES
from tests.programs import ODD, Program, programs

needs_node = pytest.mark.skipif(node() is None, reason="Node is not installed")


def run(f: Callable[..., Any], *args: Any) -> list[Any]:
    """What a function gives when its stages run as JavaScript."""
    graph = simplify(expand(clearprop.trace(f, *args)))
    shapes = [w.spec.shape for w in graph.outputs]
    made = script(Lowered(fuse(graph, readable=True), {}, (shapes, [])), "f")
    return run_script(made)([x for x in args if hasattr(x, "dtype") or isinstance(x, float)])


# ---- the examples


@needs_node
@pytest.mark.parametrize("name", EXAMPLES)
def test_golden(name: str) -> None:
    """``python -m tests.emit.examples`` writes the files anew."""
    assert written(name, "javascript") == (FOLDER / f"{name}.mjs").read_text(encoding="utf-8")


@needs_node
@pytest.mark.parametrize("name", EXAMPLES)
def test_the_engine(name: str) -> None:
    function, args, argnums = EXAMPLES[name]
    made = clearprop.source(function, *args, argnums=argnums, to="javascript")
    plain = clearprop.source(function, *args, argnums=argnums).function(*args)
    values, found = made.function([np.asarray(x) for x in flatten(args)[0]])
    expected = flatten(plain)[0]
    scale = max(float(np.max(np.abs(x))) for x in expected)
    for got, right in zip([*values, *found], expected, strict=True):
        np.testing.assert_allclose(got, right, rtol=1e-12, atol=1e-12 * scale)


@needs_node
@pytest.mark.parametrize("name", sorted(n for n in ELEMENTWISE | LIBRARY if hasattr(primitives, n)))
def test_every_elementwise_operation(name: str) -> None:
    """At the first sample, in both precisions; alone, so that nothing else hides what is off."""
    record: Primitive = getattr(primitives, name)
    sample: Sample = record.samples[0]
    for dtype, rtol in (("float64", 1e-13), ("float32", 1e-6)):
        inputs = [in_precision(x, dtype) for x in sample.draw()]
        arrays = [x for x in inputs if hasattr(x, "dtype")]

        def f(*given: Any, inputs: Any = inputs) -> Any:
            rest = iter(given)
            filled = [next(rest) if hasattr(x, "dtype") else x for x in inputs]
            return record(*filled, **sample.params)

        (found,), expected = run(f, *arrays), f(*arrays)
        assert found.dtype == expected.dtype
        scale = float(np.max(np.abs(expected), initial=1e-3))
        np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol * scale)


@needs_node
@settings(max_examples=25)
@given(programs(ODD))
def test_program(program: Program) -> None:
    inputs = program.arrays("float64")
    if any(x.size == 0 for x in inputs):
        return
    try:
        with np.errstate(all="ignore"):
            made = clearprop.source(program.function(), *inputs, to="javascript")
    except UnsupportedError:  # a step that has no form
        return
    assert made.errors.engine < 1e-9


# ---- what no nest computes alone

X = np.random.default_rng(0).normal(size=(4, 30)) + 2
ALONG = {
    "softmax": lambda x: np.sum(clearprop.softmax(x, axis=1) ** 2),
    "log softmax": lambda x: np.sum(clearprop.log_softmax(x, axis=0)[2]),
    "einsum": lambda x: np.sum(np.einsum("ij,kj,kl->il", x, x, x[:, :3]) ** 2),
    "a trace by einsum": lambda x: np.einsum("ii->", x[:4, :4]) ** 2,
    "diagonals by einsum": lambda x: np.sum(np.einsum("iji,j->ij", x[:2, :4].reshape(2, 2, 2), x[0, :2])),
    "slices": lambda x: np.sum(x[::2, 1::3] ** 2 * x[1::2, ::-3]),
    "views": lambda x: np.sum(np.moveaxis(x.reshape(4, 5, 6), 0, 2)[2:, ::-1] ** 3),
    "a slice that is assigned": lambda x: np.sum(_assigned(x) ** 2),
    "sliding windows": lambda x: np.sum(sliding_window_view(x, 3, axis=1).max(-1) ** 2),
    "windows of a row": lambda x: np.sum(sliding_window_view(x[0], 3) @ x[1, :3]),
    "running sums": lambda x: np.sum(np.cumsum(x, 1) ** 2),
    "running sums of all": lambda x: np.sum(np.cumsum(x) ** 2),
    "running sums of sums": lambda x: np.sum(np.cumsum(np.cumsum(x[0])) * np.cumsum(x[1])),
    "running products": lambda x: np.sum(np.cumprod(x / 2, 0) ** 2 * x),
    "running products of all": lambda x: np.sum(np.cumprod(x[0] / 2)),
    "running extremes": lambda x: np.sum(np.maximum.accumulate(x, axis=1) ** 2),
    "sums from zero": lambda x: np.sum(np.cumulative_sum(x, axis=1, include_initial=True) ** 2),
    "products": lambda x: np.sum(np.prod(x / 2, 1)),
    "places": lambda x: np.sum(x[0] * np.argmax(x, 0) + x[1] * np.argmin(x, 0)),
    "a mask": lambda x: np.sum(x[:, X[0] > 2] ** 2),
    "places that are assigned": lambda x: np.sum(_assigned(x, np.array([3, 0, -1])) ** 2),
    "picked entries": lambda x: np.sum(x[np.array([0, -1, 2]), np.array([3, 3, -2])] ** 2),
}  # fmt: skip


def _assigned(x: Any, where: Any = slice(None, None, 3)) -> Any:
    y = x * 2
    y[:, where] = np.sin(x[:, 1:2])
    return y


@needs_node
@pytest.mark.parametrize("kind", ALONG)
@pytest.mark.parametrize("to", ["javascript", "c"])
def test_along_axes(kind: str, to: str) -> None:
    made = clearprop.source(ALONG[kind], X, to=to)
    assert made.errors.engine < 1e-12
    assert made.errors.differences < 1e-9


@needs_node
def test_single_precision_is_rounded_to() -> None:
    """The largest entry is found again by comparing, which takes the very same numbers."""
    x = np.random.default_rng(1).normal(size=(5, 7)).astype("float32")

    def f(x: Any) -> Any:
        y = np.exp(x) * np.float32(0.1) + x / np.float32(3)
        return np.sum(np.max(y, 1) * y[:, 0])

    made = clearprop.source(f, x, to="javascript")
    _, (found,) = made.function([x])
    np.testing.assert_allclose(found, clearprop.grad(f)(x), rtol=2e-6)
    assert "Float32Array" in made.text
    assert "Math.fround(" in made.text


@needs_node
def test_whole_numbers_wrap_around() -> None:
    big = np.array([2**31 - 1, -(2**31), 65537, -3], np.int32)

    def f(x: Any, n: Any) -> Any:
        return np.sum(x * (n * n + n - 7)) + np.sum(x * (n & 12345))

    x = np.array([1.0, 2.0, 3.0, 4.0])
    value, slope = clearprop.source(f, x, big, to="javascript").function([x, big])
    expected = clearprop.grad(f)(x, big)
    np.testing.assert_array_equal(slope[0], expected)
    assert value[0] == f(x, big)


@pytest.mark.parametrize("to", ["javascript", "c"])
def test_largest_whole_numbers(to: str) -> None:
    n = np.array([[3, -5], [2, 9]])
    made = clearprop.source(lambda x: np.sum(x * np.max(n * 2, 1)), np.ones(2), to=to)
    assert made.errors.engine == 0

    def f(x: Any, n: Any) -> Any:
        return np.sum(x * np.max(n, 1) * np.min(n, 0))

    assert clearprop.source(f, np.ones(2), n, to=to).errors.engine < 1e-15


@needs_node
@pytest.mark.parametrize("name", ["erf", "erfc", "gammaln", "gamma", "exp2", "cbrt", "rint"])
def test_functions_that_the_language_lacks(name: str) -> None:
    """On both sides of where their formulas change, beside SciPy and NumPy."""
    special = pytest.importorskip("scipy.special")
    x = np.array(
        [
            *np.linspace(-5.3, 5.9, 29),
            0.01,
            0.499,
            0.5,
            0.999,
            1.001,
            1.499,
            1.5,
            1.999,
            2.499,
            2.5,
            20,
        ]
    )
    x = x[np.isfinite(special.gamma(x))]
    f = getattr(special, name, None) or getattr(np, name)
    expected = (
        f(x) if name != "gammaln" else np.vectorize(math.lgamma)(x)
    )  # SciPy's loses more near 1
    ones = np.ones_like(x)
    made = clearprop.source(lambda x, w: np.sum(f(x) * w), x, ones, argnums=1, to="javascript")
    _, (found,) = made.function([x, ones])
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=0)


# ---- what it is


@needs_node
def test_source(tmp_path: Path) -> None:
    function, args, argnums = EXAMPLES["logistic_regression"]
    made = clearprop.source(function, *args, argnums=argnums, to="javascript", steps=True)
    assert made.errors.engine < 1e-12
    assert made.files == {}
    assert made.text.startswith("// The value and the gradient of logistic_regression, written by ")
    assert "\n// How it was simplified:\n" in made.text
    assert made._repr_markdown_().startswith("```javascript\n")
    made.save(tmp_path / "logistic_regression.mjs")
    assert (tmp_path / "logistic_regression.mjs").read_text(encoding="utf-8") == made.text
    again = pickle.loads(pickle.dumps(made))
    arrays = [np.asarray(x) for x in args]
    for got, right in zip(again.function(arrays)[1], made.function(arrays)[1], strict=True):
        np.testing.assert_array_equal(got, right)


@needs_node
def test_its_signature() -> None:
    def f(x: Any, scale: float, flags: Any, labels: Any) -> Any:
        return np.sum(np.where(flags, x * scale, x[labels]))

    args = np.ones((1, 1)), 2.0, np.array([True]), np.array([0])
    text = clearprop.source(f, *args, to="javascript").text
    assert " * @param {Float64Array} x 1 x 1\n * @param {number} scale\n" in text
    assert " * @param {ArrayLike<number>} labels 1\n" in text
    assert " * @returns {{f: number, dx: Float64Array, dscale: number}}\n" in text
    assert "export function f_and_grad(x, scale, flags, labels) {\n" in text
    assert text.rstrip().endswith("return { f, dx: Float64Array.of(dx), dscale };\n}")


@needs_node
def test_an_upstream_gradient() -> None:
    x, g = np.linspace(-1, 1, 6).reshape(2, 3), np.arange(6.0).reshape(2, 3)

    def f(x: Any) -> Any:
        h = np.tanh(x)
        return h * 2

    made = clearprop.source(f, x, gradient=g, to="javascript")
    assert "f_and_grad(x, df) {" in made.text
    (value,), (found,) = made.function([x, g])
    np.testing.assert_allclose(value, f(x), rtol=1e-14)
    np.testing.assert_allclose(found, 2 * g * (1 - np.tanh(x) ** 2), rtol=1e-14)


@needs_node
def test_infinities_and_nan() -> None:
    special = pytest.importorskip("scipy.special")
    x = np.array([np.inf, -np.inf, np.nan, 0.0, -0.0, 1e300, -1e300])
    with np.errstate(all="ignore"):
        for f in (
            special.erf,
            special.erfc,
            np.sign,
            np.maximum,
            np.fmax,
            np.rint,
            np.tanh,
            np.power,
        ):
            args = (x, x[::-1].copy())[: f.nin]
            (found,) = run(lambda *args, f=f: f(*args), *args)
            np.testing.assert_array_equal(found, f(*args), err_msg=f.__name__)
        positive = np.array([np.inf, np.nan, 1e300, 180.0])
        for f in (special.gamma, special.gammaln):
            (found,) = run(lambda x, f=f: f(x), positive)
            np.testing.assert_allclose(found, f(positive), rtol=1e-13, err_msg=f.__name__)


@needs_node
def test_other_lengths_are_refused() -> None:
    made = clearprop.source(lambda x: np.sum(x**2), np.ones(3), to="javascript")
    with pytest.raises(CompileError, match="RangeError: x has length 4, written for 3"):
        run_script(made.function.made)([np.ones(4)])


@needs_node
def test_code_that_node_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    from clearprop.emit.javascript.js_dialect import JavaScriptDialect

    monkeypatch.setattr(JavaScriptDialect, "remark", lambda self, text: "no comment")
    with pytest.raises(CompileError, match="Node cannot run generated code: SyntaxError"):
        clearprop.source(lambda x: np.sum(x**2), np.ones(3), to="javascript")


@needs_node
def test_a_node_that_ended_is_started_anew() -> None:
    made = clearprop.source(lambda x: np.sum(x**2), np.ones(3), to="javascript")
    process = node_process._running().process
    process.kill()
    process.wait()
    assert made.function([np.ones(3)])[0] == [3.0]


@needs_node
def test_a_loop_without_end_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_process, "_SECONDS", 0.5)
    script = clearprop.source(lambda x: np.sum(x**2), np.ones(3), to="javascript").function.made
    endless = replace(script, text="export function f() { for (;;); }", name="f")
    with pytest.raises(CompileError, match=r"gave no answer in 0\.5 seconds"):
        run_script(endless)([np.ones(3)])


def test_source_without_node(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert node() is None
    made = clearprop.source(lambda x: x * x, 2.0, to="javascript")
    assert made.function is None
    assert made.errors.engine < 1e-12
    said = " ".join(made.text.replace("\n// ", " ").split())
    assert (
        "Node is not installed here, so this code was not run: the computation that it is written from "
        "was run against Clearprop: largest relative error"
    ) in said
    assert pickle.loads(pickle.dumps(made)).function is None


def test_complex_numbers_have_no_form() -> None:
    with pytest.raises(UnsupportedError, match="complex numbers, which have no form in JavaScript"):
        clearprop.source(lambda z: np.abs(z) ** 2, 1 + 2j, to="javascript")


def test_an_operation_without_a_form() -> None:
    with pytest.raises(UnsupportedError, match="inv has no form in JavaScript: inv has no code"):
        clearprop.source(lambda x: np.sum(np.linalg.inv(x)), np.eye(2), to="javascript")


def test_bits_of_64() -> None:
    with pytest.raises(UnsupportedError, match=r"take 32 bits: use astype\(np.int32\)"):
        clearprop.source(
            lambda x, n: np.sum(x * (n & 3)), np.ones(2), np.arange(2), to="javascript"
        )


@needs_node
def test_names_that_javascript_does_not_take() -> None:
    def f(var: Any, Math: Any, i: Any, π: Any, Float64Array: Any) -> Any:
        return var * Math + np.sin(i) * π + Float64Array

    made = clearprop.source(f, 1.0, 2.0, 3.0, 4.0, 5.0, to="javascript")
    assert "f_and_grad(var_, Math_, i_, pi, Float64Array_)" in made.text


def test_helpers_are_whole() -> None:
    """Each names only itself, what it says that it uses, and the language's own."""
    for name, text in HELPERS.items():
        called = {word for word in re.findall(r"[A-Za-z_]\w*", text) if word in HELPERS}
        assert called <= {name, *USES.get(name, ())}, name
