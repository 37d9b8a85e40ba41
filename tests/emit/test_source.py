"""`source`: the golden files, the code run beside PyTorch and JAX, names, containers, errors."""

from __future__ import annotations

import ast
import linecache
import re
import runpy
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.emit import library
from clearprop.emit import source as source_module
from clearprop.emit.numpy import NumPy
from clearprop.transforms.trees import flatten
from tests.emit.examples import FOLDER, TARGETS, written
from tests.emit.functions import EXAMPLES


def installed(target: str) -> Any:
    missing = find_spec(target) is None
    return pytest.param(
        target, marks=pytest.mark.skipif(missing, reason=f"{target} is not installed")
    )


@pytest.mark.parametrize("target", [installed(t) for t in TARGETS])
@pytest.mark.parametrize("name", EXAMPLES)
def test_golden(name: str, target: str) -> None:
    path = FOLDER / f"{name}.{target}.py"
    assert written(name, target) == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_file_runs_alone_and_equals_the_engine(name: str) -> None:
    function, args, argnums = EXAMPLES[name]
    made = runpy.run_path(str(FOLDER / f"{name}.numpy.py"))[f"{name}_and_grad"](*args)
    value, *gradients = flatten(made)[0]
    floats = [i for i, a in enumerate(args) if getattr(a, "dtype", np.dtype(float)).kind == "f"]
    names = list(function.__annotations__)
    wanted = floats if argnums is None else [names.index(n) for n in argnums]
    expected, g = clearprop.value_and_grad(function, argnums=tuple(wanted))(*args)
    np.testing.assert_allclose(value, expected, rtol=1e-12)
    scale = max(float(np.max(np.abs(x))) for x in flatten(g)[0])
    for got, right in zip(gradients, flatten(g)[0], strict=True):
        assert got.shape == right.shape
        assert got.dtype == right.dtype
        np.testing.assert_allclose(got, right, rtol=1e-9, atol=1e-12 * scale)


@pytest.mark.parametrize("name", EXAMPLES)
def test_gradcheck(name: str) -> None:
    torch = pytest.importorskip("torch")
    function, args, argnums = EXAMPLES[name]
    space = runpy.run_path(str(FOLDER / f"{name}.torch.py"))
    (made,) = [v for v in space.values() if isinstance(v, type) and v.__module__ != "torch"]
    keys = list(function.__annotations__)
    leaves = []
    for key, arg in zip(keys, args, strict=False):
        for leaf in flatten(arg)[0]:
            x = torch.tensor(np.asarray(leaf))
            wanted = x.is_floating_point() and (argnums is None or key in argnums)
            leaves.append(x.requires_grad_(wanted))
    assert torch.autograd.gradcheck(made.apply, leaves, fast_mode=True)


@pytest.mark.parametrize("name", ["by_hand", "layernorm", "softmax_regression", "lstm_cell"])
def test_torch_residuals_are_all_read(name: str) -> None:
    text = (FOLDER / f"{name}.torch.py").read_text(encoding="utf-8")
    saved = re.search(r"save_for_backward\((.*?)\)", text, re.DOTALL)
    assert saved
    backward = text.partition("saved_tensors\n")[2]
    for residual in saved[1].split(", "):
        assert re.search(rf"\b{residual}\b", backward), residual


def loss(x: Any, w: Any, b: Any) -> Any:
    h = np.tanh(x @ w + b)
    return np.mean(h**2)


ARGS = (
    np.linspace(-1, 1, 12).reshape(4, 3),
    np.linspace(0.2, 1, 6).reshape(3, 2),
    np.array([0.1, 0.2]),
)


# ---- what it returns


def test_it_prints_saves_and_runs(tmp_path: Path) -> None:
    code = clearprop.source(loss, *ARGS)
    assert str(code) == code.text
    assert code._repr_markdown_() == f"```python\n{code.text}```"
    code.save(tmp_path / "loss.py")
    assert (tmp_path / "loss.py").read_text(encoding="utf-8") == code.text
    value, *gradients = code.function(*ARGS)
    expected, g = clearprop.value_and_grad(loss, argnums=(0, 1, 2))(*ARGS)
    np.testing.assert_allclose(value, expected)
    for got, right in zip(gradients, g, strict=True):
        np.testing.assert_allclose(got, right)
    assert code.errors.engine < 1e-14


