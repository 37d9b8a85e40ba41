"""Functions of functions: `grad` and its kin, under JAX's names.

They all do the same: put a fresh variable in the place of each differentiated number, run the user's
function, and sweep back from its result to the variables. The variable is a copy of what came in, so
a transform within a transform differentiates its own copy and never confuses the two.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal, ParamSpec, TypeVar, overload

import numpy as np

from ..engine.array_types import AnyArray, Tree
from ..engine.arrays import PLAIN, argument, check_numbers, is_array, result, unchanging
from ..engine.backprop import WHY_REAL, Reach, check_seed, conjugate, ones_like, own, reach, sweep
from ..engine.in_place import next_number, refresh, version_at
from ..engine.primitive import NO_PARAMS, primitives
from ..engine.recorder import recorder_here
from ..engine.refusals import called, check_floating, check_request, kind_of
from ..engine.settings import began, happened, no_grads, transforms, uncovered
from ..engine.spec import is_floating, shape_of
from ..engine.tensor import Tensor
from ..engine.view_or_copy import laid_out_like
from ..errors import ClearpropError, DtypeError, GradientError, ShapeError
from .trees import flatten, paths
from .wrapper import Pullback, Transformed

Argnums = int | Sequence[int]
P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S")


class Run:
    """One run of a function on variables, ready to be swept back."""

    def __init__(
        self,
        f: Callable[..., Tree],
        args: Sequence[Tree],
        kwargs: dict[str, Any],
        argnums: Argnums,
        has_aux: bool,
    ) -> None:
        numbers = _argument_numbers(argnums, len(args), f)
        chosen = args[numbers[0]] if isinstance(argnums, int) else tuple(args[i] for i in numbers)
        leaves, self.unflatten_inputs = flatten(chosen)
        self.since = next_number()
        self.variables = [_variable(leaf, i, chosen, f) for i, leaf in enumerate(leaves)]
        started = next_number()
        filled = self.unflatten_inputs(self.variables)
        full = list(args)
        for i, value in zip(
            numbers, (filled,) if isinstance(argnums, int) else filled, strict=True
        ):
            full[i] = value
        returned = _call(f, full, kwargs)
        self.aux: Any = None
        if has_aux:
            if not (isinstance(returned, tuple) and len(returned) == 2):
                raise ClearpropError(
                    f"has_aux=True: {called(f)} must return a pair (output, aux), not {kind_of(returned)}"
                )
            returned, self.aux = returned
        outputs, self.unflatten_outputs = flatten(returned)
        if happened.views_may_lag:
            refresh(outputs)
        self.outputs = [_output(y, f) for y in outputs]
        # f may have assigned into them
        self.wanted = [version_at(v, started) for v in self.variables]
        tracked = [y for y in self.outputs if isinstance(y, Tensor)]
        self.span: Reach = reach(tracked, self.wanted, self.since)

    def gradients(self, seeds: Sequence[AnyArray], *, free: bool = False) -> list[AnyArray]:
        """Return the gradient of each variable, given that of each output."""
        seeds = [
            conjugate(s) if isinstance(y, Tensor) else s
            for y, s in zip(self.outputs, seeds, strict=True)
        ]
        found = self.sweep(seeds, free=free)
        return [_as_seen(g, v) for g, v in zip(found, self.wanted, strict=True)]

    def sweep(self, seeds: Sequence[AnyArray], *, free: bool = False) -> list[AnyArray]:
        """Sum up, for each variable, the derivatives of all outputs, weighted with `seeds`."""
        pairs = [
            (y, seed)
            for y, seed in zip(self.outputs, seeds, strict=True)
            if isinstance(y, Tensor) and y.requires_grad
        ]
        found = sweep(self.span, [y for y, _ in pairs], [s for _, s in pairs], free=free)
        zero = [v for v in self.wanted if v not in found]
        found.update((v, np.zeros(v.shape, v.dtype)[()]) for v in zero)
        return [found[v] for v in self.wanted]

    def hand_out(self, gradients: Sequence[AnyArray]) -> Tree:
        """Return gradients in the containers that the arguments came in, in memory of their own."""
        if not self.span.watched:
            given: set[int] = set()
            gradients = [own(g, given) for g in gradients]
        return self.unflatten_inputs(list(gradients))

    def plain(self, tree: Tree) -> Tree:
        """Return outputs as the caller may have them: Tensors where an enclosing transform watches."""
        if self.span.watched:
            return tree
        leaves, unflatten = flatten(tree)
        return unflatten([x.value if isinstance(x, Tensor) else x for x in leaves])


def _as_seen(g: AnyArray, variable: Tensor) -> AnyArray:
    """Return a gradient as users have it; a recorder is told that the conjugate is the gradient now."""
    turned = conjugate(g)
    if turned is not g and isinstance(turned, Tensor) and turned.origin is not None:
        turned.origin.is_backward, turned.origin.gradient_of = True, variable
        turned.origin.line = None
        if isinstance(g, Tensor) and g.origin is not None and g.origin.gradient_of is variable:
            turned.origin.line, g.origin.gradient_of = g.origin.line, None
    return turned


def _call(f: Callable[..., Tree], args: Sequence[Tree], kwargs: dict[str, Any]) -> Tree:
    deeper, later = transforms.set(transforms.get() + 1), began.set(next_number())
    off = no_grads.get()
    if off:  # asked for a gradient within no_grad: the innermost request wins
        no_grads.set(())
    try:
        with uncovered():
            return f(*args, **kwargs)
    finally:
        transforms.reset(deeper)
        began.reset(later)
        if off:
            no_grads.set(off)


def _variable(leaf: AnyArray, position: int, tree: Tree, f: Callable[..., Any]) -> Tensor:
    """Return a copy node: a Tensor with the value of `leaf` that requires a gradient.

    Whoever holds an array may write into it before the sweep is done with it, so its numbers are copied.
    """
    origin = None
    if type(leaf) is Tensor:
        value, origin = leaf.value, leaf.origin
    else:
        value = leaf if type(leaf) in PLAIN else argument(leaf, f"{called(f)} got")
        if not is_array(value):
            value = _as_number(value, position, tree, f)
        recorder = recorder_here()
        copied = unchanging(value) if recorder is None else recorder.as_now((value,))[0]
        leaf = value = laid_out_like(value, copied)
    if value.dtype.kind not in "fc":
        check_floating(value, f"{_place(tree, position)} of {called(f)}")
    return Tensor(value, primitives.copy, (leaf,), NO_PARAMS, True, origin)


def _output(y: AnyArray, f: Callable[..., Any]) -> AnyArray:
    """Return one of the results of `f`, as a sweep can start from it."""
    if type(y) is not Tensor:
        y = result(y, f"{called(f)} returned")
        check_numbers(y, f"{called(f)} returned")
    return y


def _as_number(leaf: Any, position: int, tree: Tree, f: Callable[..., Any]) -> AnyArray:
    which = f"{_place(tree, position)} of {called(f)} is"
    if not isinstance(leaf, float | int | complex):
        raise DtypeError(
            f"{which} {kind_of(leaf)}, which has no gradient. Keep it out of the differentiated arguments "
            f"(argnums=...)."
        )
    found = np.asarray(leaf)[()]
    if isinstance(found, int):  # of more bits than NumPy's have
        raise DtypeError(f"{which} a whole number of {found.bit_length()} bits. Use float(x).")
    return found


def _place(tree: Tree, position: int) -> str:
    path = paths(tree)[position]
    return "the argument" + "".join(f"[{key!r}]" for key in path)


def _argument_numbers(argnums: Argnums, count: int, f: Callable[..., Any]) -> tuple[int, ...]:
    numbers = (argnums,) if isinstance(argnums, int) else tuple(argnums)
    for i in numbers:
        if not -count <= i < count:
            raise ClearpropError(
                f"argnums={argnums}, but {called(f)} was called with {count} positional argument"
                f"{'' if count == 1 else 's'}; differentiated arguments are passed by position"
            )
    return tuple(i % count for i in numbers)


def _scalar_output(run: Run, f: Callable[..., Any]) -> AnyArray:
    """Return the one number that `f` returned, perhaps as an array of one; raise if it is not."""
    returned = run.unflatten_outputs(run.outputs)
    if not is_array(returned) and not isinstance(returned, float | int):
        raise GradientError(
            f"grad needs a function that returns one number, but {called(f)} returned "
            f"{kind_of(returned)}. Return the loss alone, or (loss, aux) with has_aux=True."
        )
    y = run.outputs[0]
    if math.prod(shape_of(y)) != 1:
        raise GradientError(
            f"grad needs a function that returns one number, but {called(f)} returned shape {shape_of(y)}. "
            f"Reduce it (.sum(), .mean()), or use clearprop.jacobian for all derivatives or clearprop.vjp "
            f"for a weighted sum of them."
        )
    if isinstance(y, Tensor):
        if not is_floating(y.dtype):
            raise DtypeError(
                f"grad needs a function that returns a floating point number, but {called(f)} returned "
                f"{y.dtype}: a position, a count or a comparison moves in steps, and no gradient gets "
                f"through. Return what it was made from."
            )
        if y.dtype.kind == "c":
            raise GradientError(WHY_REAL.format(f"the gradient of {called(f)}"))
    return y


# ---- the transforms


def value_and_grad(
    f: Callable[P, R], argnums: Argnums = 0, *, has_aux: bool = False
) -> Callable[P, tuple[R, Tree]]:
    """Return a `grad` that gives ``(f(...), gradient)``, or ``((f(...), aux), gradient)`` with `has_aux`.

    >>> value, dx = value_and_grad(lambda x: x**2)(3.0)
    >>> float(value), float(dx)
    (9.0, 6.0)
    """
    check_request("value_and_grad", f, argnums)

    def compute(*args: P.args, **kwargs: P.kwargs) -> Tree:
        value, aux, gradient = _value_and_gradient(f, args, kwargs, argnums, has_aux)
        return ((value, aux) if has_aux else value), gradient

    return Transformed(compute, value_and_grad, f, argnums=argnums, has_aux=has_aux)


def _value_and_gradient(
    f: Callable[..., Tree],
    args: Sequence[Tree],
    kwargs: dict[str, Any],
    argnums: Argnums,
    has_aux: bool,
) -> tuple[AnyArray, Any, Tree]:
    run = Run(f, args, kwargs, argnums, has_aux)
    y = _scalar_output(run, f)
    seed = ones_like(y.value) if isinstance(y, Tensor) else 1.0
    value, aux = run.plain(y), run.plain(run.aux) if has_aux else None
    return value, aux, run.hand_out(run.gradients([seed], free=True))


def grad(f: Callable[P, Any], argnums: Argnums = 0, *, has_aux: bool = False) -> Callable[P, Tree]:
    """Return the function that computes the gradient of a scalar function.

    Parameters
    ----------
    f : function of NumPy arrays, Python floats, or containers of them, that returns one number, also as an
        array of one entry
    argnums : position of the argument to differentiate with respect to, or several
    has_aux : `f` returns ``(number, anything)``; the result is then ``(gradient, anything)``

    Returns
    -------
    function with the arguments of `f` that returns the gradient: in the container, shapes and dtypes
    of the argument; a tuple of them if `argnums` is a sequence. A Python float's gradient is a
    float64 scalar. Gradients nest: ``grad(grad(f))``.

    Raises
    ------
    DtypeError : an argument is integer. GradientError : `f` returns anything but one number.

    >>> import numpy as np
    >>> grad(lambda x: np.sum(np.sin(x)))(np.array([0.0, np.pi]))
    array([ 1., -1.])
    >>> float(grad(grad(lambda x: x**3))(2.0))
    12.0

    References: A. Griewank and A. Walther, Evaluating Derivatives, 2nd ed., SIAM, 2008, chapter 3.
    """
    check_request("grad", f, argnums)

    def compute(*args: P.args, **kwargs: P.kwargs) -> Tree:
        _, aux, gradient = _value_and_gradient(f, args, kwargs, argnums, has_aux)
        return (gradient, aux) if has_aux else gradient

    return Transformed(compute, grad, f, argnums=argnums, has_aux=has_aux)


@overload
def vjp(
    f: Callable[..., R], *primals: Tree, has_aux: Literal[False] = False
) -> tuple[R, Pullback]: ...
@overload
def vjp(
    f: Callable[..., tuple[R, S]], *primals: Tree, has_aux: Literal[True]
) -> tuple[R, Pullback, S]: ...
def vjp(f: Callable[..., Tree], *primals: Tree, has_aux: bool = False) -> tuple[Any, ...]:
    """Run `f` and return ``(output, pullback)``, with ``aux`` as a third part with `has_aux`.

    ``pullback(g)`` takes an upstream gradient in the shape of the output and returns a tuple: the
    downstream gradient of each of `primals`. It can be called any number of times.

    >>> import numpy as np
    >>> y, pullback = vjp(np.multiply, 2.0, 3.0)
    >>> [float(g) for g in pullback(10.0)]
    [30.0, 20.0]
    """
    run = Run(f, primals, {}, tuple(range(len(primals))), has_aux)

    def compute(gradient: Tree) -> tuple[Tree, ...]:
        return run.hand_out(run.gradients(_seeds(run, gradient)))

    pullback = Pullback(compute, called(f))
    output = run.plain(run.unflatten_outputs(run.outputs))
    return (output, pullback, run.plain(run.aux)) if has_aux else (output, pullback)


def _seeds(run: Run, gradient: Tree) -> list[AnyArray]:
    seeds, _ = flatten(gradient)
    if len(seeds) != len(run.outputs):
        raise ShapeError(
            f"the function returned {len(run.outputs)} arrays, but the gradient given has {len(seeds)}"
        )
    return [check_seed(y, seed) for y, seed in zip(run.outputs, seeds, strict=True)]
