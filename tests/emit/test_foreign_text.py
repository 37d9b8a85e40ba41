"""What others wrote, such as keys from a file and lines of source, stays a name, a literal or a comment."""

from __future__ import annotations

import ast
import enum
import linecache
import re
import xml.etree.ElementTree as ElementTree
from collections import OrderedDict, defaultdict
from dataclasses import make_dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.compiler.runnable import runnable
from clearprop.emit.c import compiler
from clearprop.emit.c.operators import SPELLING as C
from clearprop.emit.javascript import node_process as javascript
from clearprop.emit.javascript.js_operators import SPELLING as JAVASCRIPT
from clearprop.emit.latex.symbols import SPELLING as LATEX
from clearprop.emit.latex.symbols import symbol
from clearprop.emit.spelling import python_spelling
from tests.emit.examples import TARGETS
from tests.emit.test_latex_source import well_formed
from tests.emit.test_source import installed

PYTHON = python_spelling("np")
CODE = "__import__('pathlib').Path('ran').touch()"
KEYS = (
    *("layer.0.weight", "my-key", "a b", "1", "class", "it's", "", "None", "print", "np", "torch", "jnp"),
    *("ctx", "type", "float", "residuals", "recurrence", "x", "dx", "p", "out", "_", "exp", "sqrtf"),
    *("double", "int8_t", "M_PI", "i", "axis7", "workspace", "__FILE__", "_Bool", "linux"),
    *('"', "'", "\\", "\n", "\r", "\x0c", "\x1b[2J", "\u2028", "\u202e", "\x00", "\ud800", "a, b)"),
    *("}{", "[("),
    *("ﬁ", "fi", "π", "λ", "é", "日本", "²", "٣"),
    *(CODE, f"w[{CODE}]", f'"]+{CODE}+x["', f"\n{CODE}\n#"),
    *("\\input{/etc/passwd}", "50%", "#&$^^5c", "*/ int injected; /*", "//??/", "<script>", "a" * 300),
)  # fmt: skip
"""Keys of dictionaries that are no names, are other things' names, or end what they stand in."""


def params(keys: tuple[Any, ...] = KEYS) -> dict[Any, Any]:
    rng = np.random.default_rng(0)
    return {key: rng.normal(size=2) for key in keys}


def loss(p: Any, x: Any) -> Any:
    total = 0.0
    for i, key in enumerate(p):
        total = total + np.sin(x @ p[key]) * (i + 1.0)
    return total


X = np.array([-0.5, 1.5])


@pytest.fixture(autouse=True)
def nothing_ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    yield
    assert not (tmp_path / "ran").exists()


class _Blank(ast.NodeTransformer):
    """Code without its literals."""

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        return ast.Constant("") if isinstance(node.value, str | bytes) else node


# ---- keys


@pytest.mark.parametrize("target", [installed(t) for t in TARGETS])
def test_keys_in_python(target: str) -> None:
    """`source` runs the code beside the engine, with every key at once."""
    made = clearprop.source(loss, params(), X, to=target)
    assert made.errors.engine < 1e-12
    assert all(c == "\n" or c.isprintable() for c in made.text)
    code = ast.dump(_Blank().visit(ast.parse(made.text)))
    for text in ("pathlib", "passwd", "injected", "script"):
        assert f"id='{text}" not in code
        assert f"attr='{text}" not in code
    if target == "numpy":
        p = params()
        _, gradients, _ = made.function(p, X)
        assert list(gradients) == list(p)
        expected = clearprop.grad(loss)(p, X)
        for key in p:
            np.testing.assert_allclose(gradients[key], expected[key])


