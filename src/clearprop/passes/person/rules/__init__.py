"""Rules for a backward pass: what a person would write instead of what the gates' rules give."""

from . import sums, products, choices, parts  # noqa: I001  # in the order in which they are tried
from .table import EARLY, LATE, TIES, rule

__all__ = ["EARLY", "LATE", "TIES", "choices", "parts", "products", "rule", "sums"]
