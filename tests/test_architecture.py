"""The house has an order: each module may import only from those before it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import clearprop

SOURCE = Path(clearprop.__file__).parent
ORDER = (
    "callsite",
    "errors",
    "progress",
    "engine",
    "ops",
    "numpy",
    "scipy",
    "transforms",
    "graph",
    "random",
    "testing",
    "passes",
    "control",
    "stages",
    "emit",
    "native",
    "draw",
    "compiler",
    "ledger",
    "cli",
)
WINGS = frozenset(["scipy"])
"""With rooms like the house's: ``scipy/emit`` has the place of ``emit``. Nobody imports a wing."""
STRANGERS = frozenset([frozenset(["emit", "native"])])
"""Pairs that never import each other, whichever comes first."""
LONGEST = 500
QUESTIONS = frozenset(["How", "What", "When", "Where", "Whether", "Which", "Who", "Whose", "Why"])
"""No docstring of a function begins so: it says what is done. (The linter knows the other words.)"""
REWRITINGS = ("passes.algebra", "passes.decompositions", "passes.person")
"""Here a docstring may also be what is rewritten: ``x * 1 -> x``."""
REASON = "lines because"
"""A module that is longer says in its docstring: "More than 500 lines because ..."."""


def dotted(path: Path, source: Path) -> str:
    """The name of a module within the package: ``ops.linalg``; of the package itself, ``""``."""
    parts = path.relative_to(source).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(name: str) -> str:
    """The room in which a module stands, be it in a wing."""
    first, *rest = name.split(".")
    return rest[0] if first in WINGS and rest and rest[0] in ORDER else first


def imports(path: Path, source: Path) -> Iterator[tuple[int, str]]:
    """Line and full name of everything that a module imports from its own package, types included."""
    package = source.name
    home = [package, *path.relative_to(source).parent.parts]
    syntax = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(syntax):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == package:
                    yield node.lineno, alias.name.partition(".")[2]
        elif isinstance(node, ast.ImportFrom):
            base = home[: len(home) - node.level + 1] if node.level else []
            full = [*base, *(node.module.split(".") if node.module else [])]
            if full[:1] == [package]:
                for alias in node.names:
                    yield node.lineno, ".".join([*full[1:], alias.name])


def breaches(source: Path) -> list[str]:
    """Every import that goes against the order, and every module that has no place in it."""
    found = []
    for path in sorted(source.rglob("*.py")):
        name = dotted(path, source)
        top, part = room_of(name), name.partition(".")[0]
        if not top or top == "__main__":
            continue  # `__init__` shows what there is, so it may import everything
        if top not in ORDER:
            found.append(f"{top}: has no place in ORDER of tests/test_architecture.py; give it one")
            continue
        for line, imported in imports(path, source):
            other, of = room_of(imported), imported.partition(".")[0]
            where = f"{path.relative_to(source)}:{line}: {top} imports {other or 'the package'}"
            if of in WINGS and part != of:
                found.append(f"{where}, and nobody imports a wing")
            elif other == top or (other.startswith("__") and other != "__init__"):
                continue  # a sibling, or a fact such as __version__
            elif other not in ORDER:
                found.append(f"{where}, which has no place in the order")
            elif ORDER.index(other) > ORDER.index(top):
                found.append(f"{where}, which comes after it")
            elif frozenset([top, other]) in STRANGERS:
                found.append(f"{where}, and these two never import each other")
    return list(dict.fromkeys(found))


def cycles(source: Path) -> list[str]:
    """Modules that import each other in a circle within one package."""
    names = {dotted(path, source): path for path in source.rglob("*.py")}
    users: dict[str, set[str]] = {}
    for name, path in names.items():
        if "." not in name:
            continue  # a package's `__init__` gathers its modules
        users[name] = set()
        for _, imported in imports(path, source):
            target = imported if imported in names else imported.rpartition(".")[0]
            if "." in target and target.partition(".")[0] == name.partition(".")[0]:
                users[name].add(target)
    found = []
    while free := [name for name, uses in users.items() if not uses & users.keys() - {name}]:
        for name in free:
            if name in users.pop(name):
                found.append(f"{name} imports itself")
    return found + ([f"a circle among {', '.join(sorted(users))}"] if users else [])


def too_long(path: Path) -> bool:
    """Whether a module has outgrown the limit without saying why at its top."""
    text = path.read_text(encoding="utf-8")
    says_why = REASON in (ast.get_docstring(ast.parse(text)) or "")
    return text.count("\n") > LONGEST and not says_why


def questions(source: Path) -> list[str]:
    """Functions whose docstring begins with a question; what reads like an attribute may."""
    found = []
    for path in sorted(source.rglob("*.py")):
        name = dotted(path, source)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if name.startswith(REWRITINGS) or not isinstance(node, ast.FunctionDef):
                continue
            is_property = any("property" in ast.unparse(d) for d in node.decorator_list)
            words = (ast.get_docstring(node) or "").split()
            if words[:1] and words[0].rstrip(",:;") in QUESTIONS and not is_property:
                found.append(f"{name}.{node.name}: {' '.join(words[:6])}")
    return found


def test_docstrings_of_functions_begin_with_a_verb() -> None:
    assert questions(SOURCE) == []


def test_imports_run_one_way() -> None:
    assert breaches(SOURCE) == []


