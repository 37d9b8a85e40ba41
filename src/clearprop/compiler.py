"""`compile`: a function of arrays as native code."""

from __future__ import annotations

import ctypes
import inspect
import time
import warnings
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np

from .errors import ClearpropError
from .graph import Graph, evaluate_node
from .native import cache, calls, pool
from .native.ir import module
from .native.kernel import SHARE, Kernel
from .native.target import Code, assembly, vector_bits
from .passes import expand, simplify
from .stages import fuse
from .stages.language import Buffer, Host, Nest, Program, verify
from .stages.memory import donors
from .stages.views import View
from .tensor import Tensor
from .tracing import function_name, is_input, named_inputs, trace
from .trees import flatten

_MOST = 64
"""How many combinations of shapes, dtypes and fixed values a function keeps compiled."""
_LEVEL = 1
"""Of LLVM's code generation; higher ones take longer and gained nothing."""
_LONG = 5_000
"""Vector operations in a call from which other threads may run meanwhile."""


def compile(f: Callable[..., Any] | None = None, *, donate: str | Sequence[str] = ()) -> Any:
    """Compile a function of arrays to native code, upon its first call.

    Parameters
    ----------
    f : any function that `trace` takes: of arrays and containers of arrays, with Python's control flow
        on shapes and on arguments that are no arrays
    donate : names of arguments whose arrays may be overwritten with results of their shapes

    Returns
    -------
    A function with the same arguments and results. For each new combination of shapes, dtypes and other
    argument values it compiles anew. ``.report()`` says what became of it, ``.source("llvm")`` shows
    the code. Without `f`, a decorator.

    Raises
    ------
    TraceError : Python needed a value while tracing.

    >>> import clearprop, numpy as np
    >>> step = clearprop.compile(clearprop.grad(lambda x: np.sum(np.tanh(x) ** 2)))
    >>> step(np.array([0.0, 1.0]))
    array([0.        , 0.63970001])
    """
    names = (donate,) if isinstance(donate, str) else tuple(donate)
    if f is None:
        return lambda function: Compiled(function, names)
    return Compiled(f, names)


