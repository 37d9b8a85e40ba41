"""What can go wrong, as one tree.

::

    ClearpropError
    ├── ShapeError (ValueError)        operands whose shapes do not fit, a seed of the wrong shape
    ├── OutOfBoundsError (IndexError)  an index that the axis of an array has not
    ├── DtypeError (TypeError)         a gradient asked for something that is not a floating number
    ├── GradientError (RuntimeError)   no gradient can be computed from this graph
    ├── LostGradientError (TypeError)  a Tensor was about to become a plain array in silence
    ├── UnsupportedError (TypeError)   a NumPy function, or a way of calling it, without a gradient here
    ├── TraceError (RuntimeError)      Python needed a value that tracing does not know
    ├── GraphError (ValueError)        a graph that breaks its own grammar
    ├── CompileError (RuntimeError)    stages that break their own grammar, or code that LLVM refuses
    └── GradientMismatch (AssertionError)  two gradients that should be equal are not

Each message says what happened, in which operation, on which line of the user's code, and what to
write instead. The second base class is what NumPy or PyTorch users already catch.
"""

from __future__ import annotations

from typing import Any

from .callsite import here


class ClearpropError(Exception):
    """Base of every error that Clearprop raises on purpose; its message ends with the user's line."""

    def __init__(self, message: str) -> None:
        super().__init__(message + here())

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle it as it is: the line is in the message, and what unpickles it is not where it happened."""
        return _again, (type(self), self.args), self.__dict__


def _again(kind: type[ClearpropError], args: tuple[Any, ...]) -> ClearpropError:
    return kind.__new__(kind, *args)


class ShapeError(ClearpropError, ValueError):
    """Shapes that do not fit together."""


class OutOfBoundsError(ClearpropError, IndexError):
    """An index, or a label, out of range in compiled code."""


class DtypeError(ClearpropError, TypeError):
    """A dtype that has no gradient, or that an operation cannot take."""


class GradientError(ClearpropError, RuntimeError):
    """A gradient that cannot be computed: nothing requires one, or the graph is already freed."""


class LostGradientError(ClearpropError, TypeError):
    """A Tensor reached code that would have dropped its gradient without a word."""


class UnsupportedError(ClearpropError, TypeError):
    """A function, or an argument of one, that Clearprop has no gradient for."""


class TraceError(ClearpropError, RuntimeError):
    """Python asked for a value while only shapes and dtypes were known."""


class GraphError(ClearpropError, ValueError):
    """A graph that is not well formed."""


class CompileError(ClearpropError, RuntimeError):
    """A compiled form that is not well formed: a fault of the compiler's, not of the user's."""


class GradientMismatch(ClearpropError, AssertionError):
    """A gradient that differs from the one it was compared with."""
