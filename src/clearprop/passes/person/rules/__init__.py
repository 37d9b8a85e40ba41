"""Rules for a backward pass: what a person would write instead of what the gates' rules give."""

from . import sums, factors, masks, gather_scatter  # noqa: I001  # in the order in which they are tried
from .order import EARLY, LATE, TIES, rule

__all__ = ["EARLY", "LATE", "TIES", "factors", "gather_scatter", "masks", "rule", "sums"]
