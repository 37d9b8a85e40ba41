"""``python -m tools.gallery``: writes docs/gallery.md, ten functions beside their backward passes."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from tests.emit.examples import FOLDER
from tests.emit.functions import EXAMPLES

PAGE = Path(__file__).parent.parent / "docs" / "gallery.md"
SHOWN = (
    "linear_regression",
    "logistic_regression",
    "softmax_regression",
    "two_layers",
    "layernorm",
    "attention",
    "lstm_cell",
    "huber",
    "matrix_factorisation",
    "by_hand",
)
HEAD = """# Gallery

Ten functions, and what [`clearprop.source`](source.md) writes for them. `python -m tools.gallery` writes this
page from the golden files of the tests.
"""


def forward(name: str) -> str:
    """The function as it was written, without types."""
    lines = inspect.getsource(EXAMPLES[name].function).splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("def "))
    text = "\n".join(lines[start:])
    return re.sub(r"(: | -> )(Any|float)\b", "", text)


def backward(name: str) -> str:
    """The golden file, without its header."""
    text = (FOLDER / f"{name}.numpy.py").read_text(encoding="utf-8")
    return text[re.search(r"^def ", text, re.MULTILINE).start() :].rstrip()  # type: ignore[union-attr]


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for name in SHOWN:
        cells = "\n\n</td><td>\n\n".join(
            f"```python\n{text}\n```" for text in (forward(name), backward(name))
        )
        parts.append(
            f"## {name.replace('_', ' ').capitalize()}\n\n<table><tr><td>\n\n{cells}\n\n</td></tr></table>\n"
        )
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