def test_the_header_says_what_it_is_for() -> None:
    head = clearprop.source(loss, *ARGS).text.partition("import")[0]
    assert f"Clearprop {clearprop.__version__}" in head
    assert "x f64[4,3], w f64[3,2], b f64[2]" in head
    assert "Shapes" in head
    assert "finite differences" in head


def test_tracebacks_show_its_lines() -> None:
    code = clearprop.source(loss, *ARGS)
    file = code.function.__code__.co_filename
    assert file == "<clearprop source loss>"
    assert "tanh" in "".join(linecache.getlines(file))
    with pytest.raises(AssertionError, match="x has shape"):
        code.function(ARGS[0].T, *ARGS[1:])


def test_no_name_shadows_a_builtin_or_numpy() -> None:
    def f(x: Any) -> Any:
        sum = x * 2
        list = np.sin(sum)
        return np.sum(list * sum)

    text = clearprop.source(f, np.ones(3)).text
    names = {
        n.id
        for n in ast.walk(ast.parse(text))
        if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }
    assert {"sum_", "list_"} <= names
    assert not names & {"sum", "list", "np"}


def test_the_same_text_twice() -> None:
    assert clearprop.source(loss, *ARGS).text == clearprop.source(loss, *ARGS).text


def test_float32_stays() -> None:
    args = [a.astype("float32") for a in ARGS]
    value, *gradients = clearprop.source(loss, *args).function(*args)
    assert value.dtype == np.float32
    assert all(g.dtype == np.float32 for g in gradients)


def test_containers_come_back_as_they_came() -> None:
    @dataclass
    class Layer:
        w: Any
        b: Any

    def f(layers: Any, x: Any) -> Any:
        for layer in layers["all"]:
            x = np.tanh(x @ layer.w + layer.b)
        return np.sum(x**2) * layers["scale"][0]

    layers = {
        "scale": (0.5, 2),
        "all": [Layer(ARGS[1], ARGS[2]), Layer(np.ones((2, 2)) / 3, ARGS[2])],
    }
    _, g, dx = clearprop.source(f, layers, ARGS[0]).function(layers, ARGS[0])
    expected = clearprop.grad(lambda x: f(layers, x))(ARGS[0])
    np.testing.assert_allclose(dx, expected)
    assert type(g["all"][1]) is Layer
    assert g["scale"][1] is None
    w = clearprop.grad(
        lambda w: f({**layers, "all": [Layer(w, ARGS[2]), layers["all"][1]]}, ARGS[0])
    )(ARGS[1])
    np.testing.assert_allclose(g["all"][0].w, w)


def test_gradients_are_the_callers_own() -> None:
    x, y = np.ones(3), np.arange(3.0)
    _, dx, dy = clearprop.source(lambda x, y: np.sum(x * y), x, y).function(x, y)
    assert not np.shares_memory(dx, y)
    dx += 1
    assert dy.sum() == 3
    np.testing.assert_array_equal(y, np.arange(3.0))
    _, dx, dy = clearprop.source(lambda x, y: np.sum(np.sin(x + y)), x, y).function(x, y)
    assert not np.shares_memory(dx, dy)
    (dx,) = clearprop.source(lambda x: np.sum(x), x).function(x)[1:]
    assert dx.flags.writeable


def test_an_input_without_influence() -> None:
    value, dx, dy = clearprop.source(
        lambda x, y: np.sum(x * 2), np.ones(3), np.ones((2, 2))
    ).function(np.ones(3), np.ones((2, 2)))
    np.testing.assert_array_equal(dy, np.zeros((2, 2)))
    np.testing.assert_array_equal(dx, np.full(3, 2.0))
    assert value == 6


# ---- other sizes, Python's numbers, second derivatives


def rms(x: Any, gain: Any) -> Any:
    return np.sum(x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + 1e-6) * gain)


