"""Derivatives forward, and all of them at once: `jvp`, `jacobian`, `hessian`, `hvp`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal, ParamSpec, get_args

import numpy as np

from ..engine.array_types import AnyArray, Tree
from ..engine.backprop import check_seed, conjugate, own, reach, sweep
from ..engine.in_place import next_number
from ..engine.primitive import NO_PARAMS
from ..engine.recorder import recorder_here
from ..engine.refusals import check_request
from ..engine.spec import MOST_AXES, shape_of
from ..engine.tensor import Tensor
from ..errors import GradientError, ShapeError, UnsupportedError
from .derivatives import Argnums, Run, grad, vjp
from .trees import flatten
from .wrapper import Transformed

Mode = Literal["auto", "forward", "reverse"]

P = ParamSpec("P")
_FORWARD = 4
"""Times as many outputs as inputs from which going forward is cheaper: a step forward is a sweep through the
backward pass, which has about so many operations for one of the function's."""


def jvp(f: Callable[..., Tree], primals: Tree, tangents: Tree) -> tuple[Tree, Tree]:
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
    run = Run(f, arguments, {}, tuple(range(len(arguments))), False)
    directions, _ = flatten(steps)
    if len(directions) != len(run.variables):
        raise ShapeError(
            f"{len(run.variables)} primals need as many tangents, but got {len(directions)}"
        )
    directions = [check_seed(v, t) for v, t in zip(run.wanted, directions, strict=True)]
    moved = pushforward(run)(directions)
    if not run.span.watched:
        given: set[int] = set()
        moved = [own(g, given) for g in moved]
    output = run.plain(run.unflatten_outputs(run.outputs))
    return output, run.unflatten_outputs(moved)


def pushforward(run: Run) -> Callable[[Sequence[AnyArray]], list[AnyArray]]:
    """Return the map from steps of the variables to steps of the outputs.

    The pullback is gone through once; each step is a sweep through that.
    """
    since = next_number()
    upstream = [
        Tensor(np.ones(y.shape, y.dtype)[()], None, (), NO_PARAMS, True)
        if isinstance(y, Tensor) and y.requires_grad
        else None
        for y in run.outputs
    ]
    live = [(y, u) for y, u in zip(run.outputs, upstream, strict=True) if u is not None]
    pulled = sweep(run.span, [y for y, _ in live], [u for _, u in live], create_graph=True)
    reached = [
        (i, pulled[v]) for i, v in enumerate(run.wanted) if v in pulled and pulled[v].requires_grad
    ]
    span = reach([g for _, g in reached], [u for _, u in live], since)
    span = span._replace(watched=run.span.watched)

    def push(steps: Sequence[AnyArray]) -> list[AnyArray]:
        found = sweep(span, [g for _, g in reached], [steps[i] for i, _ in reached])
        return [
            found[u] if u in found else np.zeros(shape_of(y), getattr(y, "dtype", float))[()]
            for y, u in zip(run.outputs, upstream, strict=True)
        ]

    return push


