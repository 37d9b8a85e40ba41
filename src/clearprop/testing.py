"""Checks of gradients against central differences, for your own functions and blocks.

>>> import numpy as np
>>> from clearprop.testing import assert_grads
>>> assert_grads(lambda x, w: np.tanh(x @ w), np.ones((2, 3)), np.arange(3.0))
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .engine.array_types import AnyArray, DType, Tree
from .engine.arrays import argument, is_array
from .engine.spec import is_floating
from .engine.tensor import Tensor
from .errors import ClearpropError, GradientError, GradientMismatch
from .transforms.derivatives import vjp
from .transforms.jacobians import jvp
from .transforms.trees import flatten, paths

__all__ = ["assert_grads", "check_grads"]


def __dir__() -> list[str]:
    return list(__all__)


_SMALL = 64
"""Up to this many numbers each one is moved alone; larger arrays move along random directions."""
_DIRECTIONS = 3
_TOLERANCE = {"e": 5e-2, "f": 2e-3, "d": 1e-6, "g": 1e-6}
"""By the character of the dtype: what differences of fourth order find in it, and some room."""

Arrays = tuple[AnyArray, ...]


def check_grads(
    f: Callable[..., Tree],
    args: Tree,
    order: int = 2,
    modes: Sequence[str] = ("rev", "fwd"),
    *,
    argnums: int | Sequence[int] | None = None,
    rtol: float | None = None,
    atol: float | None = None,
    eps: float | None = None,
) -> None:
    """Compare the derivatives of `f` at `args` with central differences of its values.

    Parameters
    ----------
    f : function of arrays, numbers, or containers of them, that returns such; it is called with plain
        arrays, too, so it must give the same value on them
    args : tuple of its arguments (one that is no tuple counts as the only argument)
    order : check derivatives up to this order
    modes : ``"rev"`` checks gradients (`vjp`), ``"fwd"`` directional derivatives (`jvp`)
    argnums : positions of the arguments to check; by default all that hold floating numbers
    rtol, atol : how far the two may be apart; by default 1e-6 in double, 2e-3 in single precision
    eps : the step of the differences; by default chosen for each dtype, and larger for large numbers

    Integers, booleans and strings among the arguments are constants. Each number of a small array is
    moved alone, larger ones along random directions, which are the same in every run. Complex numbers
    move along both axes.

    Raises
    ------
    GradientMismatch : an AssertionError that names the function, the argument, the place and both numbers.
    GradientError : there is nothing to differentiate.

    >>> import clearprop, numpy as np
    >>> check_grads(lambda p: np.sum(p["x"] ** 2) * p["scale"], ({"x": np.ones(3), "scale": 2.0},))
    >>> @clearprop.block
    ... def cube(x):
    ...     return x**3
    >>> @cube.gradient
    ... def cube_gradient(g, out, x):
    ...     return g * x**2
    >>> check_grads(cube, (2.0,), order=1)
    Traceback (most recent call last):
    ...
    clearprop.errors.GradientMismatch: the gradient of cube for x is wrong: expected 12 ..., got 4...
    """
    __tracebackhide__ = True
    unknown = [mode for mode in modes if mode not in ("rev", "fwd")]
    if unknown or isinstance(modes, str):
        raise ValueError(f"modes={modes!r}: give a sequence of 'rev' and 'fwd'")
    problem = _pose(f, args if isinstance(args, tuple) else (args,), argnums)
    settings = _Settings(tuple(modes), rtol, atol, eps)
    for level in range(1, order + 1):
        _check(problem, settings, f"{_ORDINALS.get(level, f'derivative of order {level}')} of")
        if level < order:
            problem = _derived(problem)


def assert_grads(f: Callable[..., Tree], *args: Tree, **options: Any) -> None:
    """Do `check_grads` of `f` at these arguments, as one writes it in a test.

    `options` are those of `check_grads`: `order`, `modes`, `argnums`, `rtol`, `atol`, `eps`.

    >>> import numpy as np
    >>> assert_grads(np.multiply, np.array([1.0, 2.0]), 3.0)
    >>> assert_grads(lambda x: np.sqrt(x), np.float32(2.0), order=1)
    """
    __tracebackhide__ = True
    check_grads(f, args, **options)


_ORDINALS = {1: "gradient", 2: "second derivative", 3: "third derivative"}


# ---- a function of arrays only


@dataclass(frozen=True)
class _Problem:
    """A function of a few floating arrays that returns a list of such."""

    function: Callable[..., Tree]
    at: Arrays
    names: tuple[str, ...]
    """Of the arrays, as the user knows them: ``w``, ``params['w']``."""
    name: str


@dataclass(frozen=True)
class _Settings:
    modes: tuple[str, ...]
    rtol: float | None
    atol: float | None
    eps: float | None

    def step(self, dtype: DType) -> float:
        """Return a power of two, so that moving by it is exact, near the best for fourth order."""
        return self.eps or float(2.0 ** round(np.log2(np.finfo(dtype).eps) / 5))

    def close(self, got: AnyArray, expected: AnyArray, noise: float) -> AnyArray:
        tolerance = _TOLERANCE[np.asarray(got).real.dtype.char]
        rtol = tolerance if self.rtol is None else self.rtol
        atol = tolerance + noise if self.atol is None else self.atol
        return np.isclose(got, expected, rtol, atol)


def _pose(f: Callable[..., Tree], args: Arrays, argnums: int | Sequence[int] | None) -> _Problem:
    """Return `f` as a function of its floating arrays alone; everything else stays as it is."""
    wanted = range(len(args)) if argnums is None else np.atleast_1d(argnums).tolist()
    if any(not isinstance(i, int) for i in wanted):
        raise ClearpropError(
            f"argnums={argnums!r}: arguments are named by position, as in 0 or (0, 2)"
        )
    if any(not -len(args) <= i < len(args) for i in wanted):
        raise ClearpropError(f"argnums={argnums}, but there are {len(args)} arguments")
    wanted = {i % len(args) for i in wanted}
    leaves, unflatten = flatten(args)
    leaves = [_plain(argument(x, "check_grads got")) for x in leaves]
    places = paths(args)
    chosen = [i for i, x in enumerate(leaves) if places[i][0] in wanted and _is_floating(x)]
    name = getattr(f, "__name__", type(f).__name__)
    if not chosen:
        raise GradientError(f"no argument of {name} that is to be checked holds floating numbers")

    def on_arrays(*xs: AnyArray) -> list[AnyArray]:
        filled = list(leaves)
        for i, x in zip(chosen, xs, strict=True):
            filled[i] = x
        results, _ = flatten(f(*unflatten(filled)))
        results = [y for y in results if _is_floating(y)]
        if not results:
            raise GradientError(f"{name} returned no floating numbers, so there is no gradient")
        return results

    arguments = _parameter_names(f, len(args))
    names = tuple(
        arguments[places[i][0]] + "".join(f"[{key!r}]" for key in places[i][1:]) for i in chosen
    )
    return _Problem(on_arrays, tuple(np.array(leaves[i])[()] for i in chosen), names, name)


def _is_floating(x: AnyArray) -> bool:
    return isinstance(x, float | complex) or (is_array(x) and is_floating(x.dtype))


def _parameter_names(f: Callable[..., Tree], count: int) -> list[str]:
    names = [f"argument {i}" for i in range(count)]
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):  # a ufunc, something written in C
        return names
    for i, parameter in enumerate(parameters):
        if parameter.kind is parameter.VAR_POSITIONAL:
            names[i:] = [f"{parameter.name}[{j}]" for j in range(count - i)]
        if i >= count or parameter.kind not in (
            parameter.POSITIONAL_ONLY,
            parameter.POSITIONAL_OR_KEYWORD,
        ):
            break
        names[i] = parameter.name
    return names


def _derived(problem: _Problem) -> _Problem:
    """Return the function that computes a random weighted sum of the derivatives, to be checked in its
    turn.
    """

    def gradients(*xs: AnyArray) -> Arrays:
        outputs, pullback = vjp(problem.function, *xs)
        return pullback(_weights(outputs))

    return _Problem(gradients, problem.at, problem.names, problem.name)


# ---- the comparison


def _random_like(x: AnyArray, seed: int) -> AnyArray:
    """Return numbers between −1 and 1, in the shape and dtype of `x`."""
    dtype = x.dtype if is_array(x) else np.asarray(x).dtype
    rng = np.random.default_rng(seed)
    numbers = rng.uniform(-1, 1, np.shape(x))
    if dtype.kind == "c":
        numbers = numbers + 1j * rng.uniform(-1, 1, np.shape(x))
    return np.asarray(numbers, dtype)[()]


def _weights(outputs: Sequence[AnyArray]) -> list[AnyArray]:
    """Return what the outputs are weighed with, so that there is one number to differentiate."""
    if len(outputs) == 1 and np.size(outputs[0]) == 1:  # then users know the numbers in the message
        return [np.ones_like(_plain(outputs[0]))[()]]
    return [_random_like(y, seed) for seed, y in enumerate(outputs)]


def _plain(x: AnyArray) -> AnyArray:
    return x.detach().value if isinstance(x, Tensor) else x


def _inner(a: AnyArray, b: AnyArray) -> float:
    """Return the sum of products, of both parts where they are complex, in double precision."""
    return float(np.sum(np.real(np.conj(a) * b), dtype=float))


def _sizes(x: AnyArray) -> AnyArray:
    """Return how much a step is stretched at each number: by how large it is, as a power of two.

    Small numbers move less, so that they keep to one side of 0; down to where rounding takes over.
    """
    least = 2.0**-10 if np.finfo(x.dtype).eps < 1e-10 else 2.0**-3
    size = np.where(x == 0, 1.0, np.maximum(np.abs(x), least))
    return 2.0 ** np.floor(np.log2(size))


def _quotient(values: Callable[[float], AnyArray], step: float) -> AnyArray:
    """Return the derivative at 0, from two central differences that cancel each other's error."""
    near = values(step) - values(-step)
    return (8 * near - (values(2 * step) - values(-2 * step))) / (12 * step)


