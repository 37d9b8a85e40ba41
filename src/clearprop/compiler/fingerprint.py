"""What a graph is, as bytes: where they are the same, so is the code that is made of it."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import sys
from functools import cache
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

import numpy as np

from ..engine.array_types import AnyArray
from ..engine.broadcasting import unstretched
from ..engine.spec import ArraySpec
from ..graph.graph import Graph, Wire

_LARGE = 64 * 1024
"""Bytes of an array from which it is no part of what is kept."""


def fingerprint(graph: Graph, *more: Any) -> bytes | None:
    """Return a digest of a graph, of `more`, and of what else decides about its code.

    None where it cannot be told: of a graph with functions as parameters, or with large arrays in it, or
    where nothing tells this version of Clearprop from the next.
    """
    file = io.BytesIO()
    pickler = _Pickler(file, protocol=5)
    pickler.fast = True  # equal parts give equal bytes, whether or not they are one object
    try:
        pickler.dump((_described(graph), more))
    except (_Unknown, pickle.PicklingError, TypeError, AttributeError):
        return None
    known = versions()
    return known and hashlib.sha256(known + file.getvalue()).digest()


class _Unknown(Exception):
    """A part of the graph that has no description which is the same in every process."""


class _Pickler(pickle.Pickler):
    def reducer_override(self, thing: Any) -> Any:
        if isinstance(thing, FunctionType | BuiltinFunctionType | MethodType | np.ufunc):
            raise _Unknown
        return NotImplemented


def _described(graph: Graph) -> Any:
    """Return a graph as tuples, without names."""
    numbers: dict[Wire, int] = {w: i for i, w in enumerate(graph.inputs)}

    def refer(wire: Wire) -> Any:
        if wire.is_constant:
            return _constant(wire.constant)
        return numbers[wire]

    nodes = []
    for node in graph.nodes:
        inputs = tuple(map(refer, node.inputs))
        for wire in node.outputs:
            numbers[wire] = len(numbers)
        if not node.primitive.is_registered:
            raise _Unknown  # a block's, which is Python code
        body = None if node.body is None else _described(node.body)
        outputs = tuple(_spec(w.spec) for w in node.outputs)
        nodes.append((node.primitive.name, inputs, dict(node.params), outputs, body))
    specs = tuple(_spec(w.spec) for w in graph.inputs)
    return specs, nodes, tuple(map(refer, graph.outputs))


def _constant(value: AnyArray) -> Any:
    if not isinstance(value, np.ndarray | np.generic):
        return type(value).__name__, value
    part = unstretched(value) if isinstance(value, np.ndarray) else value
    if part.nbytes > _LARGE or value.dtype.hasobject:
        raise _Unknown
    return value.dtype.str, value.shape, part.shape, part.tobytes()


def _spec(spec: ArraySpec) -> Any:
    return spec.dtype.str, spec.shape


@cache
def versions() -> bytes | None:
    """Return the versions of Python, NumPy, and Clearprop down to its files: whoever changes them
    wants their code.
    """
    facts = [sys.version, np.__version__]
    try:
        for path in _files():
            stat = os.stat(path)
            facts.append(f"{path} {stat.st_size} {stat.st_mtime_ns}")
    except OSError:
        return None
    return hashlib.sha256("\n".join(facts).encode()).digest() if len(facts) > 2 else None


def _files() -> list[Path]:
    """Return the files that Clearprop is imported from: its source, its byte code where that is all,
    or an archive.
    """
    folder = Path(__file__).parent.parent
    archive = getattr(__spec__.loader, "archive", None)  # of a zip file
    if archive is not None:
        return [Path(archive)]
    return sorted(folder.rglob("*.py")) or sorted(folder.rglob("*.pyc"))
