"""NumPy's forms, where the function of the same name is not all that there is to say."""

from __future__ import annotations

from ...engine.spec import is_floating
from ...engine.wings import open_rooms
from ...graph.graph import Node
from ..array_expressions import ATOM
from ..languages import Entry, Language, Written
from .entries import LIKE_NUMPY


def _where(language: Language, node: Node, operands: list[Written]) -> Written:
    """Write a choice. Between whole numbers NumPy's gives whole numbers, so one of them gets a point."""
    condition, *choices = (text for text, _ in operands)
    if is_floating(node.out.spec.dtype) and all(text.lstrip("-").isdigit() for text in choices):
        choices[0] += ".0"
    return f"np.where({', '.join([condition, *choices])})", ATOM


CALLS = {
    "absolute": "np.abs",
    "direction": "np.sign",
    "inv_or_nan": "np.linalg.inv",
}
ENTRIES: dict[str, Entry | str] = {
    **LIKE_NUMPY,
    "where": _where,
    "sliding_windows": "np.lib.stride_tricks.sliding_window_view({0}, {window}, {axis})",
    "round": "np.round({0}, {decimals})",
    "bessel_i": "scipy.special.iv({order}, {0})",
    "spherical_bessel": "scipy.special.spherical_jn({order}, {0})",
    "lstsq": "np.linalg.lstsq({0}, {1}, {rcond})",
}


def _put_along(node: Node) -> tuple[str, ...]:
    """Write a scatter as `put_along_axis` where places come once, as in an order of all entries."""
    if not node.params["once"]:
        return ()
    return ("{name} = np.zeros({shape}{dtype})", "np.put_along_axis({name}, {1}, {0}, {axis})")


LINES = {"put_along": _put_along}

open_rooms(__name__)