class _Checker:
    """One function at one point, and what differences say about it."""

    def __init__(self, problem: _Problem, settings: _Settings, what: str) -> None:
        self.problem = problem
        self.settings = settings
        outputs, self.pullback = vjp(problem.function, *problem.at)
        outputs = [_plain(y) for y in outputs]
        self.weights = _weights(outputs)
        self.what = f"the {what} {problem.name}"
        self.weighed = f"the {what} "
        if sum(np.size(y) for y in outputs) > 1:
            self.weighed += "a weighted sum of the outputs of "
        self.weighed += problem.name
        self.largest = max((float(np.max(np.abs(y), initial=0)) for y in outputs), default=0.0)

    def outputs(self, moves: dict[int, AnyArray], by: float) -> list[AnyArray]:
        """Return what the function returns when these inputs have moved."""
        at = list(self.problem.at)
        for i, direction in moves.items():
            at[i] = (at[i] + by * direction).astype(at[i].dtype)[()]
        return [np.asarray(_plain(y)) for y in self.problem.function(*at)]

    def step(self, *inputs: AnyArray) -> float:
        return max(self.settings.step(x.dtype) for x in inputs)

    def noise(self, *moved: AnyArray) -> float:
        """Return how far rounding of the function's values may put the differences off."""
        coarsest = max(float(np.finfo(a.dtype).eps) for a in (*moved, *self.weights))
        shortest = min(float(np.min(_sizes(x), initial=1)) for x in moved)
        return 10 * coarsest * self.largest / (self.step(*moved) * shortest)

    def slope(self, position: int, direction: AnyArray) -> float:
        """Return the derivative of the weighed sum of the outputs as one input moves."""
        step = self.step(self.problem.at[position])

        def values(by: float) -> AnyArray:
            pairs = zip(self.weights, self.outputs({position: direction}, by), strict=True)
            return sum(_inner(w, y) for w, y in pairs)

        return float(_quotient(values, step))

    # ---- reverse

    def check_reverse(self) -> None:
        __tracebackhide__ = True
        for position, gradient in enumerate(self.pullback(self.weights)):
            got = np.asarray(_plain(gradient))
            compare = self._compare_entries if got.size <= _SMALL else self._compare_directions
            compare(position, got)

    def _entry(self, position: int, place: tuple[int, ...]) -> AnyArray:
        """Return the derivative by one number: of a complex one, by both of its parts."""
        x = np.asarray(self.problem.at[position])
        unit = np.zeros(x.shape, x.dtype)
        size = unit[place] = _sizes(x[place])
        found: AnyArray = self.slope(position, unit) / size
        if x.dtype.kind == "c":
            found = found + 1j * self.slope(position, unit * 1j) / size
        return found

    def _compare_entries(self, position: int, got: AnyArray) -> None:
        __tracebackhide__ = True
        expected = np.empty_like(got, dtype=np.result_type(got.dtype, float))
        for place in np.ndindex(got.shape):
            expected[place] = self._entry(position, place)
        x = self.problem.at[position]
        wrong = ~self.settings.close(got, expected, self.noise(x))
        if wrong.any():
            distance = np.where(wrong, np.nan_to_num(np.abs(got - expected), nan=np.inf), -1)
            place = np.unravel_index(np.argmax(distance), got.shape)
            hint = _hint(got, expected) or (
                f"{np.sum(wrong)} of {got.size} entries differ" if got.size > 1 else ""
            )
            self._complain(position, place, expected[place], got[place], hint)

    def _compare_directions(self, position: int, got: AnyArray) -> None:
        __tracebackhide__ = True
        x = self.problem.at[position]
        noise = self.noise(x) * x.size**0.5
        for seed in range(_DIRECTIONS):
            direction = _random_like(x, 100 + seed) * _sizes(x)
            found, expected = _inner(got, direction), self.slope(position, direction)
            if not self.settings.close(got.dtype.type(found), expected, noise):
                place = self._worst(position, got, direction)
                entry = self._entry(position, place)
                self._complain(position, place, entry, got[place], "")

    def _worst(self, position: int, got: AnyArray, direction: AnyArray) -> tuple[int, ...]:
        """Return a place where a gradient is wrong, by halving: the half that is further off has it."""
        numbers = np.arange(got.size)
        while len(numbers) > 1:
            halves = np.array_split(numbers, 2)
            errors = []
            for half in halves:
                part = np.zeros_like(direction)
                part.flat[half] = direction.flat[half]
                errors.append(abs(_inner(got, part) - self.slope(position, part)))
            numbers = halves[int(np.argmax(np.nan_to_num(errors, nan=np.inf)))]
        return tuple(int(i) for i in np.unravel_index(numbers[0], got.shape))

    # ---- forward

    def check_forward(self) -> None:
        __tracebackhide__ = True
        at = self.problem.at
        directions = tuple(
            np.asarray(_random_like(x, 200 + i) * _sizes(x), x.dtype)[()] for i, x in enumerate(at)
        )
        _, moved = jvp(self.problem.function, at, directions)
        step = self.step(*at)
        all_moves = dict(enumerate(directions))
        for i, got in enumerate(np.asarray(_plain(d)) for d in moved):

            def output(by: float, i: int = i) -> AnyArray:
                y = self.outputs(all_moves, by)[i]
                return y.astype(np.result_type(y.dtype, float))

            expected = _quotient(output, step)
            wrong = ~self.settings.close(got, expected, self.noise(*at))
            if wrong.any():
                distance = np.where(wrong, np.nan_to_num(np.abs(got - expected), nan=np.inf), -1)
                place = np.unravel_index(np.argmax(distance), got.shape)
                where = f" at {_indices(place)} of its output" if place else ""
                if len(moved) > 1:
                    where += f" number {i}"
                raise GradientMismatch(
                    f"{self.what} along a random direction (forward mode) is wrong{where}: "
                    f"{_numbers(expected[place], got[place])}{_edge(expected[place])}"
                )

    def _complain(
        self, position: int, place: tuple[Any, ...], expected: AnyArray, got: AnyArray, hint: str
    ) -> None:
        __tracebackhide__ = True
        where = f" at {_indices(place)}" if place else ""
        raise GradientMismatch(
            f"{self.weighed} for {self.problem.names[position]} is wrong{where}: "
            f"{_numbers(expected, got)}{f'; {hint}' if hint else ''}{_edge(expected)}"
        )


