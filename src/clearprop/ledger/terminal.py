"""The ledger for a terminal, in colour, through rich."""

from __future__ import annotations

from typing import Any

from .text import Line

_STYLES = {
    "plain": "",
    "head": "bold",
    "value": "green",
    "gradient": "red",
    "dim": "dim",
}


def to_rich(document: list[Line]) -> Any:
    """Styled lines as a rich Text."""
    from rich.text import Text

    text = Text(no_wrap=True, overflow="ignore")  # lines are as long as they are, as in str()
    for number, line in enumerate(document):
        if number:
            text.append("\n")
        for style, piece in line:
            text.append(piece, _STYLES[style])
    return text
