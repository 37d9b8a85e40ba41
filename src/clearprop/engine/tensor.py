"""Tensor: a value that remembers how it was made, and that plain NumPy code can work with.

A Tensor is its own graph node: `primitive` applied to `inputs` gave `value`. While tracing, `value` is
an `ArraySpec` instead of numbers; nothing else changes. Sequence numbers order the graph: an
operation has a higher `number` than all of its inputs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import GradientError, TraceError, UnsupportedError
from .array_methods import ArrayMethods
from .array_types import AnyArray, ArrayLike, DType, DTypeLike, Params, Shape, ShapeLike
from .arrays import (
    LISTS,
    NUMBERS,
    NUMERIC,
    PLAIN,
    TensorBase,
    as_inputs,
    asks_to_be_asked,
    beside,
    check_numbers,
    numbers_of,
    refuse_objects,
)
from .conversions import Conversions
from .in_place import Versions, next_number, refresh
from .late_methods import declared, defines
from .numpy_dispatch import answer_numpy, fail
from .primitive import NO_PARAMS, Primitive, numpy_table, primitives
from .recorder import Origin, noted
from .refusals import check_floating
from .settings import happened, no_grads
from .spec import ArraySpec, is_floating
from .tensor_parameters import plain_params

_ndarray = np.ndarray
_no_grads, _noted = no_grads.get, noted.get
_NO_ARRAYS = NUMBERS | {type(None)}
"""What stands beside arrays in an operation's inputs: numbers, and bounds that are None."""
_COMPARISONS = {"lt", "le", "gt", "ge", "eq", "ne"}