def jacobian(
    f: Callable[P, Tree],
    argnums: Argnums = 0,
    *,
    layout: str = "numerator",
    mode: Mode = "auto",
    has_aux: bool = False,
) -> Callable[P, Tree]:
    """Return the function that computes all derivatives of all outputs.

    Parameters
    ----------
    layout : ``"numerator"``: shape of the output, then shape of the input, so that ``J @ dx`` is the
        change of the output (the mathematicians' convention); ``"denominator"``: shape of the input,
        then of the output, so that ``J @ upstream`` is the downstream gradient, as in many lecture
        notes. For vectors one is the other's transpose.
    mode : ``"reverse"``: one sweep for each number of the output, two for a complex one; ``"forward"``: one
        for each number of the input, as `jvp` goes; ``"auto"``: forward where the outputs have many times as
        many numbers as the inputs.

    A complex output's entry is its complex derivative; a real output's row by a complex input is what `grad`
    gives.

    Raises
    ------
    GradientError : a complex output has no complex derivative by a complex input.
    UnsupportedError : forward, with complex numbers.

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
    if mode not in get_args(Mode):
        raise ValueError(f"mode={mode!r}: use 'auto', 'forward' or 'reverse'")
    check_request("jacobian", f, argnums)

    def compute(*args: P.args, **kwargs: P.kwargs) -> Tree:
        run = Run(f, args, kwargs, argnums, has_aux)
        for y in run.outputs:
            _check_axes(run, len(shape_of(y)))
        if _goes_forward(run, mode):
            found = _columns(run)
        else:
            found = [_rows(run, position) for position in range(len(run.outputs))]
        blocks = [
            run.unflatten_inputs([_laid_out(block, len(shape_of(y)), layout) for block in row])
            for y, row in zip(run.outputs, found, strict=True)
        ]
        result = run.unflatten_outputs(blocks)
        return (result, run.plain(run.aux)) if has_aux else result

    options = {"argnums": argnums, "layout": layout, "mode": mode, "has_aux": has_aux}
    return Transformed(compute, jacobian, f, **options)


def _check_axes(run: Run, axes: int) -> None:
    for variable in run.wanted:
        if max(axes, 1) + variable.ndim > MOST_AXES:  # its rows are stacked
            raise ShapeError(
                f"this jacobian would have {axes} axes of the output and {variable.ndim} of the "
                f"input, and NumPy's arrays have at most {MOST_AXES}. Take .reshape(-1) of one of them."
            )


def _goes_forward(run: Run, mode: Mode) -> bool:
    """Return whether to go forward, for each number of the input, rather than back."""
    kinds = [getattr(x, "dtype", np.dtype(float)).kind for x in (*run.wanted, *run.outputs)]
    if mode == "forward" and "c" in kinds:
        raise UnsupportedError(
            "jacobian(mode='forward') takes real functions of real numbers. For complex ones "
            "use mode='reverse'."
        )
    if mode != "auto":
        return mode == "forward"
    inputs = sum(v.size for v in run.wanted)
    outputs = sum(math.prod(shape_of(y)) for y in run.outputs)
    return "c" not in kinds and outputs >= _FORWARD * inputs > 0


def _columns(run: Run) -> list[list[AnyArray]]:
    """Return the derivatives of each output with respect to each variable, by a step along each entry of
    these.
    """
    push = pushforward(run)
    found: list[list[AnyArray]] = [[] for _ in run.outputs]
    for number, variable in enumerate(run.wanted):
        moved = []
        for place in np.ndindex(variable.shape):
            steps = [np.zeros(v.shape, v.dtype) for v in run.wanted]
            steps[number][place] = 1
            moved.append(push([step[()] for step in steps]))
        for position, y in enumerate(run.outputs):
            full = (*shape_of(y), *variable.shape)
            column = [step[position] for step in moved]
            block = np.stack(column, -1).reshape(full) if column else np.zeros(full)
            found[position].append(block.astype(variable.dtype))
    return found


def _laid_out(block: AnyArray, axes: int, layout: str) -> AnyArray:
    """Return a block of outputs × inputs, the output having so many axes, in the layout that is wanted."""
    if layout == "denominator":
        block = block.transpose((*range(axes, block.ndim), *range(axes)))
    return block[()] if type(block) is np.ndarray and not block.ndim else block


def _rows(run: Run, position: int) -> list[AnyArray]:
    """Return the derivatives of one output array with respect to each variable, by a sweep for each entry."""
    y = run.outputs[position]
    shape = shape_of(y)

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
        blocks.append(np.stack(column).reshape(full) if column else np.zeros(full, variable.dtype))
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


def hessian(f: Callable[P, Tree], argnums: Argnums = 0) -> Callable[P, Tree]:
    """Return the function that computes the second derivatives of a scalar function.

    For an input of shape ``s`` the result has shape ``s + s``; for containers, containers of
    containers.

    >>> hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0]))
    array([[4., 2.],
           [2., 0.]])
    """
    check_request("hessian", f, argnums)
    return Transformed(jacobian(grad(f, argnums), argnums), hessian, f, argnums=argnums)


def hvp(f: Callable[..., Tree], primals: Tree, tangents: Tree) -> Tree:
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
