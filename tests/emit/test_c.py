"""Generated C: it compiles without a word, and gives what the engine gives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

import clearprop
from clearprop.emit.c import CFunction, c_function, compiler, run_c
from clearprop.engine.primitive import Primitive, Sample, primitives
from clearprop.errors import CompileError, UnsupportedError
from clearprop.passes import expand, simplify
from clearprop.stages import fuse
from clearprop.stages.lowerings import ELEMENTWISE
from clearprop.transforms.trees import flatten
from tests.contract import in_precision
from tests.emit.examples import FOLDER, written
from tests.emit.functions import EXAMPLES
from tests.programs import ODD, Program, programs

needs_compiler = pytest.mark.skipif(compiler() is None, reason="there is no C compiler")


def as_c(f: Callable[..., Any], *args: Any, **options: Any) -> CFunction:
    graph = simplify(expand(clearprop.trace(f, *args)))
    return c_function(fuse(graph, readable=True), name="f", **options)


def check(f: Callable[..., Any], *args: Any, rtol: float = 1e-11) -> CFunction:
    made = as_c(f, *args)
    arrays = [x for x in flatten(args)[0] if hasattr(x, "dtype") or isinstance(x, float)]
    expected = flatten(f(*args))[0]
    for found, wanted in zip(run_c(made)(arrays), expected, strict=True):
        scale = float(np.max(np.abs(wanted), initial=1e-3))
        np.testing.assert_allclose(found, wanted, rtol=rtol, atol=rtol * scale)
        assert found.dtype == wanted.dtype
    return made


def layernorm(x: Any, gain: Any, bias: Any) -> Any:
    mean = x.mean(1, keepdims=True)
    spread = np.sqrt(x.var(1, keepdims=True) + 1e-5)
    return np.sum(((x - mean) / spread * gain + bias) ** 2)


def embedded(p: Any, context: Any, labels: Any) -> Any:
    h = np.tanh(p["table"][context].reshape(len(context), -1) @ p["w"] + p["b"])
    return clearprop.cross_entropy(h, labels)


@needs_compiler
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_layernorm(dtype: str, rng: np.random.Generator) -> None:
    x, gain, bias = (rng.normal(size=s).astype(dtype) for s in ((8, 5), (5,), (5,)))
    rtol = 1e-11 if dtype == "float64" else 1e-4
    made = check(clearprop.value_and_grad(layernorm, argnums=(0, 1, 2)), x, gain, bias, rtol=rtol)
    assert ("sqrtf(" in made.source) == (dtype == "float32")
    assert "/* mean = x.mean(1, keepdims=True) */" in made.source
    assert "    for (int i = 0; i < 8; i++) {\n" in made.source
    assert "const double mean =" in made.source or dtype == "float32"


@needs_compiler
def test_a_network_with_an_embedding(rng: np.random.Generator) -> None:
    p = {"table": rng.normal(size=(27, 4)), "w": rng.normal(size=(12, 9)), "b": np.zeros(9)}
    context, labels = rng.integers(0, 27, (10, 3)), rng.integers(0, 9, 10)
    made = check(clearprop.value_and_grad(embedded), p, context, labels)
    assert "table[4*context[i] + j]" in made.source.replace("context[3*i + j]", "context[i]") or (
        "table[4*context[" in made.source
    )
    assert "F_WORKSPACE" in made.header
    assert made.workspace > 0
    assert "malloc" not in made.source


@needs_compiler
@needs_compiler
@pytest.mark.parametrize("source", ["float32", "float64"])
@pytest.mark.parametrize("target", ["int8", "uint16", "int32", "uint32", "int64", "uint64"])
def test_casts_out_of_range(source: str, target: str) -> None:
    """As in NumPy's loops over long arrays, and in native code."""
    numbers = [
        *(2.0**n * s + d for n in (31, 32, 63, 64) for s in (1, -1) for d in (-1, 0, 1)),
        -1.0,
    ]
    x = np.array([*numbers, 300.5, -1e20, 1e10, np.nan, np.inf, -np.inf]).astype(source)
    with np.errstate(all="ignore"):
        wanted = np.repeat(x, 32).astype(target)[::32]
    (found,) = run_c(as_c(lambda x: x.astype(target), x))([x])
    np.testing.assert_array_equal(found, wanted)


def test_numbers_go_by_value() -> None:
    made = check(clearprop.value_and_grad(lambda x, y: x * y + np.sin(x)), 2.0, 3.0)
    assert made.prototype.startswith("void f(double x, double y, double *")
    assert made.workspace == 0