def test_other_sizes_are_refused_by_name() -> None:
    code = clearprop.source(loss, *ARGS)
    with pytest.raises(AssertionError, match=r"x has shape \(2, 3\), written for \(4, 3\)"):
        code.function(ARGS[0][:2], *ARGS[1:])
    with pytest.raises(AssertionError, match=r"b has shape \(\), written for \(2,\)"):
        code.function(*ARGS[:2], np.float64(0.5))


def test_an_array_for_a_number_is_refused() -> None:
    code = clearprop.source(lambda x, scale: np.sum(x * scale), ARGS[0], 2.0)
    with pytest.raises(AssertionError, match=r"scale has shape \(3,\), written for \(\)"):
        code.function(ARGS[0], np.ones(3))


def test_an_upstream_gradient_of_another_size_is_refused() -> None:
    code = clearprop.source(np.sin, np.ones(3), gradient=np.ones(3))
    with pytest.raises(AssertionError, match=r"has shape \(1,\), written for \(3,\)"):
        code.function(np.ones(3), np.ones(1))


def test_numbers_alone_need_no_sizes() -> None:
    assert "assert" not in clearprop.source(lambda x, y: x * y, 1.0, 2.0).text


@pytest.mark.parametrize("target", [installed("torch"), installed("jax")])
def test_other_sizes_elsewhere(target: str) -> None:
    code = clearprop.source(loss, *ARGS, to=target)
    args = ARGS[0][:2], *ARGS[1:]
    run = code.function
    if target == "torch":
        torch = pytest.importorskip("torch")
        run, args = run.apply, tuple(map(torch.tensor, args))
    with pytest.raises(
        AssertionError, match=r"x has shape .*\(?\[?2, 3\]?\)?.*, written for \(4, 3\)"
    ):
        run(*args)


def test_second_derivatives_in_torch() -> None:
    """Right where all that is kept goes in or out; else the second backward raises."""
    torch = pytest.importorskip("torch")
    x, gain = (
        torch.tensor(ARGS[0], requires_grad=True),
        torch.ones(3, dtype=float, requires_grad=True),
    )
    made = clearprop.source(rms, ARGS[0], np.ones(3), to="torch").function
    assert torch.autograd.gradcheck(made.apply, (x, gain))
    with pytest.raises(RuntimeError, match="Rms cannot be differentiated twice, since it keeps"):
        torch.autograd.grad(made.apply(x, gain), x, create_graph=True)
    for f in (
        lambda x, gain: np.sum(np.sin(x)) + np.sum(gain**3),
        lambda x, gain: np.exp(np.sum(x * gain) / 9),
        lambda x, gain: np.sum(x**3 + gain**2),
    ):
        made = clearprop.source(f, ARGS[0], np.ones(3), to="torch").function
        assert torch.autograd.gradgradcheck(made.apply, (x, gain))


@pytest.mark.parametrize("target", [installed("numpy"), installed("jax")])
@pytest.mark.filterwarnings("ignore:.*64.*is not available:UserWarning")
def test_numbers_of_python(target: str) -> None:
    for f, z in (
        (lambda z: np.real(z * z), 1 + 2j),
        (lambda z: np.abs(np.conj(z) * 2), 1 + 2j),
        (lambda x: np.sum(x) * np.sum(x * np.ones(3)), 2),
        (lambda x: x**1.5, 4),
    ):
        run = clearprop.source(f, z if isinstance(z, complex) else float(z), to=target).function
        value = run(z)[0] if target == "numpy" else run(z)
        np.testing.assert_allclose(value, f(np.asarray(z)[()]), rtol=1e-6)


def test_powers_of_negative_numbers_are_numpys() -> None:
    run = clearprop.source(lambda x: (x - 1) ** 0.5, 2.0).function
    with np.errstate(invalid="ignore"):
        assert np.isnan(run(0.0)[0])


