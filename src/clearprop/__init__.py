"""Backpropagation you can see through.

>>> import clearprop, numpy as np
>>> x, w = clearprop.tensor([1.0, 2.0]), clearprop.tensor([3.0, -1.0])
>>> loss = np.tanh(x @ w) ** 2
>>> loss.backward()
>>> w.grad
array([0.63970001, 1.27940002])
>>> clearprop.grad(lambda x: x**3)(2.0)
np.float64(12.0)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import ops
from .engine import backprop
from .engine.forks import load as _load
from .engine.settings import no_grad
from .engine.spec import ArraySpec
from .engine.tensor import Tensor, tensor
from .errors import (
    ClearpropError,
    DtypeError,
    GradientError,
    GradientMismatch,
    GraphError,
    LostGradientError,
    OutOfBoundsError,
    ShapeError,
    StepLimitError,
    TraceError,
    UnsupportedError,
)
from .graph.blocks import Block, block
from .graph.graph import Graph
from .graph.tracing import trace
from .ops.choices import relu
from .ops.softmax import cross_entropy, log_softmax, logsumexp, softmax
from .ops.transcendental import sigmoid
from .transforms.derivatives import grad, value_and_grad, vjp
from .transforms.jacobians import hessian, hvp, jacobian, jvp
from .transforms.trees import stop_gradient

if TYPE_CHECKING:
    from . import random as random
    from .compiler import compile
    from .control.checkpoint import checkpoint
    from .control.conditional import cond, switch
    from .control.scan import fori_loop, scan
    from .control.while_loop import while_loop
    from .emit.source import Source, source
    from .ledger import Explanation
    from .ledger.explain import explain
    from .native.pool import set_num_threads

__version__ = "0.1.0"

__all__ = [
    "ArraySpec",
    "Block",
    "ClearpropError",
    "DtypeError",
    "Explanation",
    "GradientError",
    "GradientMismatch",
    "Graph",
    "GraphError",
    "LostGradientError",
    "OutOfBoundsError",
    "ShapeError",
    "Source",
    "StepLimitError",
    "Tensor",
    "TraceError",
    "UnsupportedError",
    "block",
    "checkpoint",
    "compile",
    "cond",
    "cross_entropy",
    "explain",
    "fori_loop",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "log_softmax",
    "logsumexp",
    "no_grad",
    "relu",
    "scan",
    "set_num_threads",
    "sigmoid",
    "softmax",
    "source",
    "stop_gradient",
    "switch",
    "tensor",
    "trace",
    "value_and_grad",
    "vjp",
    "while_loop",
]

del backprop, ops
_READERS = {
    "compile": "compiler",
    "cond": "control.conditional",
    "switch": "control.conditional",
    "while_loop": "control.while_loop",
    "set_num_threads": "native.pool",
    "explain": "ledger",
    "checkpoint": "control.checkpoint",
    "fori_loop": "control.scan",
    "random": "random",
    "scan": "control.scan",
    "source": "emit.source",
    "Source": "emit.source",
    "Explanation": "ledger",
}
"""Public names that are imported when first used, so that computing starts fast, and their modules."""


def __getattr__(name: str) -> Any:
    if name in _READERS:
        module = _load(f".{_READERS[name]}", __name__)
        value = module if _READERS[name] == name else getattr(module, name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'clearprop' has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(__all__)
