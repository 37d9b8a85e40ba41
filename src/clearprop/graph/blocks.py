"""Blocks: several operations seen as one gate, at any granularity.

Without a gradient of its own, a block only marks what happens inside it: the engine differentiates
the parts, and views show one node that can be opened. With one, each call is a primitive made on the
spot (`own_gradients`).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from operator import attrgetter
from typing import Any, ParamSpec, TypeVar

import numpy as np

from ..callsite import printable, user_line
from ..engine.array_types import Tree
from ..engine.recorder import Noted, Scope, noted
from ..engine.settings import switched
from ..engine.spec import is_floating, shape_of, spec_of
from ..engine.tensor import Tensor
from ..errors import GradientError, GradientMismatch, LostGradientError, UnsupportedError
from ..transforms.derivatives import vjp
from ..transforms.trees import flatten, paths
from ..transforms.wrapper import Pullback, Wrapper
from .graph import Mark
from .own_gradients import Application, Rules

P = ParamSpec("P")
R = TypeVar("R")
Rule = TypeVar("Rule", bound=Callable[..., Any])


class Block(Wrapper[P, R]):
    """A function that is one node in every view; see `block`.

    >>> import numpy as np
    >>> @block
    ... def softplus(x):
    ...     return np.log1p(np.exp(x))
    >>> isinstance(softplus, Block), float(softplus(0.0))
    (True, 0.6931471805599453)
    """

    def __init__(self, function: Callable[P, R]) -> None:
        super().__init__(function)
        summary = (inspect.getdoc(function) or "").partition("\n")[0]
        self._why = (
            summary or "A block of several gates; open it to see how the gradient goes through."
        )
        name = printable(self.__name__)
        self._mark = Mark(name, self._why, lambda: (attrgetter("_mark"), (self,)))
        self._rules: Rules | None = None

    def made_by(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        rules = self._rules
        return _again, (self.function, rules and rules.gradient, rules and rules.jvp)

    def __repr__(self) -> str:
        return f"<block {self.__name__}>"

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        leaves, _ = flatten((args, kwargs))
        if not any(isinstance(x, Tensor) for x in leaves):
            return self.function(*args, **kwargs)
        if self._rules is not None:
            return Application(self._rules, args, kwargs).result()
        now = noted.get() or Noted(None, None)
        scope = Scope(self._mark, now.scope, self._names(args, kwargs), user_line())
        with switched(noted, Noted(now.recorder, scope)):
            return self.function(*args, **kwargs)

    def gradient(self, rule: Rule) -> Rule:
        """Give the block the decorated function as a gradient of its own.

        ``rule(g, out, *inputs, **keywords)`` gets the upstream gradient, the output and the inputs,
        and returns the downstream gradient: that of the only input, or a tuple with one for each input
        (None for an input that gets none). Broadcasting is undone afterwards, as for every primitive.
        Where the block takes or returns containers, gradients come and go in such containers.
        Gradients of complex numbers point in the direction of steepest ascent, as those that `grad`
        returns: where the block multiplies by a complex ``a``, the rule returns ``np.conj(a) * g``.

        The block's forward pass gets plain arrays, so it may call anything that computes: SciPy, a C
        library, a loop with ``float()``. So may the rule; what cannot be looked into is left to NumPy by
        `compile`, has no parts to show, and no second derivatives.
        """
        self._rules = Rules(self, self._why, rule)
        return rule

    def jvp(self, rule: Rule) -> Rule:
        """Give the block the decorated function as its derivative forward, where its gradient cannot
        be looked into.

        ``rule(tangents, out, *inputs, **keywords)`` returns the step of the output for a step of the
        only input, or for a tuple with a step of each input. `clearprop.jvp` needs it of blocks whose
        rule computes with more than NumPy functions that Clearprop answers; of others it finds out by itself.

        >>> import math
        >>> import clearprop
        >>> @clearprop.block
        ... def cube(x):
        ...     return math.pow(x, 3)
        >>> @cube.gradient
        ... def cube_gradient(g, out, x):
        ...     return g * 3 * math.pow(x, 2)
        >>> @cube.jvp
        ... def cube_jvp(t, out, x):
        ...     return 3 * math.pow(x, 2) * t
        >>> [float(y) for y in clearprop.jvp(cube, 2.0, 10.0)]
        [8.0, 120.0]
        """
        if self._rules is None:
            raise GradientError(
                f"block {self.__name__} has no gradient of its own, so jvp follows from its parts; "
                f"give it one with @{self.__name__}.gradient first"
            )
        self._rules.jvp = rule
        return rule

    def check_gradient(
        self, *args: Tree, rtol: float = 1e-7, atol: float = 1e-10, **kwargs: Tree
    ) -> None:
        """Compare the block's own gradient with the one derived from its parts, at these arguments.

        A random upstream gradient goes through both. Raises GradientMismatch that names the input,
        the place of the largest difference and the two numbers; GradientError if there is no own one;
        UnsupportedError if none can be derived, where `clearprop.testing.assert_grads` helps.

        >>> import numpy as np
        >>> @block
        ... def cube(x):
        ...     return x * x * x
        >>> @cube.gradient
        ... def cube_gradient(g, out, x):
        ...     return g * 3 * x**2
        >>> cube.check_gradient(np.array([1.0, 2.0]))
        """
        name = self.__name__
        if self._rules is None:
            raise GradientError(
                f"block {name} has no gradient of its own to check; give it one with @{name}.gradient"
            )
        wanted = [i for i, x in enumerate(args) if _is_differentiable(x)]

        def pulled_back(function: Callable[..., Tree]) -> tuple[Tree, Pullback]:
            def f(*chosen: Tree) -> Tree:
                given = dict(zip(wanted, chosen, strict=True))
                return function(*(given.get(i, x) for i, x in enumerate(args)), **kwargs)

            return vjp(f, *(args[i] for i in wanted))

        out, own = pulled_back(self)
        try:
            _, derived = pulled_back(self.function)
        except (LostGradientError, UnsupportedError) as error:
            raise UnsupportedError(
                f"block {name} computes with what has no gradient here, so none can be derived from its "
                f"parts. clearprop.testing.assert_grads({name}, ...) compares its own gradient with central "
                f"differences."
            ) from error
        rng = np.random.default_rng(0)
        results, unflatten = flatten(out)
        g = unflatten([rng.standard_normal(shape_of(y)).astype(y.dtype)[()] for y in results])
        found, expected = flatten(own(g))[0], flatten(derived(g))[0]
        places = [(wanted[i], *rest) for i, *rest in paths(tuple(args[i] for i in wanted))]
        for path, a, b in zip(places, found, expected, strict=True):
            if not np.allclose(a, b, rtol=rtol, atol=atol, equal_nan=True):
                worst = np.unravel_index(np.argmax(np.abs(a - b)), np.shape(a))
                raise GradientMismatch(
                    f"block {name}: its own gradient for {self._rules.name_of(path)} differs from the "
                    f"derived one: at {tuple(map(int, worst))} it is {np.asarray(a)[worst]:.6g}, "
                    f"derived {np.asarray(b)[worst]:.6g}"
                )

    def _names(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[int, str]:
        try:
            bound = inspect.signature(self.function).bind(*args, **kwargs).arguments
        except TypeError:  # the call itself will say what is wrong
            return {}
        return {x.number: name for name, x in bound.items() if isinstance(x, Tensor)}


def _again(
    function: Callable[..., Any],
    gradient: Callable[..., Any] | None,
    jvp: Callable[..., Any] | None,
) -> Block[..., Any]:
    made = Block(function)
    if gradient is not None:
        made.gradient(gradient)
    if jvp is not None:
        made.jvp(jvp)
    return made


def _is_differentiable(argument: Tree) -> bool:
    """Return whether all that is in an argument can carry a gradient."""
    return all(is_floating(spec_of(x).dtype) for x in flatten(argument)[0])


def block(function: Callable[P, R]) -> Block[P, R]:
    """Make the decorated function one node in graphs, explanations and pictures.

    The node can be opened (``graph.open()``) to see its parts; blocks may contain blocks. Gradients
    are those of the parts, unless the block brings its own with ``@name.gradient``.

    >>> import clearprop, numpy as np
    >>> @block
    ... def sigmoid(x):
    ...     return 1 / (1 + np.exp(-x))
    >>> @sigmoid.gradient
    ... def sigmoid_gradient(g, out, x):
    ...     return g * out * (1 - out)
    >>> sigmoid.check_gradient(np.array([-2.0, 0.5]))
    >>> print(clearprop.trace(lambda x: sigmoid(2 * x), 0.5))  # doctest: +ELLIPSIS
    <lambda>(x: f64) {
      ...
    """
    return Block(function)
