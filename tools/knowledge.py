"""``python -m tools.knowledge [OPERATION ...]``: in which files of src an operation is known, and how.

An operation ought to be known where its record is, and to few readers that have something of their own to say
about it. A file knows an operation where, outside of docstrings and comments,

- a string is its name, or a list of words with its name among them, most of which are names of operations,
- a string is code that begins with a call of it: ``"jnp.tanh({0})"``,
- its record or a library's function is handed on, as rules, tables and makers of records do:
  ``primitives.tanh`` or ``np.tanh`` that is not called,
- a function or variable at the top of a module has its name, be it in capitals, as a form, a decomposition or
  a table of coefficients does.

To compute with it, as in ``np.tanh(x)`` or ``x.sum()``, is no knowledge; nor is a method of that name, nor
prose. What else only looks like it is listed in `NO_KNOWLEDGE`.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import clearprop.scipy.linalg
import clearprop.scipy.primitives  # noqa: F401
from clearprop.engine.primitive import primitives

SOURCE = Path(__file__).parent.parent / "src" / "clearprop"
MOST = {"tanh": 5, "erf": 5, "matmul": 10, "sum": 12}
"""In how many files each may be known."""
NO_KNOWLEDGE = {
    "engine/arrays.py": "names of methods, by which arrays of other libraries are known",
    "emit/loops/loop_nests.py": "names of variables in C",
    "numpy/lists.py": "any of NumPy's functions, for its type",
}
_LIBRARIES = {"np", "sp", "scipy", "linalg", "special", "fft", "operator", "primitives"}
_WORDS = re.compile(r"\s*\w+(\s+\w+)*\s*")
_CALLED = re.compile(r"(?:[a-z]\w*|\{\w*\})(?:\.\w+)*\.(\w+)(?:\(|$)")


class Found(NamedTuple):
    """A place where an operation is known."""

    name: str
    line: int
    how: str


def known(text: str, names: frozenset[str]) -> Iterator[Found]:
    """Return what a module knows of the operations of these names."""
    tree = ast.parse(text)
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name in names:
            yield Found(node.name, node.lineno, f"def {node.name}")
        is_table = not isinstance(getattr(node, "value", None), ast.Constant)
        for target in getattr(node, "targets", [getattr(node, "target", None)]):
            if isinstance(target, ast.Name) and target.id.lower() in names and is_table:
                yield Found(target.id.lower(), node.lineno, f"{target.id} =")
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            for name in named(node.value, names):
                yield Found(name, node.lineno, repr(name))
        elif isinstance(node, ast.Attribute) and node.attr in names:
            of = _last(node.value)
            if of in _LIBRARIES and id(node) not in called:
                yield Found(node.attr, node.lineno, f"{of}.{node.attr}")


def named(text: str, names: frozenset[str]) -> set[str]:
    """Return the operations that a string names."""
    if match := _CALLED.match(text):
        return names & {match[1]}
    if not _WORDS.fullmatch(text):
        return set()
    words = text.split()
    found = names.intersection(words)
    return found if 2 * len(found) > len(words) else set()


def _last(node: ast.expr) -> str:
    """Return the name before the last dot."""
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def survey() -> dict[str, dict[str, list[Found]]]:
    """By operation and by file."""
    names = frozenset(vars(primitives))
    found: dict[str, dict[str, list[Found]]] = {name: {} for name in names}
    for path in sorted(SOURCE.rglob("*.py")):
        file = path.relative_to(SOURCE).as_posix()
        for item in (
            known(path.read_text(encoding="utf-8"), names) if file not in NO_KNOWLEDGE else ()
        ):
            found[item.name].setdefault(file, []).append(item)
    return found


def main(wanted: list[str]) -> None:
    found = survey()
    for name in wanted or MOST:
        files = found.get(name, {})
        most = f", {MOST[name]} at most" if name in MOST else ""
        print(f"{name}: {len(files)} files{most}")
        for file, items in files.items():
            print(f"  {file}: " + ", ".join(dict.fromkeys(f"{x.how} ({x.line})" for x in items)))
    if not wanted:
        average = sum(map(len, found.values())) / len(found)
        print(f"all {len(found)}: {average:.2f} files on average")


if __name__ == "__main__":
    main(sys.argv[1:])