def test_a_complex_result() -> None:
    with pytest.raises(
        clearprop.GradientError, match="starts from a real number, but this one is complex"
    ):
        clearprop.source(lambda x: np.exp(1j * x), 0.3)
    _, dx = clearprop.source(lambda x: np.exp(1j * x), 0.3, gradient=np.array(1j)).function(0.3, 1j)
    _, pullback = clearprop.vjp(lambda x: np.exp(1j * x), 0.3)
    np.testing.assert_allclose(dx, pullback(1j)[0])


def test_arguments_by_keyword_keep_their_order() -> None:
    def f(x: Any, *, b: Any, a: Any) -> Any:
        return np.sum(x * b + a)

    code = clearprop.source(f, np.ones(2), a=np.zeros(2), b=np.full(2, 3.0))
    assert "(x, b, a):" in code.text


# ---- options


def test_gates() -> None:
    text = clearprop.source(loss, *ARGS, simplify=False).text
    assert "1 - h * h" in text
    assert "1 - h_squared" in clearprop.source(loss, *ARGS).text


def test_steps() -> None:
    def f(x: Any) -> Any:
        s = 1 / (1 + np.exp(-x))
        return s

    code = clearprop.source(f, 0.5, steps=True)
    assert "#   logistic: 1 / (1 + np.exp(-x))  ->  logistic(x)\n" in code.text
    assert code.function(0.5)[1] == pytest.approx(0.2350037122015945)
    assert "# How" not in clearprop.source(f, 0.5).text


@pytest.mark.parametrize("pattern", ["grad_{}", "{}_bar"])
def test_gradient_names(pattern: str) -> None:
    text = clearprop.source(loss, *ARGS, gradient_names=pattern).text
    assert (
        f"return out, {pattern.format('x')}, {pattern.format('w')}, {pattern.format('b')}" in text
    )


def test_argnums_by_name_and_number() -> None:
    assert clearprop.source(loss, *ARGS, argnums="w").text.rstrip().endswith("return out, dw")
    assert (
        clearprop.source(loss, *ARGS, argnums=(-1, 0)).text.rstrip().endswith("return out, dx, db")
    )


@pytest.mark.parametrize("target", [installed(t) for t in TARGETS])
def test_an_upstream_gradient(target: str) -> None:
    x = ARGS[0]
    code = clearprop.source(lambda x: np.sin(x) * 2, x, gradient=np.ones_like(x), to=target)
    if target == "numpy":
        value, dx = code.function(x, 3 * np.ones_like(x))
        np.testing.assert_allclose(value, 2 * np.sin(x))
        np.testing.assert_allclose(dx, 6 * np.cos(x))


def test_fixed_arguments_are_named_in_the_header() -> None:
    def f(x: Any, power: int) -> Any:
        return np.sum(x**power)

    code = clearprop.source(f, np.ones(3), 3)
    assert "fixed: power = 3" in code.text
    assert "def f_and_grad(x):" in code.text


def test_a_kink_among_the_examples() -> None:
    x = np.array([0.0, 1.0, -1.0])
    _, dx = clearprop.source(lambda x: np.sum(np.maximum(x, 0) * 3), x).function(x)
    np.testing.assert_array_equal(dx, [1.5, 3, 0])


# ---- errors


def test_a_branch_on_a_value() -> None:
    def f(x: Any) -> Any:
        return x if x > 0 else -x

    with pytest.raises(clearprop.TraceError):
        clearprop.source(f, 1.0)


def test_an_operation_without_a_form() -> None:
    def f(x: Any) -> Any:
        return np.sum(np.unwrap(x))

    with pytest.raises(
        clearprop.UnsupportedError, match=r"unwrap has no form in torch .*numpy, jax"
    ):
        clearprop.source(f, np.ones(3), to="torch")


def test_gradient_names_that_are_none() -> None:
    for pattern in ("d", "{}-bar", "{}{}"):
        with pytest.raises(clearprop.ClearpropError, match="gradient_names"):
            clearprop.source(loss, *ARGS, gradient_names=pattern)


def test_an_argument_named_like_a_gradient() -> None:
    def f(x: Any, dx: Any) -> Any:
        return x**2 * np.sin(dx)

    text = clearprop.source(f, 1.0, 2.0).text
    assert "return out, dx_2, ddx" in text


