"""Functions of functions: `grad` and its kin, under JAX's names.

They all do the same: put a fresh variable in the place of each differentiated number, run the user's
function, and sweep back from its result to the variables. The variable is a copy of what came in, so
a transform within a transform differentiates its own copy and never confuses the two.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..engine.array_types import AnyArray, Tree
from ..engine.arrays import PLAIN, argument, check_numbers, is_array, result, unchanging
from ..engine.backprop import WHY_REAL, Reach, check_seed, conjugate, ones_like, own, reach, sweep
from ..engine.in_place import next_number, refresh, version_at
from ..engine.primitive import NO_PARAMS, primitives
from ..engine.recorder import recorder_here
from ..engine.refusals import called, check_floating, check_request, kind_of
from ..engine.settings import began, happened, no_grads, transforms, uncovered
from ..engine.spec import MOST_AXES, is_floating, shape_of
from ..engine.tensor import Tensor
from ..engine.view_or_copy import laid_out_like
from ..errors import ClearpropError, DtypeError, GradientError, ShapeError
from .trees import flatten, paths
from .wrapper import Pullback, Transformed

Argnums = int | Sequence[int]


class _Run:
    """One run of a function on variables, ready to be swept back."""

    def __init__(
        self,
        f: Callable[..., Any],
        args: Sequence[Any],
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


def _call(f: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]) -> Tree:
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


def _variable(leaf: Any, position: int, tree: Tree, f: Callable[..., Any]) -> Tensor:
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


def _output(y: Any, f: Callable[..., Any]) -> AnyArray:
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


def _scalar_output(run: _Run, f: Callable[..., Any]) -> AnyArray:
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
    f: Callable[..., Any], argnums: Argnums = 0, *, has_aux: bool = False
) -> Callable[..., Tree]:
    """Return a `grad` that gives ``(f(...), gradient)``, or ``((f(...), aux), gradient)`` with `has_aux`.

    >>> value, dx = value_and_grad(lambda x: x**2)(3.0)
    >>> float(value), float(dx)
    (9.0, 6.0)
    """
    check_request("value_and_grad", f, argnums)

    def compute(*args: Any, **kwargs: Any) -> Any:
        value, aux, gradient = _value_and_gradient(f, args, kwargs, argnums, has_aux)
        return ((value, aux) if has_aux else value), gradient

    return Transformed(compute, value_and_grad, f, argnums=argnums, has_aux=has_aux)


def _value_and_gradient(
    f: Callable[..., Any], args: Any, kwargs: Any, argnums: Argnums, has_aux: bool
) -> tuple[AnyArray, Any, Tree]:
    run = _Run(f, args, kwargs, argnums, has_aux)
    y = _scalar_output(run, f)
    seed = ones_like(y.value) if isinstance(y, Tensor) else 1.0
    value, aux = run.plain(y), run.plain(run.aux) if has_aux else None
    return value, aux, run.hand_out(run.gradients([seed], free=True))


def grad(
    f: Callable[..., Any], argnums: Argnums = 0, *, has_aux: bool = False
) -> Callable[..., Tree]:
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

    def compute(*args: Any, **kwargs: Any) -> Any:
        _, aux, gradient = _value_and_gradient(f, args, kwargs, argnums, has_aux)
        return (gradient, aux) if has_aux else gradient

    return Transformed(compute, grad, f, argnums=argnums, has_aux=has_aux)


def vjp(f: Callable[..., Any], *primals: Tree, has_aux: bool = False) -> tuple[Any, ...]:
    """Run `f` and return ``(output, pullback)``, with ``aux`` as a third part with `has_aux`.

    ``pullback(g)`` takes an upstream gradient in the shape of the output and returns a tuple: the
    downstream gradient of each of `primals`. It can be called any number of times.

    >>> import numpy as np
    >>> y, pullback = vjp(np.multiply, 2.0, 3.0)
    >>> [float(g) for g in pullback(10.0)]
    [30.0, 20.0]
    """
    run = _Run(f, primals, {}, tuple(range(len(primals))), has_aux)

    def compute(gradient: Tree) -> tuple[Tree, ...]:
        return run.hand_out(run.gradients(_seeds(run, gradient)))

    pullback = Pullback(compute, called(f))
    output = run.plain(run.unflatten_outputs(run.outputs))
    return (output, pullback, run.plain(run.aux)) if has_aux else (output, pullback)


def _seeds(run: _Run, gradient: Tree) -> list[AnyArray]:
    seeds, _ = flatten(gradient)
    if len(seeds) != len(run.outputs):
        raise ShapeError(
            f"the function returned {len(run.outputs)} arrays, but the gradient given has {len(seeds)}"
        )
    return [check_seed(y, seed) for y, seed in zip(run.outputs, seeds, strict=True)]


def jvp(f: Callable[..., Any], primals: Tree, tangents: Tree) -> tuple[Tree, Tree]:
    """Run `f` and return ``(output, directional derivative)`` for a step `tangents` of `primals`.

    Parameters
    ----------
    primals : tuple of the arguments of `f` (one that is no tuple counts as the only argument)
    tangents : the direction: of the same structure and shapes

    No rules of its own: the pullback is linear in its upstream gradient, so the gradient of the
    pullback is the derivative forward (the double-vjp identity).

    >>> y, dy = jvp(lambda x: x**2, 3.0, 1.0)
    >>> float(y), float(dy)
    (9.0, 6.0)
    """
    arguments = primals if isinstance(primals, tuple) else (primals,)
    steps = tangents if isinstance(tangents, tuple) else (tangents,)
    run = _Run(f, arguments, {}, tuple(range(len(arguments))), False)
    directions, _ = flatten(steps)
    if len(directions) != len(run.variables):
        raise ShapeError(
            f"{len(run.variables)} primals need as many tangents, but got {len(directions)}"
        )
    directions = [check_seed(v, t) for v, t in zip(run.wanted, directions, strict=True)]
    since = next_number()
    upstream = [
        Tensor(np.ones(y.shape, y.dtype)[()], None, (), NO_PARAMS, True)
        if isinstance(y, Tensor) and y.requires_grad
        else None
        for y in run.outputs
    ]
    live = [(y, u) for y, u in zip(run.outputs, upstream, strict=True) if u is not None]
    pulled = sweep(run.span, [y for y, _ in live], [u for _, u in live], create_graph=True)
    ends = [(pulled[v], d) for v, d in zip(run.wanted, directions, strict=True) if v in pulled]
    ends = [(g, d) for g, d in ends if g.requires_grad]
    span = reach([g for g, _ in ends], [u for _, u in live], since)
    span = span._replace(watched=run.span.watched)
    found = sweep(span, [g for g, _ in ends], [d for _, d in ends])
    moved = [
        found[u] if u in found else np.zeros(shape_of(y), getattr(y, "dtype", float))[()]
        for y, u in zip(run.outputs, upstream, strict=True)
    ]
    if not run.span.watched:
        given: set[int] = set()
        moved = [own(g, given) for g in moved]
    output = run.plain(run.unflatten_outputs(run.outputs))
    return output, run.unflatten_outputs(moved)


def jacobian(
    f: Callable[..., Any], argnums: Argnums = 0, *, layout: str = "numerator", has_aux: bool = False
) -> Callable[..., Tree]:
    """Return the function that computes all derivatives of all outputs.

    Parameters
    ----------
    layout : ``"numerator"``: shape of the output, then shape of the input, so that ``J @ dx`` is the
        change of the output (the mathematicians' convention); ``"denominator"``: shape of the input,
        then of the output, so that ``J @ upstream`` is the downstream gradient, as in many lecture
        notes. For vectors one is the other's transpose.

    One sweep for each number of the output, two for a complex one. A complex output's entry is its complex
    derivative; a real output's row by a complex input is what `grad` gives.

    Raises
    ------
    GradientError : a complex output has no complex derivative by a complex input.

    >>> import numpy as np
    >>> f = lambda x: np.stack([x[0] * x[1], x[0], x[1]])
    >>> jacobian(f)(np.array([2.0, 3.0]))
    array([[3., 2.],
           [1., 0.],
           [0., 1.]])
    >>> jacobian(f, layout="denominator")(np.array([2.0, 3.0])).shape
    (2, 3)
    """
    if layout not in ("numerator", "denominator"):
        raise ValueError(f"layout={layout!r}: use 'numerator' (outputs × inputs) or 'denominator'")
    check_request("jacobian", f, argnums)

    def compute(*args: Any, **kwargs: Any) -> Any:
        run = _Run(f, args, kwargs, argnums, has_aux)
        blocks = [
            run.unflatten_inputs(_jacobian_of(run, position, layout))
            for position in range(len(run.outputs))
        ]
        result = run.unflatten_outputs(blocks)
        return (result, run.plain(run.aux)) if has_aux else result

    return Transformed(compute, jacobian, f, argnums=argnums, layout=layout, has_aux=has_aux)


def _jacobian_of(run: _Run, position: int, layout: str) -> list[AnyArray]:
    """Return the derivatives of one output array with respect to each variable."""
    y = run.outputs[position]
    shape = shape_of(y)
    for variable in run.wanted:
        if max(len(shape), 1) + variable.ndim > MOST_AXES:  # its rows are stacked
            raise ShapeError(
                f"this jacobian would have {len(shape)} axes of the output and {variable.ndim} of the "
                f"input, and NumPy's arrays have at most {MOST_AXES}. Take .reshape(-1) of one of them."
            )

    def derivatives(weight: complex, place: tuple[int, ...]) -> list[AnyArray]:
        seeds = [np.zeros(shape_of(z), getattr(z, "dtype", float)) for z in run.outputs]
        seeds[position][place] = weight
        return run.sweep([seed[()] for seed in seeds])

    rows = [derivatives(1, place) for place in np.ndindex(shape)]
    if getattr(y, "dtype", np.dtype(float)).kind == "c":
        turned = [derivatives(1j, place) for place in np.ndindex(shape)]
        rows = [_complex_derivatives(*pair) for pair in zip(rows, turned, strict=True)]
    else:
        rows = [[conjugate(d) for d in row] for row in rows]
    blocks = []
    for i, variable in enumerate(run.wanted):
        column = [row[i] for row in rows]
        full = (*shape, *variable.shape)
        block = np.stack(column).reshape(full) if column else np.zeros(full, variable.dtype)
        if layout == "denominator":
            n = len(shape)
            block = block.transpose((*range(n, len(full)), *range(n)))
        blocks.append(block[()] if type(block) is np.ndarray and not full else block)
    return blocks


def _complex_derivatives(along_1: list[AnyArray], along_i: list[AnyArray]) -> list[AnyArray]:
    """Return derivatives of a complex number, given those of its real and of minus its imaginary part."""
    rows = []
    for real, turned in zip(along_1, along_i, strict=True):
        if real.dtype.kind != "c":  # of a real variable
            rows.append(real - 1j * turned)
            continue
        rows.append(real)
        if recorder_here() is None and not np.allclose(_plain(turned), 1j * _plain(real)):
            raise GradientError(
                "the jacobian of a complex output by a complex input is one complex number an entry only for "
                "functions with a complex derivative, and this one has none (it takes an absolute value, a "
                "real part or a conjugate). Use clearprop.vjp, or the real and imaginary parts as inputs."
            )
    return rows


def _plain(x: AnyArray) -> AnyArray:
    return x.value if isinstance(x, Tensor) else x


def hessian(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Tree]:
    """Return the function that computes the second derivatives of a scalar function.

    For an input of shape ``s`` the result has shape ``s + s``; for containers, containers of
    containers.

    >>> hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0]))
    array([[4., 2.],
           [2., 0.]])
    """
    check_request("hessian", f, argnums)
    return Transformed(jacobian(grad(f, argnums), argnums), hessian, f, argnums=argnums)


def hvp(f: Callable[..., Any], primals: Tree, tangents: Tree) -> Tree:
    """Return the Hessian of a scalar function times a vector, at about twice the cost of the gradient.

    Parameters
    ----------
    primals : where; a tuple of the arguments of `f`, or the only argument
    tangents : the vector; of the same structure and shapes

    The Hessian is symmetric, so it is the vjp of the gradient (Pearlmutter, Fast exact
    multiplication by the Hessian, Neural Computation 6, 1994).

    >>> hvp(lambda x: np.sum(x**3), np.array([1.0, 2.0]), np.array([1.0, 0.0]))
    array([6., 0.])
    """
    arguments = primals if isinstance(primals, tuple) else (primals,)
    vectors = tangents if isinstance(tangents, tuple) else (tangents,)
    _, pullback = vjp(grad(f, tuple(range(len(arguments)))), *arguments)
    product = pullback(vectors)
    return product if isinstance(primals, tuple) else product[0]
