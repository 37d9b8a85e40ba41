"""What a target is: a language that a derived problem is written in, and how what is written is run.

A target takes a module or a folder, with its forms beside it, and a line in `targets`.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from ..graph.graph import Node
from .derived import Derived
from .spelling import Spelling

RUN_INSTEAD = "the computation that it is written from was run"


class Code(ABC):
    """A derived problem in a target's language, made once; the header is added when its errors are known."""

    @abstractmethod
    def text(self, header: Sequence[str] = (), steps: Sequence[str] = ()) -> str:
        """Return the whole, with a header and the derivation as comments."""

    def files(self, header: Sequence[str], steps: Sequence[str]) -> Mapping[str, str]:
        """Return the files by name where the code is more than one."""
        return {}

    not_run = ""
    """What the header says where `load` gives None: a clause before "against Clearprop"."""

    def load(self, text: str) -> Any:
        """Return what the text defines, ready to be called; None where nothing here can run it."""
        return None

    def run(self, function: Any, leaves: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """Return the values and gradients that it gives for leaves of the arguments."""
        raise NotImplementedError


class Target(ABC):
    """A language that source is written in."""

    name: str
    """What it is called in ``source(..., to=...)``."""
    spelling: Spelling
    """Of names, literals and comments."""
    highlighting = "python"
    """What Markdown calls its syntax."""
    upstream = False
    """Whether upstream gradients are always arguments."""
    compounds = False
    """Whether softmax and its kin stay whole."""
    recomputes = True
    """Whether checkpoints are part of what is written."""
    needs: tuple[str, ...] = ()
    """Lines of the header: what the text takes to be used."""

    @abstractmethod
    def write(self, derived: Derived) -> Code:
        """Write the code. Raises UnsupportedError for what has no form."""

    def has(self, node: Node) -> bool:
        """Return whether errors may name this target as one that has a form for an operation."""
        return False

    # ---- what was written, as a `Source` shows and stores it

    def markdown(self, text: str) -> str:
        longest = max(map(len, re.findall("`+", text)), default=0)
        fence = "`" * max(3, longest + 1)
        return f"{fence}{self.highlighting}\n{text}{fence}"

    def equations(self, text: str) -> str:
        """Return what stands between ``$$``, if these are equations."""
        return ""

    def stored(self, function: Any) -> Any:
        """Return what is pickled in place of what `Code.load` gave."""
        return function

    def restored(self, stored: Any, text: str, blocks: Mapping[str, Any]) -> Any:
        """Return what becomes of that where it is unpickled; None where nothing there can run it."""
        return stored


def commented(
    mark: str, spelling: Spelling, code: str, header: Sequence[str], steps: Sequence[str]
) -> str:
    """Write code between a header and a derivation, whose lines begin with a mark."""
    above, below = (
        "".join(f"{mark} {spelling.comment(line)}\n" for line in lines) for lines in (header, steps)
    )
    return above + code + (f"\n\n{below}" if steps else "")