class Compiled:
    """A compiled function; see `compile`."""

    def __init__(self, f: Callable[..., Any], donate: tuple[str, ...]) -> None:
        self.function = f
        self.donate = donate
        self.__name__ = function_name(f)
        self.__doc__ = f.__doc__
        self.__wrapped__ = f
        self._known: OrderedDict[Any, Executable] = OrderedDict()
        self._latest: Executable | None = None
        self._call: Callable[..., Any] = self._slow

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._call(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<compiled {self.__name__}>"

    def _slow(self, *args: Any, **kwargs: Any) -> Any:
        """Arguments of any kind: find what was compiled for them, or compile it."""
        leaves, _ = flatten((args, kwargs))
        if any(isinstance(leaf, Tensor) for leaf in leaves):
            return self.function(*args, **kwargs)  # someone wants gradients through it
        executable = self.executable(*args, **kwargs)
        return executable.run(args, kwargs)

    def executable(self, *args: Any, **kwargs: Any) -> Executable:
        """What is compiled for arguments like these."""
        args, kwargs = _alike(args, kwargs)
        key = _key(args, kwargs)
        if key not in self._known:
            if len(self._known) >= _MOST:
                self._known.popitem(last=False)
                warnings.warn(
                    f"{self.__name__} was compiled for more than {_MOST} combinations of shapes, dtypes and "
                    f"fixed values, so old ones are dropped. Pass numbers that change as arrays.",
                    stacklevel=4,
                )
            self._known[key] = Executable(self.function, args, kwargs, self.donate)
        self._known.move_to_end(key)
        self._latest = executable = self._known[key]
        if not kwargs:
            self._call = executable.native(self._slow) or self._slow
        return executable

    def report(self) -> str:
        """What became of the latest combination of arguments, in words."""
        return self._one().report()

    def source(self, kind: str = "stages") -> str:
        """The code of the latest combination: ``"graph"``, ``"stages"``, ``"llvm"`` or ``"asm"``."""
        return self._one().source(kind)

    def _one(self) -> Executable:
        if self._latest is None:
            raise ClearpropError(f"{self.__name__} has not been called yet, so nothing is compiled")
        return self._latest


def _alike(args: Any, kwargs: Any) -> tuple[Any, Any]:
    """Python floats take the precision of the arrays beside them, as they do in NumPy."""
    leaves, unflatten = flatten((args, kwargs))
    floating = [x.dtype for x in leaves if isinstance(x, np.ndarray) and x.dtype.kind == "f"]
    dtype = np.result_type(*floating) if floating else np.dtype(float)
    return unflatten([dtype.type(x) if type(x) is float else x for x in leaves])


def _key(args: Any, kwargs: Any) -> Any:
    leaves, unflatten = flatten((args, kwargs))
    kinds = tuple(
        (x.dtype, x.shape) if hasattr(x, "dtype") else (type(x), _hashable(x)) for x in leaves
    )
    return kinds, repr(unflatten([0] * len(leaves)))


def _hashable(x: Any) -> Any:
    try:
        hash(x)
    except TypeError:
        return id(x)
    return x


class Executable:
    """One function at one combination of shapes, dtypes and fixed values."""

    def __init__(
        self, f: Callable[..., Any], args: Any, kwargs: Any, donate: tuple[str, ...]
    ) -> None:
        start = time.perf_counter()
        self.function = f
        self.graph: Graph = simplify(expand(trace(f, *args, **kwargs)))
        self.program: Program = fuse(self.graph)
        verify(self.program)
        self.args, self.kwargs = args, kwargs
        donated = self._donated(donate)
        self.donors = donors(self.program, donated) if not self._has_host else {}
        traced = time.perf_counter()
        self.steps = self._steps()
        written = time.perf_counter()
        self.code = self._assemble()
        self.seconds = (traced - start, written - traced, time.perf_counter() - written)

    @property
    def _has_host(self) -> bool:
        return any(isinstance(stage, Host) for stage in self.program.stages)

    def _donated(self, donate: tuple[str, ...]) -> list[Buffer]:
        """The inputs that stem from arguments of these names."""
        if not donate:
            return []
        bound = inspect.signature(self.function).bind(*self.args, **self.kwargs).arguments
        unknown = [name for name in donate if name not in bound]
        if unknown:
            raise TypeError(
                f"donate={unknown[0]!r}: {function_name(self.function)} has no such argument"
            )
        wanted = {id(x) for name in donate for x in flatten(bound[name])[0]}
        inputs = named_inputs(self.function, self.args, self.kwargs)
        return [b for b, (_, x) in zip(self.program.inputs, inputs, strict=True) if id(x) in wanted]

    # ---- code

    def _steps(self) -> list[Kernel | Host]:
        """Runs of nests as kernels, and what NumPy computes between them."""
        runs: list[list[Nest] | Host] = []
        for stage in self.program.stages:
            if isinstance(stage, Host):
                runs.append(stage)
            elif runs and isinstance(runs[-1], list):
                runs[-1].append(stage)
            else:
                runs.append([stage])
        if not self._has_host:
            nests = [stage for stage in self.program.stages if isinstance(stage, Nest)]
            return [Kernel("kernel", nests, [*self.program.inputs, *self.program.outputs])]
        used = [_used(run) for run in runs]
        ends = {*self.program.inputs, *self.program.outputs}
        steps: list[Kernel | Host] = []
        for i, run in enumerate(runs):
            if isinstance(run, Host):
                steps.append(run)
                continue
            others = ends.union(*used[:i], *used[i + 1 :])
            shared = [b for b in used[i] if b in others and b.role != "constant"]
            steps.append(Kernel(f"kernel{i}", run, shared))
        return steps

    def _assemble(self) -> Code | None:
        kernels = self.kernels
        if not kernels:
            return None
        self.entry: calls.Entry | None = None
        if not self._has_host:
            with suppress(_OtherContainer):
                self.entry = calls.write_entry(self._signature(kernels[0]))
        is_shared = any(k.is_shared for k in kernels)
        texts = [k.text for k in kernels] + ([self.entry.text] if self.entry else [])
        texts += [SHARE] if is_shared else []
        self.llvm = module(texts, [b for k in kernels for b in k.builders], width=vector_bits())
        symbols = self.entry.symbols if self.entry else tuple(k.name for k in kernels)
        code = Code(cache.object_code(self.llvm, _LEVEL), (*symbols, *["pool"] * is_shared))
        if is_shared:
            place = ctypes.c_void_p.from_address(code.addresses["pool"])
            place.value = pool.address() or None
        return code

    @property
    def kernels(self) -> list[Kernel]:
        return [step for step in self.steps if isinstance(step, Kernel)]

    def _signature(self, kernel: Kernel) -> calls.Signature:
        taken = {id(b) for b in self.donors.values()}
        arguments = [
            calls.Argument(b.dtype, w.spec.shape, id(b) in taken)
            for b, w in zip(self.program.inputs, self.graph.inputs, strict=True)
        ]
        results = []
        for b, w in zip(self.program.outputs, self.graph.outputs, strict=True):
            donor = self.donors.get(b)
            place = None if donor is None else self.program.inputs.index(donor)
            results.append(calls.Result(b.dtype, w.spec.shape, place))
        inputs, output = self._trees()
        return calls.Signature(
            tuple(arguments),
            tuple(results),
            kernel.arena.bytes,
            kernel.work > _LONG,
            inputs,
            output,
        )

    def _trees(self) -> tuple[Any, Any]:
        """Where arrays stand in the arguments and in the result."""
        leaves, unflatten = flatten(tuple(self.args))
        numbers = count()
        marked = [_Leaf(next(numbers)) if is_input(x) else x for x in leaves]
        inputs = tuple(map(_tree, unflatten(marked)))
        assert self.graph.unpack is not None
        output = self.graph.unpack([_Leaf(i) for i in range(len(self.graph.outputs))])
        return inputs, _tree(output)

    # ---- calls

    def native(self, fallback: Callable[..., Any]) -> Callable[..., Any] | None:
        """A callable for positional arguments like those compiled for; None where it takes more.

        What is not as compiled for, it leaves to `fallback`.
        """
        if self.code is None or self.entry is None or self.kwargs:
            return None
        return calls.native_callable(self.code, self.entry, fallback, self.graph.name)

    def run(self, args: Any, kwargs: Any) -> Any:
        """The function's results for arguments like those compiled for."""
        flat = [np.asarray(x) for _, x in named_inputs(self.function, *_alike(args, kwargs))]
        results = self._run(flat)
        assert self.graph.unpack is not None
        return self.graph.unpack(results)

    def _run(self, flat: Sequence[Any]) -> list[Any]:
        memory: dict[Buffer, Any] = {}
        for b, x in zip(self.program.inputs, flat, strict=True):
            memory[b] = np.ascontiguousarray(x)
        for b, donor in self.donors.items():
            given = flat[self.program.inputs.index(donor)]
            if memory[donor] is given and given.flags.writeable:
                memory[b] = memory[donor]
        for step in self.steps:
            if isinstance(step, Host):
                memory.update(_by_numpy(step, memory))
            else:
                self._launch(step, memory)
        results = []
        for b, w in zip(self.program.outputs, self.graph.outputs, strict=True):
            results.append(memory[b].reshape(w.spec.shape)[()])
        return results

    def _launch(self, kernel: Kernel, memory: dict[Buffer, Any]) -> None:
        assert self.code is not None
        pointers = []
        for b in kernel.arguments:
            if b not in memory:
                memory[b] = b.value if b.role == "constant" else np.empty(b.size, b.dtype)
            pointers.append(memory[b].ctypes.data)
        arena = np.empty(kernel.arena.bytes + 64, np.uint8)
        pointers.append(arena.ctypes.data + -arena.ctypes.data % 64)
        function = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * len(pointers))
        function(self.code.addresses[kernel.name])(*pointers)

    # ---- what became of it

    def report(self) -> str:
        nests = [s for s in self.program.stages if isinstance(s, Nest)]
        hosts = [s for s in self.program.stages if isinstance(s, Host)]
        lines = [
            f"{self.graph.name}: {len(self.graph.nodes)} operations in {len(nests)} nests, "
            f"{len(hosts)} left to NumPy",
            f"  compiled in {sum(self.seconds) * 1e3:.1f} ms: trace and stages {self.seconds[0] * 1e3:.1f}, "
            f"code {self.seconds[1] * 1e3:.1f}, LLVM {self.seconds[2] * 1e3:.1f}",
            f"  temporary memory {sum(k.arena.bytes for k in self.kernels)} bytes",
        ]
        for host in hosts:
            made = ", ".join(map(str, host.writes()))
            lines.append(f"  NumPy: {made} = {host.node.primitive.name}: {host.why}")
        return "\n".join(lines)

    def source(self, kind: str) -> str:
        if kind == "graph":
            return str(self.graph)
        if kind == "stages":
            return str(self.program)
        if kind == "llvm":
            return self.llvm
        if kind == "asm":
            return assembly(self.llvm, _LEVEL)
        raise ValueError(f"source({kind!r}): there are 'graph', 'stages', 'llvm' and 'asm'")


