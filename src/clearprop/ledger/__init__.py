"""Graph + values -> words: what flowed where, and why."""

from .explain import explain
from .explanation import Explanation

__all__ = ["Explanation", "explain"]
