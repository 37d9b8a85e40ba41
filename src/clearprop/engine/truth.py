"""What to write in the place of a Python `if` or `while` on a value that is not known, with the user's own
condition filled in.
"""

from __future__ import annotations

import ast
import dis
import linecache
from collections.abc import Iterator
from types import FrameType
from typing import NamedTuple

from ..callsite import printable, user_frame

_LONGEST = 80
_PLAIN = "the truth of a value (`if`, `while`, `and`, `or`)"
_CHOICE = (
    "Use np.where({0}, a, b) or np.maximum for a choice between values, clearprop.cond({0}, f, g, ...) to "
    "call one of two functions"
)


class Question(NamedTuple):
    """What Python asks of a value, and what to write instead."""

    what: str
    instead: str


def question() -> Question:
    """Return what the user's code is asking just now: whether to go one way or the other."""
    frame = user_frame()
    node = None if frame is None else _asking(frame)
    if frame is None or node is None:
        return Question(_PLAIN, _CHOICE.format("condition"))
    text = printable(" ".join(ast.unparse(node.test).split()))
    text = text if len(text) <= _LONGEST else "condition"
    found: str
    if isinstance(node, ast.While):
        what, found = f"the truth of a value (`while {text}`)", _as_loop(node, text, frame)
    else:
        what, found = f"the truth of a value (`if {text}`)", _CHOICE.format(text)
    if any(map(_is_python_logic, ast.walk(node.test))):
        found += ", with np.logical_and, np.logical_or and np.logical_not for `and`, `or` and `not`"
    return Question(what, found)


def _as_loop(node: ast.While, text: str, frame: FrameType) -> str:
    names = dict.fromkeys(
        x.id
        for statement in node.body
        for x in ast.walk(statement)
        if isinstance(x, ast.Name) and isinstance(x.ctx, ast.Store) and x.id in frame.f_locals
    )
    if len(names) == 1:
        (name,) = names
        written = f"clearprop.while_loop(lambda {name}: {text}, step, {name})"
        return f"Use {written}, where step returns the next {name}"
    carried = f"({', '.join(names)})" if names else "start"
    return (
        f"Use clearprop.while_loop(holds, step, {carried}), where holds and step get what is carried, and "
        f"return {text} and what is carried next"
    )


def _asking(frame: FrameType) -> ast.If | ast.IfExp | ast.While | None:
    """Return the innermost `if` or `while` whose condition a frame is looking at."""
    step = [i for i in dis.get_instructions(frame.f_code) if i.offset <= frame.f_lasti][-1]
    at = step.positions
    if step.opname.startswith(("CALL", "PRECALL")) or at is None or at.lineno is None:
        return None
    try:
        tree = ast.parse("".join(linecache.getlines(frame.f_code.co_filename)))
    except (SyntaxError, ValueError):
        return None
    place = at.lineno, at.col_offset or 0
    return max(_around(tree, place), key=lambda node: _start(node.test), default=None)


def _around(tree: ast.AST, place: tuple[int, int]) -> Iterator[ast.If | ast.IfExp | ast.While]:
    for node in ast.walk(tree):
        if isinstance(node, ast.If | ast.IfExp | ast.While):
            test = node.test
            end = test.end_lineno or test.lineno, test.end_col_offset or test.col_offset
            if _start(test) <= place < end or _start(node) == place:
                yield node


def _start(node: ast.expr | ast.stmt) -> tuple[int, int]:
    return node.lineno, node.col_offset


def _is_python_logic(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.BoolOp)
        or (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not))
        or (isinstance(node, ast.Compare) and len(node.ops) > 1)
    )
