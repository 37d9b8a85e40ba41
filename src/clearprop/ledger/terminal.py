"""The ledger for a terminal, in colour, through rich."""

from __future__ import annotations

import os
import sys
from typing import Any

from .styled_lines import Line, to_plain

_STYLES = {
    "plain": "",
    "head": "bold",
    "value": "green",
    "gradient": "red",
    "dim": "dim",
}


def to_rich(document: list[Line]) -> Any:
    """Return styled lines as a rich Text."""
    from rich.text import Text

    text = Text()
    for number, line in enumerate(document):
        if number:
            text.append("\n")
        for style, piece in line:
            text.append(piece, _STYLES[style])
    return text


def show(document: list[Line]) -> None:
    """Print: in colour to a terminal that wants it (see NO_COLOR), else as plain text."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        print(to_plain(document))
        return
    from rich.console import Console

    Console(highlight=False, soft_wrap=True).print(to_rich(document))