class Tensor(ArrayMethods, Conversions, Versions, TensorBase):
    """A NumPy value (an array or a NumPy scalar) with a memory.

    Made by `clearprop.tensor`, never directly. It has NumPy's operators, methods and attributes, is
    accepted by NumPy's functions, and has PyTorch's `backward`, `grad`, `requires_grad`, `detach`.

    Attributes
    ----------
    value : ndarray or NumPy scalar, read-only; an `ArraySpec` while tracing
    grad : None, or what `backward` has accumulated: an array of the shape and dtype of `value`
    requires_grad : whether gradients flow into it
    primitive, inputs, params : how it was made
    number : place in the order of making
    before : the Tensor that stands for the old value, once this one was changed in place

    >>> import clearprop, numpy as np
    >>> x = clearprop.tensor([1.0, 2.0])
    >>> y = np.sum(x**2)
    >>> y.backward()
    >>> y.value, x.grad
    (np.float64(5.0), array([2., 4.]))
    """

    __slots__ = (
        "_value",
        "before",
        "grad",
        "inputs",
        "is_past",
        "number",
        "origin",
        "params",
        "primitive",
        "requires_grad",
        "retains_grad",
    )

    def __init__(
        self,
        value: AnyArray,
        primitive: Primitive | None,
        inputs: tuple[AnyArray, ...],
        params: Params,
        requires_grad: bool,
        origin: Origin | None = None,
    ) -> None:
        self._value = value
        self.primitive = primitive
        self.inputs = inputs
        self.params = params
        self.requires_grad = requires_grad
        self.origin = origin
        self.number = next_number()
        self.grad: AnyArray = None
        self.retains_grad = False

    # ---- what it is

    @property
    def value(self) -> AnyArray:
        if happened.views_may_lag:
            refresh((self,))
        return self._value

    @property
    def shape(self) -> Shape:
        return self._value.shape

    @shape.setter
    def shape(self, shape: ShapeLike) -> None:
        raise UnsupportedError(f"t.shape = {shape} of a tensor: write t = t.reshape({shape})")

    @property
    def dtype(self) -> DType:
        return self._value.dtype

    @property
    def ndim(self) -> int:
        return self._value.ndim

    @property
    def size(self) -> int:
        return self._value.size

    @property
    def is_leaf(self) -> bool:
        """True if no gradient passes through it: the user made it, or it requires none."""
        return self.primitive is None or not self.requires_grad

    def __repr__(self) -> str:
        if not self.is_known:
            return f"<unknown {self.value}>"
        made = f", made by {self.primitive.name}" if self.primitive else ""
        flag = "" if self.requires_grad else ", requires_grad=False"
        value = np.array2string(np.asarray(self.value), separator=", ", prefix="tensor(")
        return f"tensor({value}{flag}{made})"

    def __str__(self) -> str:
        return str(self.value)

    def __format__(self, spec: str) -> str:
        return format(self.value, spec) if self.is_known else str(self.value)

    # ---- gradients

    @declared
    def backward(
        self,
        gradient: ArrayLike | None = None,
        *,
        retain_graph: bool = False,
        create_graph: bool = False,
    ) -> None:
        """Add the gradient of this value to the `grad` of every leaf that it was made from.

        Parameters
        ----------
        gradient : array of this tensor's shape; the upstream gradient. Needed unless it is a scalar.
        retain_graph : keep what a second `backward` through the same operations needs.
        create_graph : make `grad` a Tensor that can be differentiated again.

        Raises
        ------
        GradientError : nothing requires a gradient; not a scalar; or the graph is already freed.
        ShapeError : `gradient` has another shape.

        >>> import clearprop
        >>> x = clearprop.tensor(3.0)
        >>> (x * x).backward()
        >>> float(x.grad)
        6.0
        """

    def zero_grad(self) -> None:
        """Forget the accumulated gradient, like ``x.grad = None``."""
        self.grad = None

    def retain_grad(self) -> None:
        """Keep this intermediate value's gradient in `grad` at the next `backward`."""
        if not self.requires_grad:
            raise GradientError("retain_grad() on a tensor that requires no gradient")
        self.retains_grad = True

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Switch `requires_grad` of a leaf in place and return it, as in PyTorch."""
        if not self.is_leaf:
            raise GradientError("this is no leaf; .detach() gives one with the same value")
        if requires_grad:
            check_floating(self.value)
        self.requires_grad = requires_grad
        return self

    def detach(self) -> Tensor:
        """Return the same value, through which no gradient flows."""
        return primitives.stop_gradient(self)

    # ---- pickles

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """Return what `pickle` keeps: a leaf's value, gradient and name, as in PyTorch."""
        if not self.is_leaf:
            raise GradientError(
                "a result of operations cannot be pickled or deep-copied, since its history would be lost: "
                "detach() first. (.copy() makes a copy that gradients pass through.)"
            )
        if not self.is_known:
            raise TraceError(
                f"a tensor of shape {self.shape} without a value was to be pickled while tracing; "
                f"copy.deepcopy(t) makes a copy of it"
            )
        name = self.origin.name if self.origin else None
        return _leaf, (self.value, self.requires_grad, self.grad, name)

    # ---- NumPy's protocols

    __array_priority__ = 1000.0

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: AnyArray, **kwargs: Any
    ) -> AnyArray:
        if method == "__call__":
            for x in inputs:
                if type(x) is not Tensor and type(x) not in PLAIN:
                    inputs = tuple(beside(x, ufunc.__name__) for x in inputs)
                    break
            if not kwargs:
                answer = numpy_table.get(ufunc)
                if type(answer) is Primitive:
                    return apply(answer, inputs)
            function: Any = ufunc
        else:
            function = getattr(ufunc, method)
        return answer_numpy(function, inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return answer_numpy(function, args, kwargs)


def tensor(
    data: ArrayLike,
    dtype: DTypeLike = None,
    *,
    requires_grad: bool | None = None,
    name: str | None = None,
) -> Tensor:
    """Make a leaf: a copy of `data` that gradients can flow into.

    Parameters
    ----------
    data : a number, a (nested) list of numbers, an array, or a Tensor (whose value is copied)
    dtype : NumPy dtype; by default NumPy's choice for `data`
    requires_grad : by default True for floating and complex data, False for integers and booleans
    name : shown in explanations; by default the name of the caller's variable

    Raises
    ------
    DtypeError : `requires_grad=True` for integers or booleans, or `data` are no numbers.
    UnsupportedError : NumPy makes no array of `data`, or it has a mask or units, which would be lost.

    >>> import clearprop, numpy as np
    >>> x = clearprop.tensor([1.0, 2.0])
    >>> np.sum(x**2).backward()
    >>> x.grad
    array([2., 4.])
    """
    if isinstance(data, Tensor):
        data = data.detach().value
    if type(data) not in PLAIN and type(data) not in LISTS:
        data = numbers_of(data, "tensor got")
    value = np.array(data, dtype=dtype)
    if value.dtype.kind not in NUMERIC:
        check_numbers(value, "tensor got")
    value.setflags(write=False)
    if requires_grad:
        check_floating(value)
    wants = is_floating(value.dtype) if requires_grad is None else requires_grad
    value = value if value.ndim else value[()]  # NumPy's view of it would look like one of ours
    return Tensor(value, None, (), NO_PARAMS, wants, Origin(name) if name else None)


def _leaf(value: AnyArray, requires_grad: bool, grad: AnyArray, name: str | None) -> Tensor:
    """Make what was pickled."""
    made = tensor(value, requires_grad=requires_grad, name=name)
    made.grad = grad
    return made


def apply(primitive: Primitive, inputs: tuple[AnyArray, ...], params: Params = NO_PARAMS) -> Tensor:
    """Apply a primitive to Tensors and plain values; the result remembers it if a gradient may come."""
    if _noted() is not None:
        return _apply_recording(primitive, inputs, params)
    if happened.views_may_lag:
        refresh(inputs)
    values: list[AnyArray] = []
    for x in inputs:
        if type(x) is Tensor:
            values.append(x._value)
        elif (
            type(x) in _NO_ARRAYS
            or (type(x) is _ndarray and x.dtype.kind in NUMERIC)
            or primitive.function is not None
        ):
            values.append(x)
        else:
            return apply(primitive, as_inputs(primitive.name, inputs), params)
    try:
        value = primitive.forward(*values, **params)
    except Exception as error:
        fail(primitive, values, error)
    if type(value) is _ndarray:
        if value.dtype.hasobject:
            refuse_objects(value, f"{primitive.name} made")
        value.setflags(False)  # type: ignore[call-arg]  # read-only; half the time of write=False
    elif type(value) is complex:  # as Python makes it of 1j and a NumPy float
        value = np.complex128(value)
    if primitive.put and not happened.views:
        happened.note(views=True)
    if primitive.differentiable:
        for x in inputs:
            if type(x) is Tensor and x.requires_grad:
                if not _no_grads():
                    return Tensor(value, primitive, inputs, params, True)
                break
    if primitive.put:  # a view must know its base, to notice when that changes
        return Tensor(value, primitive, inputs, params, False)
    return Tensor(value, None, (), NO_PARAMS, False)


def install_operator(name: str, primitive: Primitive) -> None:
    """Give Tensors the operator that a primitive answers.

    `name` is that of Python's method: ``"add"`` for ``__add__`` and, with two inputs, ``__radd__``.
    """
    if len(primitive.vjp) == 1:  # type: ignore[arg-type]
        setattr(Tensor, f"__{name}__", lambda self: apply(primitive, (self,)))
        return
    setattr(Tensor, f"__{name}__", _binary_operator(primitive))

    def reflected(self: Tensor, x: AnyArray) -> Tensor:
        return apply(primitive, (x if type(x) in PLAIN else beside(x, primitive.name), self))

    def in_place(self: Tensor, x: AnyArray) -> AnyArray:
        return self._change(primitive, x)

    if name not in _COMPARISONS:
        setattr(Tensor, f"__r{name}__", reflected)
        setattr(Tensor, f"__i{name}__", in_place)


def _binary_operator(primitive: Primitive) -> Callable[[Tensor, AnyArray], Tensor]:
    """Return `apply` for an operator, unrolled: scalar programs are made of these."""
    forward = primitive.forward
    differentiable = primitive.differentiable

    def operator_method(self: Tensor, other: AnyArray) -> Tensor:
        if happened.views_may_lag:
            refresh((self, other))
        x, y = self._value, other
        requires_grad = self.requires_grad
        if type(other) is Tensor:
            y = other._value
            requires_grad = requires_grad or other.requires_grad
        elif type(other) not in NUMBERS and (
            type(other) is not _ndarray or other.dtype.kind not in NUMERIC
        ):
            if asks_to_be_asked(other):
                return NotImplemented
            other = y = beside(other, primitive.name, x.dtype)
            if type(other) is Tensor:  # a list that held some
                return apply(primitive, (self, other))
        if _noted() is not None:
            return _apply_recording(primitive, (self, other), NO_PARAMS)
        try:
            value = forward(x, y)
        except Exception as error:
            fail(primitive, [x, y], error)
        if type(value) is _ndarray:
            value.setflags(False)  # type: ignore[call-arg]
        elif type(value) is complex:
            value = np.complex128(value)
        if requires_grad and differentiable and not _no_grads():
            return Tensor(value, primitive, (self, other), NO_PARAMS, True)
        return Tensor(value, None, (), NO_PARAMS, False)

    return operator_method


def _apply_recording(primitive: Primitive, inputs: tuple[AnyArray, ...], params: Params) -> Tensor:
    """Run `apply` while gradients are off, a trace or an explanation records, or a block is open."""
    if happened.views_may_lag:
        refresh(inputs)
    if primitive.put:
        happened.note(views=True)
    if primitive.function is None:
        inputs = as_inputs(primitive.name, inputs)
    recorder, scope = _noted() or (None, None)
    params = plain_params(primitive, params)
    values, unknown, wants = [], False, False
    for x in inputs:
        if type(x) is Tensor:
            wants = wants or x.requires_grad
            x = x._value
        unknown = unknown or type(x) is ArraySpec
        values.append(x)
    compute = primitive.spec if unknown and recorder and recorder.tracing else primitive.forward
    try:
        value = compute(*values, **params)
    except Exception as error:
        fail(primitive, values, error)
    if type(value) is _ndarray:
        refuse_objects(value, f"{primitive.name} made")
        value.setflags(False)  # type: ignore[call-arg]  # read-only; half the time of write=False
    elif type(value) is complex:
        value = np.complex128(value)
    requires_grad = wants and primitive.differentiable and not _no_grads()
    if recorder is not None:
        inputs = recorder.as_now(inputs)
        return Tensor(value, primitive, inputs, params, requires_grad, recorder.note(scope))
    if not requires_grad and not primitive.put:
        return Tensor(value, None, (), NO_PARAMS, False)
    return Tensor(value, primitive, inputs, params, requires_grad, Origin(scope=scope))


@defines(Primitive.__call__)
def _call(self: Primitive, *inputs: AnyArray, **params: Any) -> AnyArray:
    if params:
        for p in params.values():
            if type(p) is Tensor:
                return self(*inputs, **plain_params(self, params))
    for x in inputs:
        if type(x) is Tensor:
            return apply(self, inputs, params)
    return self.forward(*inputs, **params)
