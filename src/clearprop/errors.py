"""What can go wrong, as one tree.

::

    ClearpropError
    ├── ShapeError (ValueError)        operands whose shapes do not fit, a seed of the wrong shape
    ├── OutOfBoundsError (IndexError)  an index out of range for its axis
    ├── DtypeError (TypeError)         a gradient asked for something that is not a floating number
    ├── GradientError (RuntimeError)   no gradient can be computed from this graph
    ├── LostGradientError (TypeError)  a Tensor was about to become a plain array in silence
    ├── UnsupportedError (TypeError)   a NumPy function, or a way of calling it, without a gradient here
    ├── TraceError (RuntimeError)      Python needed a value that tracing does not know
    ├── StepLimitError (RuntimeError)  a loop that goes on past the limit it was given
    ├── GraphError (ValueError)        a graph that breaks its own grammar
    ├── CompileError (RuntimeError)    stages that break their own grammar, or code that LLVM refuses
    └── GradientMismatch (AssertionError)  two gradients that should be equal are not

Each message says what happened, in which operation, on which line of the user's code, and what to
write instead. The second base class is what NumPy or PyTorch users already catch.
"""

from __future__ import annotations

from typing import Any

from .callsite import here

__all__ = [
    "ClearpropError",
    "CompileError",
    "DtypeError",
    "GradientError",
    "GradientMismatch",
    "GraphError",
    "LostGradientError",
    "OutOfBoundsError",
    "ShapeError",
    "StepLimitError",
    "TraceError",
    "UnsupportedError",
]


def __dir__() -> list[str]:
    return list(__all__)


class ClearpropError(Exception):
    """Base of every error that Clearprop raises on purpose; its message ends with the user's line.

    Catch it to catch them all. The message says what happened, in which operation, and what to write instead.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message + here())

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle it as it is: the line is in the message, and what unpickles it is not where it happened."""
        return _again, (type(self), self.args), self.__dict__


def _again(kind: type[ClearpropError], args: tuple[Any, ...]) -> ClearpropError:
    return kind.__new__(kind, *args)


class ShapeError(ClearpropError, ValueError):
    """Shapes that do not fit together.

    Raised by operations on operands that do not broadcast or match, and for an upstream gradient of another
    shape than the output. The message names the shapes: reshape or transpose one of the operands.
    """


class OutOfBoundsError(ClearpropError, IndexError):
    """An index, or a label, out of range in compiled code.

    Raised by compiled functions, when an index reaches beyond its axis. Correct the numbers, or clip them
    before they are used as an index.
    """


class DtypeError(ClearpropError, TypeError):
    """A dtype that has no gradient, or that an operation cannot take.

    Raised where a gradient is asked for integers, booleans or strings, and by operations for dtypes that
    they cannot take. Convert with ``astype`` first, or leave the argument out with `argnums`.
    """


class GradientError(ClearpropError, RuntimeError):
    """A gradient that cannot be computed: nothing requires one, or the graph is already freed.

    Raised by `backward` and the transforms, and for a block's gradient that returns too few or too many.
    Make the inputs with `clearprop.tensor`; call ``backward`` once, or keep the graph with
    ``retain_graph=True``; return one gradient for each input.
    """


class LostGradientError(ClearpropError, TypeError):
    """A Tensor reached code that would have dropped its gradient without a word.

    Raised where a Tensor that requires a gradient would become a plain array or number. Use NumPy's functions
    or `clearprop.numpy` there, or drop the gradient on purpose with ``detach()`` or `stop_gradient`.
    """


class UnsupportedError(ClearpropError, TypeError):
    """A function, or an argument of one, that Clearprop has no gradient for.

    Raised when it is called on Tensors, or when no code can be written for it. Compose it of functions that
    have a gradient, or give it one of its own with `clearprop.block`.
    """


class TraceError(ClearpropError, RuntimeError):
    """Python asked for a value while only shapes and dtypes were known.

    Raised in `trace`, `compile` and `source`, where ``if``, ``float()`` and the like would need numbers.
    Choose with ``np.where``, or pass what decides as an argument that is fixed, such as a bool or an int.
    Raised, too, for a trace that is called with other fixed values than its own: trace again for these.
    """


class StepLimitError(ClearpropError, RuntimeError):
    """A loop that was to go on after as many steps as it may take.

    Raised by `clearprop.while_loop` with a `limit`. Give it a higher one, or see why its condition stays
    true: a difference below the precision of a dtype, for example, never comes.
    """


class GraphError(ClearpropError, ValueError):
    """A graph that is not well formed.

    Raised where a graph is called with other shapes or dtypes than it was traced for: trace it again for
    these. Raised by `Graph.verify`, too, for graphs that were changed by hand.
    """


class CompileError(ClearpropError, RuntimeError):
    """A compiled form that is not well formed: a fault of the compiler's, not of the user's.

    Raised by the compiler's own checks: please report it, with the function, which runs without `compile` as
    well. Raised, too, where code in C is to be run without a C compiler: install gcc or clang, or set CC.
    """


class GradientMismatch(ClearpropError, AssertionError):
    """A gradient that differs from the one it was compared with.

    Raised by `clearprop.testing`, by `Block.check_gradient`, and where `source` tries the code
    that it wrote. The message says where they differ: correct the rule, or choose arguments where the
    function is smooth and nothing overflows or cancels.
    """
