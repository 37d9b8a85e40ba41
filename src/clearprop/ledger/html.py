"""The ledger as HTML: the picture, and the same lines as in a terminal, in the same colours."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from .numbers import short
from .text import lines

if TYPE_CHECKING:
    from .explanation import Explanation

STYLE = """
.clearprop { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: 13px;
  line-height: 1.45; white-space: pre-wrap; }
.clearprop .head { font-weight: 700; }
.clearprop .value { color: #15803d; }
.clearprop .gradient { color: #b91c1c; }
.clearprop .dim { opacity: 0.65; }
.clearprop-picture { margin: 0; overflow-x: auto; }
"""


def page(explanation: Explanation) -> str:
    """A self-contained fragment: style, picture, ledger."""
    rows = []
    for line in lines(explanation):
        rows.append(
            "".join(
                f'<span class="{style}">{escape(text)}</span>' if style != "plain" else escape(text)
                for style, text in line
            )
        )
    label = escape(f"{explanation.graph.name} = {short(explanation.value)}")
    return (
        f"<style>{STYLE}</style>\n"
        f'<figure class="clearprop-picture" aria-label="{label}">{explanation.svg()}</figure>\n'
        f'<div class="clearprop">{chr(10).join(rows)}</div>'
    )
