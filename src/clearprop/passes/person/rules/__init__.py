"""Rules for a backward pass: what a person would write instead of what the gates' rules give."""

from . import sums, factors, masks, gather_scatter, numbers  # noqa: I001  # in the order in which they are tried

__all__ = ["factors", "gather_scatter", "masks", "numbers", "sums"]
