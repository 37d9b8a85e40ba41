"""Blocks: several operations seen as one gate, at any granularity.

Without a gradient of its own, a block only marks what happens inside it: the engine differentiates
the parts, and views show one node that can be opened. With one, it is a primitive made on the spot.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import update_wrapper
from typing import Any

import numpy as np

from .backprop import conjugate
from .callsite import user_line
from .errors import GradientError, GradientMismatch, LostGradientError, ShapeError, UnsupportedError
from .primitive import Call, Primitive, each, together
from .settings import Scope, settings
from .spec import ArraySpec, shape_of, spec_of
from .tensor import Tensor, apply
from .tracing import trace
from .transforms import vjp
from .trees import flatten


class Block:
    """A function that is one node in every view; see `block`."""

    def __init__(self, function: Callable[..., Any]) -> None:
        update_wrapper(self, function)
        self.function = function
        name = function.__name__
        summary = (inspect.getdoc(function) or "").partition("\n")[0]
        self._scope_primitive = Primitive(
            name,
            None,
            _no_spec,
            each(_no_spec),
            "mixes",
            summary or "A block of several gates; open it to see how the gradient goes through.",
            Call(name),
        )
        self._primitive: Primitive | None = None

    def __repr__(self) -> str:
        return f"<block {self.function.__name__}>"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._primitive is not None:
            if any(isinstance(x, Tensor) for x in args):
                return apply(self._primitive, args, kwargs)
            self._refuse_containers(args, kwargs)
            return self.function(*args, **kwargs)
        leaves, _ = flatten((args, kwargs))
        tensors = [x for x in leaves if isinstance(x, Tensor)]
        if not tensors:
            return self.function(*args, **kwargs)
        scope = Scope(self._scope_primitive, settings.scope, self._names(args, kwargs), user_line())
        with settings.changed(scope=scope):
            return self.function(*args, **kwargs)

    def gradient(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """Decorator: give the block a gradient of its own.

        ``rule(g, out, *inputs, **keywords)`` gets the upstream gradient, the output and the inputs,
        and returns the downstream gradient: one array, or a tuple with one for each input (None for
        an input that gets none). Broadcasting is undone afterwards, as for every primitive. Gradients
        of complex numbers point in the direction of steepest ascent, as those that `grad` returns: where
        the block multiplies by a complex ``a``, the rule returns ``np.conj(a) * g``.
        """
        one_input = len(inspect.signature(self.function).parameters) == 1

        def checked(g: Any, out: Any, *inputs: Any, **keywords: Any) -> tuple[Any, ...]:
            result = rule(conjugate(g), out, *inputs, **keywords)
            parts = result if isinstance(result, tuple) else (result,)
            if len(parts) != len(inputs):
                raise GradientError(
                    f"the gradient of block {self.function.__name__} returned {len(parts)} "
                    f"value{'s' * (len(parts) != 1)} for {len(inputs)} inputs; return one for each"
                )
            parts = tuple(_as_number(part) for part in parts)
            self._check_shapes(parts, inputs)
            return tuple(part if part is None else conjugate(part) for part in parts)

        name = self.function.__name__
        self._primitive = Primitive(
            name,
            self._forward,
            self._spec,
            together(checked),
            "scales" if one_input else "mixes",
            self._scope_primitive.why,
            Call(name),
            function=self.function,
        )
        return rule

    def check_gradient(
        self, *args: Any, rtol: float = 1e-7, atol: float = 1e-10, **kwargs: Any
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
        if self._primitive is None:
            raise GradientError(
                f"block {self.function.__name__} has no gradient of its own to check; give it one with "
                f"@{self.function.__name__}.gradient"
            )
        out, own = vjp(lambda *xs: self(*xs, **kwargs), *args)
        try:
            _, derived = vjp(lambda *xs: self.function(*xs, **kwargs), *args)
        except (LostGradientError, UnsupportedError) as error:
            name = self.function.__name__
            raise UnsupportedError(
                f"block {name} computes with what has no gradient here, so none can be derived from its "
                f"parts. clearprop.testing.assert_grads({name}, ...) compares its own gradient with central "
                f"differences."
            ) from error
        g = np.random.default_rng(0).standard_normal(np.shape(out)).astype(out.dtype)[()]
        names = list(inspect.signature(self.function).parameters)
        for name, a, b in zip(names, own(g), derived(g), strict=False):
            if not np.allclose(a, b, rtol=rtol, atol=atol, equal_nan=True):
                worst = np.unravel_index(np.argmax(np.abs(a - b)), np.shape(a))
                raise GradientMismatch(
                    f"block {self.function.__name__}: its own gradient for {name} differs from the "
                    f"derived one: at {tuple(map(int, worst))} it is {np.asarray(a)[worst]:.6g}, "
                    f"derived {np.asarray(b)[worst]:.6g}"
                )

    def _check_shapes(self, parts: tuple[Any, ...], inputs: tuple[Any, ...]) -> None:
        for i, (part, x) in enumerate(zip(parts, inputs, strict=True)):
            if part is None:
                continue
            name = self._parameter(i)
            try:
                np.broadcast_shapes(part.shape, shape_of(x))
            except ValueError:
                raise ShapeError(
                    f"the gradient of block {self.function.__name__} for {name} has shape {part.shape}, but "
                    f"{name} has shape {shape_of(x)}; return one of that shape"
                ) from None

    def _parameter(self, position: int) -> str:
        names = list(inspect.signature(self.function).parameters)
        return names[position] if position < len(names) else f"input {position}"

    def _names(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[int, str]:
        try:
            bound = inspect.signature(self.function).bind(*args, **kwargs).arguments
        except TypeError:  # the call itself will say what is wrong
            return {}
        return {x.number: name for name, x in bound.items() if isinstance(x, Tensor)}

    def _forward(self, *args: Any, **kwargs: Any) -> Any:
        out = self.function(*args, **kwargs)
        if not hasattr(out, "dtype"):
            if not isinstance(out, float | int):
                raise UnsupportedError(
                    f"block {self.function.__name__} has its own gradient, so it must return one array, "
                    f"not a {type(out).__name__}"
                )
            out = np.asarray(out)[()]
        return out

    def _spec(self, *inputs: Any, **params: Any) -> ArraySpec:
        examples = [
            spec_of(x) if isinstance(x, ArraySpec | np.ndarray | np.generic | float) else x
            for x in inputs
        ]
        return trace(self.function, *examples, **params).outputs[0].spec

    def _refuse_containers(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        leaves, _ = flatten((args, kwargs))
        if any(isinstance(x, Tensor) for x in leaves):
            raise UnsupportedError(
                f"block {self.function.__name__} has its own gradient, so its differentiated inputs are "
                f"plain positional arguments; pass the arrays themselves, not containers or keywords"
            )


def _no_spec(*inputs: Any, **params: Any) -> ArraySpec:
    raise AssertionError("a block's node is read through its body")


def _as_number(part: Any) -> Any:
    return part if part is None or hasattr(part, "dtype") else np.asarray(part)[()]


def block(function: Callable[..., Any]) -> Block:
    """Decorator: make a function one node in graphs, explanations and pictures.

    The node can be opened (``graph.open()``) to see its parts; blocks may contain blocks. Gradients
    are those of the parts, unless the block brings its own with ``@name.gradient``.

    >>> import numpy as np
    >>> @block
    ... def sigmoid(x):
    ...     return 1 / (1 + np.exp(-x))
    >>> @sigmoid.gradient
    ... def sigmoid_gradient(g, out, x):
    ...     return g * out * (1 - out)
    >>> sigmoid.check_gradient(np.array([-2.0, 0.5]))
    >>> print(trace(lambda x: sigmoid(2 * x), 0.5))  # doctest: +ELLIPSIS
    <lambda>(x: f64) {
      ...
    """
    return Block(function)
