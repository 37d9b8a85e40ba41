"""The ledger as HTML: the picture, and the same lines as in a terminal, in the same colours."""

from __future__ import annotations

from html import escape

from .account import Account
from .number_format import short
from .styled_lines import lines

STYLE = """
.clearprop { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: 13px;
  line-height: 1.45; white-space: pre-wrap; }
.clearprop .head { font-weight: 700; }
.clearprop .value { color: #15803d; }
.clearprop .gradient { color: #b91c1c; }
.clearprop .dim { opacity: 0.65; }
.clearprop-picture { margin: 0; overflow-x: auto; }
"""


def page(account: Account) -> str:
    """Return a self-contained fragment: style, picture, ledger."""
    from ..draw.svg import draw

    rows = []
    for line in lines(account):
        rows.append(
            "".join(
                f'<span class="{style}">{escape(text)}</span>' if style != "plain" else escape(text)
                for style, text in line
            )
        )
    value = account.values[account.graph.outputs[0]]
    label = escape(f"{account.graph.name} = {short(value)}")
    picture = draw(account.graph, account.values, account.gradients)
    return (
        f"<style>{STYLE}</style>\n"
        f'<figure class="clearprop-picture" aria-label="{label}">{picture}</figure>\n'
        f'<div class="clearprop">{chr(10).join(rows)}</div>'
    )