@needs_compiler
@settings(max_examples=25)
@given(programs(ODD))
def test_program(program: Program) -> None:
    inputs = program.arrays("float64")
    if not any(x.size == 0 for x in inputs):
        try:
            check(clearprop.value_and_grad(program, argnums=range(len(inputs))), *inputs, rtol=1e-9)
        except UnsupportedError:  # a step that has no form in C
            return


@needs_compiler
@pytest.mark.parametrize("name", sorted(n for n in ELEMENTWISE if hasattr(primitives, n)))
def test_every_elementwise_operation(name: str) -> None:
    record: Primitive = getattr(primitives, name)
    sample: Sample = record.samples[0]
    for dtype, rtol in (("float64", 1e-13), ("float32", 1e-5)):
        inputs = [in_precision(x, dtype) for x in sample.draw()]
        arrays = [x for x in inputs if hasattr(x, "dtype")]

        def f(*given: Any, inputs: Any = inputs) -> Any:
            rest = iter(given)
            filled = [next(rest) if hasattr(x, "dtype") else x for x in inputs]
            return record(*filled, **sample.params)

        check(f, *arrays, rtol=rtol)


@needs_compiler
@pytest.mark.parametrize("name", EXAMPLES)
def test_golden(name: str) -> None:
    """`source` verifies what it writes; ``python -m tests.emit.test_c`` writes the files anew."""
    assert written(name, "c") == (FOLDER / f"{name}.c").read_text(encoding="utf-8")


@needs_compiler
def test_source(tmp_path: Path) -> None:
    function, args, argnums = EXAMPLES["logistic_regression"]
    made = clearprop.source(function, *args, argnums=argnums, to="c")
    assert made.errors.engine < 1e-12
    made.save(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "logistic_regression_and_grad.c",
        "logistic_regression_and_grad.h",
    ]
    values, gradients = made.function([np.asarray(x) for x in args])
    plain = clearprop.source(function, *args, argnums=argnums, to="numpy").function(*args)
    for got, right in zip([*values, *gradients], plain, strict=True):
        np.testing.assert_allclose(got, right, rtol=1e-10)
    assert made._repr_markdown_().startswith("```c\n")


def test_source_without_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", "")
    assert compiler() is None
    made = clearprop.source(lambda x: x * x, 2.0, to="c")
    assert made.function is None
    assert made.errors.engine < 1e-12
    for text in (made.text, *made.files.values()):
        said = " ".join(text.replace(" * ", " ").split())
        assert (
            "There is no C compiler here, so this code was neither compiled nor run: the computation that it "
            "is written from was run against Clearprop: largest relative error"
        ) in said
    with pytest.raises(CompileError, match="there is no C compiler here: install gcc or clang"):
        run_c(as_c(lambda x: x * x, 2.0))


def test_complex_numbers_have_no_form() -> None:
    with pytest.raises(UnsupportedError, match="complex numbers, which have no form in C"):
        clearprop.source(lambda z: np.abs(z) ** 2, 1 + 2j, to="c")


def test_names_that_c_does_not_take() -> None:
    def f(exp: Any, int: Any, π: Any) -> Any:
        return exp * int + π

    assert "double exp_, double int_, double pi" in as_c(f, 1.0, 2.0, 3.0).prototype


@needs_compiler
def test_names_do_not_hide_loop_variables_and_types() -> None:
    def f(p: Any, q: Any, int8_t: Any, sqrtf: Any) -> Any:
        return np.einsum("ijkmnp->", p * q * np.sqrt(int8_t) * sqrtf)

    p = np.random.default_rng(0).uniform(1, 2, (2, 1, 3, 2, 3, 2)).astype("float32")
    check(f, p, p[..., ::-1], p[:1], p[0, 0, 0, 0, 0], rtol=1e-5)


def test_an_operation_without_a_form() -> None:
    with pytest.raises(UnsupportedError, match="gather has no form in C: a mask"):
        as_c(lambda x: np.sum(x[np.array([True, False, True])]), np.ones(3))


@needs_compiler
def test_results_under_other_names() -> None:
    made = as_c(
        lambda x: x * x, 2.0, outputs={0: "square"}, comments=("The square.", "Of a number.")
    )
    assert made.prototype == "void f(double x, double *square)"
    assert made.header.startswith("#ifndef F_H\n#define F_H\n")
    assert "/* The square.\n * Of a number.\n */" in made.header
    assert run_c(made)([3.0]) == [9.0]


if __name__ == "__main__":
    for name in EXAMPLES:
        (FOLDER / f"{name}.c").write_text(written(name, "c"), encoding="utf-8")