@dataclass(frozen=True)
class _Leaf:
    """Stands in a container where array number `number` belongs."""

    number: int


def _tree(x: Any) -> calls.Tree:
    """A container of leaves as `calls` describes it; other things are what they are."""
    if isinstance(x, _Leaf):
        return ("leaf", x.number)
    if type(x) is dict:
        return ("dict", tuple(x), tuple(map(_tree, x.values())))
    if type(x) in (tuple, list):
        return (type(x).__name__, tuple(map(_tree, x)))
    if x is not None and flatten(x)[0] != [x]:
        raise _OtherContainer
    return ("constant", x)


class _OtherContainer(Exception):
    """A container that generated guards do not know, such as a dataclass."""


def _used(run: list[Nest] | Host) -> set[Buffer]:
    if isinstance(run, Host):
        return {*run.reads(), *run.writes()}
    return {a.buffer for nest in run for a in (*nest.reads(), *nest.writes())}


def _by_numpy(host: Host, memory: dict[Buffer, Any]) -> dict[Buffer, Any]:
    """The results of a node that NumPy computes, as their buffers want them."""
    values: list[Any] = []
    for x in host.inputs:
        if isinstance(x, tuple) and isinstance(x[0], Buffer):
            buffer, view = x
            assert isinstance(view, View)
            if buffer not in memory:
                memory[buffer] = buffer.value
            array = memory[buffer].reshape(-1)[view.offset :]
            size = buffer.dtype.itemsize
            strides = tuple(s * size for s in view.strides)
            values.append(np.lib.stride_tricks.as_strided(array, view.shape, strides)[()])
        else:
            values.append(x)
    results = zip(host.outputs, evaluate_node(host.node, values), strict=True)
    return {buffer: np.ascontiguousarray(out) for buffer, out in results if buffer is not None}
