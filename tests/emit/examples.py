"""The golden files: ``python -m tests.emit.examples`` writes them anew, to be read by a person."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import clearprop

from .functions import EXAMPLES

FOLDER = Path(__file__).parent / "golden"
TARGETS = ("numpy", "torch", "jax")


def written(name: str, target: str) -> str:
    """What `source` writes for an example, without what changes from machine to machine."""
    function, args, argnums = EXAMPLES[name]
    return settled(clearprop.source(function, *args, argnums=argnums, to=target).text)


def settled(text: str) -> str:
    """A text without the version and the errors that were measured."""
    text = re.sub(r"written by Clearprop \S+\.\n", "written by Clearprop.\n", text)
    return re.sub(r"\d(\.\d+)?e[-+]\d+(?=[;.])", "tiny", text)


def main() -> None:
    """Write every golden file whose library is installed."""
    FOLDER.mkdir(exist_ok=True)
    for target in TARGETS:
        if find_spec(target):
            for name in EXAMPLES:
                text = written(name, target)
                (FOLDER / f"{name}.{target}.py").write_text(text, encoding="utf-8")
    for name in EXAMPLES:
        (FOLDER / f"{name}.tex").write_text(written(name, "latex"), encoding="utf-8")
        (FOLDER / f"{name}.mjs").write_text(written(name, "javascript"), encoding="utf-8")


if __name__ == "__main__":
    main()