def test_an_unknown_target() -> None:
    with pytest.raises(
        clearprop.ClearpropError, match="no target 'fortran'; there are numpy, torch, jax"
    ):
        clearprop.source(loss, *ARGS, to="fortran")


def test_no_single_number() -> None:
    with pytest.raises(
        clearprop.GradientError, match=r"shape \(3,\).*return the loss|Return the loss"
    ):
        clearprop.source(np.sin, np.ones(3))
    with pytest.raises(clearprop.GradientError, match="gradient= has the shapes"):
        clearprop.source(np.sin, np.ones(3), gradient=np.ones(2))


def test_integers() -> None:
    with pytest.raises(clearprop.DtypeError, match=r"3\.0 instead of 3"):
        clearprop.source(lambda x: x * 2.0, 3)
    with pytest.raises(clearprop.DtypeError, match="the argument n of"):
        clearprop.source(lambda x, n: np.sum(x * n), np.ones(3), np.arange(3), argnums=("x", "n"))
    with pytest.raises(clearprop.ClearpropError, match="has no argument 'z'"):
        clearprop.source(loss, *ARGS, argnums="z")


def test_wrong_code_is_never_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    right = NumPy.body
    monkeypatch.setattr(NumPy, "body", lambda *args: right(*args).replace("1 - h", "1 + h"))
    with pytest.raises(clearprop.GradientMismatch, match="another gradient for") as caught:
        clearprop.source(loss, *ARGS)
    assert "So no code is returned; clearprop.grad(loss) gives the gradient" in str(caught.value)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            "nothing / x",
            "raised NameError: name 'nothing' is not defined. So no code is returned; clearprop.vjp",
        ),
        (
            "1 / x[:1]",
            r"gives a value of float64\[1\], and Clearprop one of float64\[3\]. So no code",
        ),
    ],
)
def test_code_that_does_not_run(monkeypatch: pytest.MonkeyPatch, wrong: str, said: str) -> None:
    right = NumPy.body
    monkeypatch.setattr(NumPy, "body", lambda *args: right(*args).replace("1 / x", wrong, 1))
    with pytest.raises(clearprop.GradientMismatch, match=said):
        clearprop.source(lambda x: 1 / x, np.ones(3), gradient=np.ones(3))


def test_gate_by_gate_where_the_simplified_code_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    right = NumPy.body
    monkeypatch.setattr(
        NumPy, "body", lambda *args: right(*args).replace("1 - h_squared", "1 + h_squared")
    )
    text = clearprop.source(loss, *ARGS).text
    assert source_module.BY_GATES in text
    assert "1 - h * h" in text


def test_a_large_constant() -> None:
    big = np.random.default_rng(0).normal(size=(30, 30))
    with pytest.raises(clearprop.UnsupportedError, match="make it an argument"):
        clearprop.source(lambda x: np.sum(x * big), np.ones((30, 30)))


def test_a_library_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "find_spec", lambda name: None)
    code = clearprop.source(loss, *ARGS, to="torch")
    assert code.function is None
    assert "torch is not installed here, so this code was not run: the computation" in code.text
    assert code.errors.engine < 1e-12


def test_a_constant_result() -> None:
    with pytest.raises(clearprop.GradientError, match="depends on none of its arguments"):
        clearprop.source(lambda x: np.float64(3.0), np.ones(3))


def test_a_gradient_of_nothing_but_rounding() -> None:
    def f(x: Any) -> Any:
        c = x - x.mean(0)
        return np.sum((c - x) * c)  # always 0

    _, dx = clearprop.source(f, SQUARE).function(SQUARE)
    assert np.max(np.abs(dx)) < 1e-14


def test_where_the_slope_is_zero() -> None:
    _, dx = clearprop.source(lambda x: np.sum((x[1:] - x[:-1] ** 2) ** 4), np.ones(3)).function(
        np.ones(3)
    )
    np.testing.assert_array_equal(dx, 0)


