"""``python -m tools.gallery``: writes docs/gallery.md, ten functions, their backward passes and equations."""

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

Ten functions, and what [`clearprop.source`](source.md) writes for them: the backward pass for NumPy, and with
`to="latex"` the equations of both ([notation](derivations.md#as-equations)). `python -m tools.gallery` writes
this page from the golden files of the tests.
"""


def forward(name: str) -> str:
    """Return the function as it was written, without types."""
    lines = inspect.getsource(EXAMPLES[name].function).splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("def "))
    text = "\n".join(lines[start:])
    return re.sub(r"(: | -> )(Any|float)\b", "", text)


def backward(name: str) -> str:
    """Return the golden file, without its header."""
    text = (FOLDER / f"{name}.numpy.py").read_text(encoding="utf-8")
    return text[re.search(r"^def ", text, re.MULTILINE).start() :].rstrip()  # type: ignore[union-attr]


def equations(name: str) -> str:
    """Return the golden file, as it stands within a document's mathematics."""
    text = (FOLDER / f"{name}.tex").read_text(encoding="utf-8")
    text = re.sub(r"^%.*\n", "", text, flags=re.MULTILINE).strip()
    text = re.sub(r"\\operatorname\{(\w+)\}", r"\\mathop{\\mathrm{\1}}", text)  # GitHub refuses it
    return text.replace("{align*}", "{aligned}")


def page() -> str:
    """Return the whole page."""
    parts = [HEAD]
    for name in SHOWN:
        cells = "\n\n</td><td>\n\n".join(
            f"```python\n{text}\n```" for text in (forward(name), backward(name))
        )
        title = name.replace("_", " ").capitalize().replace("Lstm", "LSTM")
        parts.append(
            f"## {title}\n\n<table><tr><td>\n\n{cells}\n\n</td></tr></table>\n\n"
            f"```math\n{equations(name)}\n```\n"
        )
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