def _check(problem: _Problem, settings: _Settings, what: str) -> None:
    __tracebackhide__ = True
    checker = _Checker(problem, settings, what)
    if "rev" in settings.modes:
        checker.check_reverse()
    if "fwd" in settings.modes:
        checker.check_forward()


# ---- words


def _numbers(expected: AnyArray, got: AnyArray) -> str:
    return f"expected {expected:.8g} by central differences, got {got:.8g}"


def _indices(place: tuple[Any, ...]) -> str:
    return f"[{', '.join(str(int(i)) for i in place)}]"


def _edge(expected: AnyArray) -> str:
    if np.isfinite(expected):
        return ""
    return "; the step left where the function is defined: give a smaller eps=, or other arguments"


def _hint(got: AnyArray, expected: AnyArray) -> str:
    """Return which mistake the numbers suggest."""
    if not np.isfinite(expected).all() or not np.any(expected):
        return ""
    near = 1e-3 * float(np.max(np.abs(expected)))
    if not np.any(got):
        return "it is zero everywhere"
    if got.ndim == 2 and got.shape[0] == got.shape[1] and np.allclose(got.T, expected, 1e-3, near):
        return "it is the transpose of what is expected"
    factor = np.sum(np.conj(expected) * got) / np.sum(np.abs(expected) ** 2)
    if not np.allclose(got, factor * expected, 1e-3, near):
        return ""
    if np.allclose(factor, -1, 1e-3):
        return "its sign is wrong" + (" everywhere" if got.size > 1 else "")
    return f"it is {factor:.4g} times what is expected" + (" everywhere" if got.size > 1 else "")