def test_wrong_slopes_are_seen_there_too(monkeypatch: pytest.MonkeyPatch) -> None:
    right = NumPy.call

    def wrong(*args: Any) -> Any:
        values, gradients = right(*args)
        return values, [g + 1e-6 for g in gradients]

    monkeypatch.setattr(NumPy, "call", wrong)
    with pytest.raises(clearprop.GradientMismatch):
        clearprop.source(lambda x: np.sum((x[1:] - x[:-1] ** 2) ** 4), np.ones(3))


# ---- operations of all kinds: `source` itself compares them with the engine

SQUARE = np.random.default_rng(1).normal(size=(4, 4))


@pytest.mark.parametrize(
    "f",
    [
        lambda a: np.sum(np.linalg.eigh(a + a.T)[0] ** 2),
        lambda a: np.sum(np.linalg.solve(a, a[0]) ** 2),
        lambda a: np.einsum("ij,jk->", a, a),
        lambda a: np.sum(np.cumsum(a, axis=1) ** 2),
        lambda a: np.sum(np.linalg.svd(a)[1] ** 2),
        lambda a: np.sum(np.roll(a, 1, axis=0) * a),
        lambda a: np.sum(np.clip(a, -0.5, 0.5) * a),
        lambda a: np.sum(a[::-1] * a[:, ::-1]),
    ],
    ids=["eigh", "solve", "einsum", "cumsum", "svd", "roll", "clip", "backwards"],
)
def test_other_operations(f: Any) -> None:
    value, da = clearprop.source(f, SQUARE).function(SQUARE)
    np.testing.assert_allclose(da, clearprop.grad(f)(SQUARE), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(value, f(SQUARE))


# ---- what once went wrong


@pytest.mark.parametrize("target", [installed(t) for t in TARGETS])
@pytest.mark.parametrize("simplify", [True, False])
@pytest.mark.parametrize(
    "f",
    [
        lambda a: np.sum(a * (a // 0.7)),
        lambda a: np.sum(a[::-1]) + np.sum(a * a[::-1, ::-1]),
        lambda a: np.sum(a[::-2] ** 2 * a[1, ::-1]),
        lambda a: np.sum(a * a[1]),
        lambda a: np.sum(a) + np.sum(a[1]),
        lambda a: np.mean(a) - np.sum(a[1]) + np.sum(a[:, ::-1] * 1.5),
        lambda a: np.sum(a[1, np.array([0, 2, 2])] ** 2) + np.sum(a[:2, np.array([1, 1])] ** 3),
        lambda a: np.sum(np.linalg.qr(a)[1] ** 2 * np.arange(4)),
        lambda a: np.sum(np.linalg.cholesky(a @ a.T + np.eye(4)) ** 3),
        lambda a: np.linalg.det(a - a),
        lambda a: np.sum(np.sort(a, axis=0)[0] ** 2),
        lambda a: np.sum(np.abs(np.fft.fft(a * 1j)) ** 2),
        lambda a: np.sum(np.var(a * (1 + 2j), axis=0)),
        lambda a: np.sum(np.hypot(a, 1.0) + np.arctan2(a, 2.0) + np.copysign(1.0, a)),
        lambda a: np.sum(a[:0] ** 2) + a[0, 0],
    ],
    ids=[
        "whole_quotient",
        "backwards_and_again",
        "steps_down",
        "row_and_all",
        "all_and_row",
        "mean_and_row",
        "picked_twice",
        "qr",
        "cholesky",
        "singular",
        "sorted",
        "fourier",
        "complex_variance",
        "numbers",
        "nothing",
    ],
)
def test_once_wrong(f: Any, simplify: bool, target: str) -> None:
    """`source` itself compares values and gradients with the engine."""
    assert clearprop.source(f, SQUARE, to=target, simplify=simplify).errors is not None


def test_what_reads_constants_alone() -> None:
    def forces(x):
        a = np.zeros_like(x)
        for i in range(2):
            a[i] += x[1 - i] ** 2
        return np.sum(a**2)

    x = np.array([[1.0, 2.0], [3.0, -1.0]])
    _, dx = clearprop.source(forces, x).function(x)
    np.testing.assert_allclose(dx, 4 * x**3)