def test_no_circles_within_packages() -> None:
    assert cycles(SOURCE) == []


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda p: dotted(p, SOURCE))
def test_module(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), "no module docstring"
    assert not too_long(path), f"over {LONGEST} lines: split it, or say why ('... {REASON} ...')"


def test_the_page_names_what_there_is() -> None:
    """Modules and functions on the ways through the house, and rooms in the order of the map."""
    page = (SOURCE.parents[1] / "docs" / "architecture.md").read_text(encoding="utf-8")
    ways = page.partition("## Ways through the house")[2].partition("\n## ")[0]
    named = re.findall(r"`([a-z_]+(?:/[a-z_]+)+)/?(?:\.([\w.]+))?`", ways)
    assert len(named) > 25
    for path, attribute in named:
        found: Any = import_module(f"clearprop.{path.replace('/', '.')}")
        for name in filter(None, attribute.split(".")):
            found = getattr(found, name)
    rooms = re.findall(r"^(\w+)(?:/|\.py) ", page.partition("## The house")[2], re.MULTILINE)
    assert rooms == [room for room in ORDER if room in rooms]
    assert {path.stem for path in SOURCE.iterdir()} <= {"__init__", "__main__", "py", *rooms} | {
        "__pycache__"
    }


# ---- the tester, tested: on small trees with a fault, it speaks up


def tree(folder: Path, files: dict[str, str]) -> Path:
    """A package with these modules, of these texts."""
    source = folder / "clearprop"
    for name, text in files.items():
        path = source.joinpath(*name.split(".")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return source


@pytest.mark.parametrize(
    "text",
    [
        "from .ledger import explain",
        "from . import ledger",
        "from clearprop.ledger import explain",
        "import clearprop.ledger",
        "def f():\n    from .ledger import explain",
    ],
)
def test_an_import_against_the_order_is_found(tmp_path: Path, text: str) -> None:
    (message,) = breaches(tree(tmp_path, {"graph": text}))
    assert "graph imports ledger, which comes after it" in message


def test_an_import_from_a_package_within_is_found(tmp_path: Path) -> None:
    (message,) = breaches(tree(tmp_path, {"ops.linalg": "import numpy\nfrom ..cli import main"}))
    assert message.startswith("ops/linalg.py:2: ops imports cli")


def test_a_room_of_a_wing_has_the_place_of_its_reader(tmp_path: Path) -> None:
    texts = {"scipy.emit.c": "from ...passes import expand\nfrom ..linalg import expm"}
    assert breaches(tree(tmp_path, texts)) == []
    (message,) = breaches(tree(tmp_path, {"scipy.emit.c": "from ...ledger import explain"}))
    assert "emit imports ledger, which comes after it" in message
    assert breaches(tree(tmp_path, {"scipy.emit.c": "from ...native import math"}))
    assert breaches(tree(tmp_path, {"scipy.emit.c": "", "scipy.special": "from .emit import c"}))


def test_an_import_of_a_wing_is_found(tmp_path: Path) -> None:
    for text in ("from .scipy import linalg", "def f():\n    import clearprop.scipy.emit.c"):
        (message,) = breaches(tree(tmp_path, {"ledger": text}))
        assert "nobody imports a wing" in message


def test_an_import_of_the_whole_package_is_found(tmp_path: Path) -> None:
    assert breaches(tree(tmp_path, {"graph": "from . import explain"}))
    assert breaches(tree(tmp_path, {"graph": "import clearprop"}))


def test_emit_and_native_are_strangers(tmp_path: Path) -> None:
    (message,) = breaches(tree(tmp_path, {"native": "from . import emit", "emit": ""}))
    assert "never import each other" in message


def test_a_module_without_a_place_is_found(tmp_path: Path) -> None:
    (message,) = breaches(tree(tmp_path, {"attic": ""}))
    assert "attic" in message
    assert "ORDER" in message


@pytest.mark.parametrize(
    "text", ["from .one import f", "if TYPE_CHECKING:\n    from .one import One"]
)
def test_a_circle_is_found(tmp_path: Path, text: str) -> None:
    texts = {"ops.one": "from . import two", "ops.two": text, "ops.three": ""}
    source = tree(tmp_path, texts)
    assert cycles(source) == ["a circle among ops.one, ops.two"]


def test_good_imports_pass(tmp_path: Path) -> None:
    texts = {
        "__init__": "from .cli import main",
        "cli": "from .engine.spec import ArraySpec\nfrom . import engine, __version__\nimport numpy",
        "ops.one": "from .two import f\nfrom ..engine import Graph",
        "ops.two": "",
    }
    source = tree(tmp_path, texts)
    assert breaches(source) == []
    assert cycles(source) == []


def test_a_docstring_that_asks_is_found(tmp_path: Path) -> None:
    text = """
def f():
    'Whether it is so.'

class C:
    @property
    def p(self):
        'Whether it is so.'

def g():
    'Return whether it is so.'
"""
    source = tree(tmp_path, {"ops.one": text, "passes.algebra": text})
    assert questions(source) == ["ops.one.f: Whether it is so."]


def test_a_long_module_must_say_why(tmp_path: Path) -> None:
    lines = "x = 1\n" * (LONGEST + 1)
    excuse = '"""Long. More than 500 lines because so."""\n'
    source = tree(tmp_path, {"short": "x = 1", "long": lines, "excused": excuse + lines})
    found = {path.stem: too_long(path) for path in source.glob("*.py")}
    assert found == {"short": False, "long": True, "excused": False}