def test_names_in_python_are_names_only() -> None:
    calls = {
        node.func.id
        for node in ast.walk(ast.parse(clearprop.source(loss, params(), X).text))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert calls == set()


@pytest.mark.skipif(compiler() is None, reason="there is no C compiler")
def test_keys_in_c() -> None:
    made = clearprop.source(loss, params(), X, to="c")
    assert made.errors.engine < 1e-12
    code = re.sub(r"/\*.*?\*/", "", made.text, flags=re.DOTALL)
    assert code.isascii()
    assert "int injected" not in code


@pytest.mark.skipif(javascript.node() is None, reason="Node is not installed")
def test_keys_in_javascript() -> None:
    made = clearprop.source(loss, params(), X, to="javascript")
    assert made.errors.engine < 1e-12
    assert "</" not in made.text  # which would end the script element of a page
    code = re.sub(r"/\*[\s\S]*?\*/|//.*", "", made.text)
    assert "return {" in code
    assert code.isascii()
    assert "int injected" not in code


def test_comments_in_javascript() -> None:
    for text in ("*/ alert(1) /*", "**//", "</script><script>", "<<//b>", "<!-- -->", "a\u2028b"):
        clear = JAVASCRIPT.comment(text)
        assert not any(end in clear for end in ("*/", "</", "<!--", "\u2028")), text


def test_keys_in_latex() -> None:
    made = clearprop.source(loss, params(), X, to="latex")
    well_formed(made.text)
    for text in ("\\input", "%", "#", "$", "^^", "/*", "<"):
        assert text not in made.equations, text


@pytest.mark.parametrize("target", [installed(t) for t in ("numpy", "torch")])
def test_keys_that_are_no_strings(target: str) -> None:
    color = enum.Enum("color", ["red", "blue"])
    kind = enum.StrEnum("kind", {"plain": "a b"})
    level = enum.IntEnum("level", ["low"])
    keys = (
        1,
        -3,
        True,
        (0, "a"),
        (),
        None,
        2.5,
        b"x'",
        10**30,
        np.int64(7),
        np.str_("q"),
        color.red,
        color.blue,
    )
    for some in (keys[:2] + keys[3:], (level.low, kind.plain)):
        p = params(some)
        made = clearprop.source(loss, p, X, to=target)
        if target == "numpy":
            _, gradients, _ = made.function(p, X)
            expected = clearprop.grad(loss)(p, X)
            assert all(np.allclose(gradients[key], expected[key]) for key in p)


def test_keys_without_a_literal_are_refused() -> None:
    for key in (frozenset([1]), float("inf"), 1j, object()):
        with pytest.raises(clearprop.UnsupportedError, match=r"has no literal.*use a string"):
            clearprop.source(loss, {key: np.ones(2)}, X)


def test_keys_that_jax_cannot_sort() -> None:
    pytest.importorskip("jax")
    with pytest.raises(
        clearprop.UnsupportedError, match=r"keys of the types int, str: use strings"
    ):
        clearprop.source(loss, params((1, "a")), X, to="jax")


def test_kinds_of_dicts_and_records() -> None:
    record = make_dataclass("record", ["λ", "type", "class_"])
    p = {
        "o": OrderedDict(b=np.ones(2), a=np.ones(2)),
        "d": defaultdict(list, {"]": np.ones(2)}),
        "r": record(np.ones(2), np.ones(2), np.ones(2)),
    }

    def f(p: Any) -> Any:
        r = p["r"]
        parts = (p["o"]["b"], p["o"]["a"] * 2, p["d"]["]"] * 3, r.λ * 4, r.type * 5, r.class_ * 6)
        return np.sum(sum(x**2 for x in parts))

    _, gradient = clearprop.source(f, p).function(p)
    assert type(gradient["o"]) is OrderedDict
    assert list(gradient["o"]) == ["b", "a"]
    assert gradient["d"].default_factory is list
    assert gradient["r"].type.tolist() == [50, 50]


def test_containers_that_code_cannot_take_apart() -> None:
    _registered()
    with pytest.raises(
        clearprop.UnsupportedError, match="code cannot take a SimpleNamespace apart"
    ):
        clearprop.source(lambda p: np.sum(p.w**2), SimpleNamespace(w=np.ones(2)))


def _registered() -> None:
    import optree

    optree.register_pytree_node(
        SimpleNamespace,
        lambda x: (list(vars(x).values()), list(vars(x))),
        lambda keys, values: SimpleNamespace(**dict(zip(keys, values, strict=True))),
        namespace="clearprop",
    )


# ---- arguments and functions


@pytest.mark.parametrize("target", [*(installed(t) for t in TARGETS), "latex", "c"])
def test_arguments(target: str) -> None:
    if target == "c" and compiler() is None:
        pytest.skip("there is no C compiler")

    def f(np_: Any, **others: Any) -> Any:
        return loss(others, np_)

    made = clearprop.source(f, X, **params(KEYS[:36:3]), to=target)
    assert made.errors.engine < 1e-12


def test_arguments_named_like_libraries_and_builtins() -> None:
    made = clearprop.source(
        lambda np, float, input: np * float.astype("float32") + input, 2.0, X[0], 1.0
    )
    assert "def function_and_grad(np_, float_, input):" in made.text
    assert made.function(2.0, 3.0, 1.0)[0] == 7


@pytest.mark.parametrize("target", [*(installed(t) for t in TARGETS), "latex", "c"])
@pytest.mark.parametrize(
    "name", ["<lambda>", "class", "None", "true", "not_implemented", "_1", "__", "λ", "np", CODE, "f\n", ""]
)  # fmt: skip
def test_functions(name: str, target: str) -> None:
    def f(x: Any) -> Any:
        return x * x

    f.__name__ = name
    made = clearprop.source(f, 3.0, to=target)
    assert made.errors.engine < 1e-12
    assert "pathlib" not in made.text
    assert all(re.fullmatch(r"\w+\.[ch]", file) for file in made.files)


def test_gradient_names_run_nothing() -> None:
    for pattern in ("{}{0}", "d{x}", "{0.__class__}", "1{}", "{!r}"):
        with pytest.raises(clearprop.ClearpropError, match="gradient_names"):
            clearprop.source(loss, params(("a",)), X, gradient_names=pattern)


# ---- lines of source

LINES = (
    "h = x * w  # */ int injected = 1; //",
    "h = x * w  # data/*.npy",
    "h = x * w  # ends so ??/",
    "h = x * w  # ends so \\",
    f"h = x * w  # \x0c{CODE}",
    f"h = x * w  # \u2028{CODE}",
    f"h = x * w  # \x85{CODE}",
    "h = x * w  # \u202e turned \x1b[2J",
    "h = x * w  # ``` <script> \t$$",
)


def with_line(line: str) -> Any:
    """A function with this line, which can be read."""
    text = f"def f(x, w):\n    {line}\n    return np.sum(h * h * x)\n"
    file = f"<line {LINES.index(line)}>"
    linecache.cache[file] = (len(text), None, text.split("\n"), file)
    space: dict[str, Any] = {"np": np}
    exec(compile(text, file, "exec"), space)
    return space["f"]


@pytest.mark.parametrize("target", [*(installed(t) for t in TARGETS), "latex", "c"])
@pytest.mark.parametrize("line", LINES)
def test_lines(line: str, target: str) -> None:
    if target == "c" and compiler() is None:
        pytest.skip("there is no C compiler")
    made = clearprop.source(with_line(line), np.ones(3), np.ones(3), to=target)
    assert made.errors.engine < 1e-12
    assert all(c == "\n" or c.isprintable() for c in made.text)
    if target == "c":
        assert "injected" not in re.sub(r"/\*.*?\*/", "", made.text, flags=re.DOTALL)
        assert "??/" not in made.text


def test_markdown_is_fenced() -> None:
    made = clearprop.source(with_line(LINES[-1]), np.ones(3), np.ones(3))
    assert "```" in made.text
    shown = made._repr_markdown_()
    assert shown.startswith("````python\n")
    assert shown.endswith("````")


def test_values_in_the_header() -> None:
    class Odd:
        def __repr__(self) -> str:
            return f"\n{CODE}\n*/ int injected; /*"

    for target in ("numpy", "c"):
        text = clearprop.source(lambda x, mode: np.sum(x**2), X, Odd(), to=target).text
        assert "fixed: mode = " in text
        assert "int injected; /*" not in text or target == "numpy"
        assert (
            all(line.startswith("#") for line in text.splitlines() if CODE[:20] in line)
            or target == "c"
        )


# ---- other readings


def test_graphs_and_pictures_show_no_control_characters() -> None:
    graph = clearprop.trace(loss, params(), X)
    assert all(c == "\n" or c.isprintable() for c in str(graph))
    explained = clearprop.explain(loss, params(), X)
    assert all(c == "\n" or c.isprintable() for c in str(explained))
    ElementTree.fromstring(explained.svg())
    assert "<script>" not in explained.html()
    assert "<script>" not in explained.svg()


def test_blocks_with_odd_names_run() -> None:
    def own(factor: float, name: str) -> Any:
        def f(x: Any) -> Any:
            return factor * x

        f.__name__ = name
        made = clearprop.block(f)
        made.gradient(lambda g, out, x: g * factor)
        return made

    first, second, third = own(2.0, "sin"), own(3.0, "sin"), own(5.0, f"\x1b{CODE}")
    graph = clearprop.trace(lambda x: np.sin(first(x)) + second(x) + third(x), 1.0)
    assert all(c == "\n" or c.isprintable() for c in str(graph))
    text, names = runnable(graph)
    exec(text, names)
    (value,) = names["compiled"](1.0)
    assert value == np.sin(2.0) + 3 + 5


def test_strings_that_look_like_variables() -> None:
    graph = clearprop.trace(lambda x: np.sum(np.pad(x, 1, mode="constant")) + np.sum(x), X)
    for node in graph.nodes[:1]:
        node.params = {**node.params, "note": "t0"}
    text, _ = runnable(graph)
    assert "'t0'" not in text


# ---- one function a target


@pytest.mark.parametrize("name", [*KEYS, "9", "ab-cd", "Ωmega", "ŝ"])
def test_identifiers(name: str) -> None:
    for spelled in (PYTHON.identifier(name), C.identifier(name)):
        assert spelled.isidentifier()
    assert re.fullmatch(r"[A-Za-z_]\w*", C.identifier(name), re.ASCII)
    assert not C.identifier(name).startswith("__")
    assert re.fullmatch(r"[0-9A-Za-z_]*", LATEX.identifier(name))
    assert re.fullmatch(r"[\\A-Za-z0-9{}_,]+", symbol(name, 1))


def test_equal_names_to_python_are_told_apart() -> None:
    """Python reads a ligature as its letters."""
    made = clearprop.source(loss, params(("ﬁ", "fi")), X)
    assert "fi_2" in made.text


@pytest.mark.parametrize("value", [*KEYS, 1, -2.5, None, True, ("a", (1,)), b"\x00'", 10**30])
def test_literals(value: Any) -> None:
    literal = PYTHON.literal(value)
    assert literal is not None
    assert ast.literal_eval(literal) == value
    assert literal.isprintable()


def test_comments() -> None:
    assert PYTHON.comment("a\rb\x0cc\u2028d\te") == "a�b�c�d e"
    assert C.comment("/**/ */* ??/ \\") == "/ ** / * / * ? ?/ \\ ."
