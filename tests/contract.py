"""What every primitive promises, as checks that raise AssertionError where a promise is broken.

`test_primitives.py` runs them on the registry, `test_the_tester.py` on primitives that are wrong on
purpose.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

import clearprop
from clearprop.engine.bundle import Bundle, as_bundle
from clearprop.engine.primitive import Draw, Primitive, Sample, each, together
from clearprop.engine.spec import ArraySpec, spec_of
from clearprop.engine.tensor import Tensor
from clearprop.errors import TraceError
from tests.numeric import STEP, normal_like, same_value, slope_along, slopes

CONSTANTS = {("copysign", 1), ("heaviside", 0), ("nextafter", 1)}
"""Floating inputs without a rule, beside others that have one: the output is piecewise constant in them."""


NOT_REPEATABLE = {"logm": 1e6, "log_softmax": 8}
"""How far apart two runs of the same may be, in units of rounding: SciPy estimates norms with random vectors;
rows are added up by BLAS where they are arrays.
"""


@dataclass(frozen=True)
class Case:
    """A primitive with arguments to try it on."""

    record: Primitive
    inputs: tuple[Any, ...]
    params: dict[str, Any]

    def __call__(self, *inputs: Any) -> Any:
        return self.record(*inputs, **self.params)

    def with_inputs(self, changed: dict[int, Any]) -> tuple[Any, ...]:
        return tuple(changed.get(i, x) for i, x in enumerate(self.inputs))

    @property
    def smooth(self) -> tuple[int, ...]:
        """Positions of the inputs that a gradient is due to."""
        rules = self.rules()
        return tuple(i for i, x in enumerate(self.inputs) if is_real(x) and rules[i] is not None)

    def rules(self) -> list[Any]:
        """One rule for each input, or None."""
        vjp, count = self.record.vjp, len(self.inputs)
        if isinstance(vjp, each):
            return [vjp[i] for i in range(count)]
        if isinstance(vjp, together):
            shared = vjp.rule

            def part(i: int) -> Any:
                return lambda *args, **params: shared(*args, **params)[i]

            return [part(i) for i in range(count)]
        return [*vjp, *[None] * (count - len(vjp))]


def make_case(record: Primitive, sample: Sample, dtype: str = "float64", seed: int = 1) -> Case:
    """Draw a sample's inputs, the floating ones in `dtype`."""
    inputs = (in_precision(x, dtype) for x in sample.draw(seed))
    if "hermitian" in record.traits:
        record = of_symmetric(record)
    return Case(record, tuple(inputs), dict(sample.params))


def of_symmetric(record: Primitive) -> Primitive:
    """The record as a function of any matrix, of which the symmetric part is taken: both triangles count."""
    assert isinstance(record.vjp, tuple)
    (rule,) = record.vjp
    assert rule is not None

    def half(a: Any) -> Any:
        return (a + np.conj(a).mT) / 2

    return replace(
        record,
        forward=lambda a, **params: record(half(a), **params),
        vjp=(lambda g, out, a, **params: half(rule(g, out, half(a), **params)),),
    )


def in_precision(x: Any, dtype: str) -> Any:
    """Floating and complex numbers in the precision of `dtype`, anything else as it is."""
    if is_complex(x):
        return x.astype(np.result_type(dtype, np.complex64))
    return x.astype(dtype) if is_real(x) else x


def as_real(case: Case) -> Case:
    """The case as one real function of real arrays, which the checks are about.

    A complex array is an array of pairs of numbers, and several results stand one after the other.
    """
    outs = as_bundle(case(*case.inputs))
    complex_inputs = [is_complex(x) for x in case.inputs]
    if len(outs) == 1 and not any(map(is_complex, (*outs, *case.inputs))):
        return case
    shapes = [(np.shape(y), is_complex(y)) for y in outs]
    dtypes = [y.dtype for y in outs]

    def natural(xs: Any) -> list[Any]:
        return [joined(x) if c else x for x, c in zip(xs, complex_inputs, strict=True)]

    def natural_spec(x: Any) -> Any:
        return ArraySpec(x.shape[:-1], np.result_type(x.dtype, np.complex64))

    def joined(pairs: Any) -> Any:
        return pairs[..., 0] + 1j * pairs[..., 1]

    def vector(outs: Any) -> Any:
        parts = [
            np.stack([y.real, y.imag], -1) if is_complex else y
            for y, (_, is_complex) in zip(outs, shapes, strict=True)
        ]
        return np.concatenate([np.reshape(y, -1) for y in parts])

    def results(flat: Any, sign: int = 1) -> Any:
        parts, start = [], 0
        for (shape, is_complex), dtype in zip(shapes, dtypes, strict=True):
            full = (*shape, 2) if is_complex else shape
            part = flat[start : start + math.prod(full)].reshape(full)
            part = part if dtype.kind in "fc" else part.astype(dtype)
            parts.append(part[..., 0] + sign * 1j * part[..., 1] if is_complex else part)
            start += math.prod(full)
        return Bundle(parts) if len(parts) > 1 else parts[0]

    def forward(*xs: Any, **params: Any) -> Any:
        return vector(as_bundle(case.record(*natural(xs), **params)))

    def spec(*xs: Any, **params: Any) -> ArraySpec:
        specs = (natural_spec(x) if c else x for x, c in zip(xs, complex_inputs, strict=True))
        found = as_bundle(case.record.spec(*specs, **params))
        assert [(s.shape, s.dtype.kind == "c") for s in found] == shapes
        assert [s.dtype for s in found] == [y.dtype for y in outs]
        size = sum(
            s.size * (1 + is_complex) for s, (_, is_complex) in zip(found, shapes, strict=True)
        )
        return ArraySpec((size,), np.result_type(*(y.real.dtype for y in outs)))

    def rule(position: int, g: Any, out: Any, *xs: Any, **params: Any) -> Any:
        rule = case.rules()[position]
        downstream = rule(results(g, -1), results(out), *natural(xs), **params)
        if complex_inputs[position]:
            return np.stack([np.real(downstream), -np.imag(downstream)], -1)
        return np.real(downstream)

    rules = [partial(rule, i) if r is not None else None for i, r in enumerate(case.rules())]
    record = replace(case.record, forward=forward, spec=spec, vjp=tuple(rules), traits=frozenset())
    inputs = (np.stack([x.real, x.imag], -1) if is_complex(x) else x for x in case.inputs)
    return Case(record, tuple(inputs), case.params)


def is_real(x: Any) -> bool:
    """Whether `x` is a floating array or NumPy scalar. (Python numbers are constants.)"""
    return isinstance(x, np.ndarray | np.floating) and x.dtype.kind == "f"


def is_complex(x: Any) -> bool:
    """Whether `x` is a complex array or NumPy scalar."""
    return isinstance(x, np.ndarray | np.complexfloating) and x.dtype.kind == "c"


def variants(record: Primitive) -> tuple[Sample, ...]:
    """For an elementwise primitive: its first sample drawn 0-d, empty, and stretched both ways."""
    drawn = [s for s in record.samples if all(isinstance(x, Draw) for x in s.inputs)]
    if "elementwise" not in record.traits or not drawn:
        return ()
    inputs, params = drawn[0].inputs, drawn[0].params
    shapes: tuple[tuple[tuple[int, ...], ...], ...] = (((),), ((0,),), ((1, 1),))
    if len(inputs) == 2:
        shapes = (((), ()), ((0, 3), (3,)), ((2, 1, 3), (4, 1)), ((3,), (2, 1, 1)), ((), (1, 2)))
    return tuple(
        Sample(*(replace(x, shape=s) for x, s in zip(inputs, shape, strict=True)), **params)
        for shape in shapes
        if len(shape) == len(inputs)
    )


def fitted(g: Any, shape: tuple[int, ...]) -> Any:
    """`g` as the sweep fits it to a real input: its real part, added up where larger than `shape`, repeated
    where smaller.
    """
    g = np.real(g)
    g = g.sum(tuple(range(g.ndim - len(shape))))
    g = np.reshape(g, (1,) * (len(shape) - g.ndim) + g.shape)
    axes = tuple(i for i, n in enumerate(shape) if n == 1 and g.shape[i] != 1)
    return np.broadcast_to(g.sum(axes, keepdims=True), shape)[()]


def close(actual: Any, expected: Any, what: str, rtol: float = 1e-7, atol: float = 1e-8) -> None:
    np.testing.assert_allclose(actual, expected, rtol, atol, err_msg=what, strict=False)
    assert np.shape(actual) == np.shape(expected), f"{what}: {np.shape(actual)}"


def _upstream(case: Case, seed: int = 2) -> tuple[Any, Any]:
    out = case(*case.inputs)
    return out, normal_like(np.random.default_rng(seed), out, out.dtype)


# ---- the checks


def check_spec(case: Case) -> None:
    """The spec rule gives the shape and dtype of the real result."""
    out = case(*case.inputs)
    known = tuple(spec_of(x) if is_real(x) else x for x in case.inputs)
    unknown = tuple(spec_of(x) if hasattr(x, "dtype") else x for x in case.inputs)
    for inputs in (known, unknown):
        try:
            spec = case.record.spec(*inputs, **case.params)
        except TraceError:  # a mask must be known: how many entries it picks is a shape
            assert any(isinstance(x, ArraySpec) and x.dtype == bool for x in inputs), "spec refuses"
            continue
        assert (spec.shape, spec.dtype) == (np.shape(out), out.dtype), f"spec: {spec} for {out!r}"


def check_rules_complete(case: Case) -> None:
    """A primitive with a gradient has a rule for each floating input."""
    if not case.record.differentiable:
        return
    for i, (x, rule) in enumerate(zip(case.inputs, case.rules(), strict=True)):
        if is_real(x) and (case.record.name, i) not in CONSTANTS:
            assert rule is not None, f"input {i} has no rule"


def check_steps(case: Case) -> None:
    """A primitive without any gradient is flat, unless it cuts on purpose."""
    if "detaches" in case.record.traits:
        return
    out = case(*case.inputs)
    for i, x in enumerate(case.inputs):
        if is_real(x):
            for step in (STEP, -STEP):
                assert same_value(case(*case.with_inputs({i: x + step})), out), f"not flat in {i}"


def check_gradients(case: Case) -> None:
    """Each rule, each input alone and all together: equal to central differences."""
    out, g = _upstream(case)
    rules, together_ = case.rules(), {}
    for i in case.smooth:
        x = case.inputs[i]

        def weighed(x: Any, i: int = i) -> Any:
            return np.sum(g * case(*case.with_inputs({i: x})))

        expected = slopes(weighed, x)
        downstream = rules[i](g, out, *case.inputs, **case.params)
        close(fitted(downstream, x.shape), expected, f"the rule of input {i}")
        alone = clearprop.tensor(x)
        case(*case.with_inputs({i: alone})).backward(g)
        close(alone.grad, expected, f"input {i} alone")
        together_[i] = (clearprop.tensor(x), expected)
    tensors = {i: t for i, (t, _) in together_.items()}
    case(*case.with_inputs(tensors)).backward(g)
    for i, (t, expected) in together_.items():
        close(t.grad, expected, f"input {i} with the others")


def check_second_order(case: Case) -> None:
    """The gradient of the gradient equals differences of the gradient, along random directions."""
    _, g = _upstream(case)
    rng = np.random.default_rng(3)
    weights = [normal_like(rng, case.inputs[i]) for i in case.smooth]

    def contracted(g: Any, *xs: Any) -> Any:
        full = dict(zip(case.smooth, xs, strict=True))

        def f(*xs: Any) -> Any:
            return case(*case.with_inputs(dict(zip(case.smooth, xs, strict=True))))

        _, pullback = clearprop.vjp(f, *full.values())
        return sum(np.sum(w * d) for w, d in zip(weights, pullback(g), strict=True))

    at = (g, *(case.inputs[i] for i in case.smooth))
    second = clearprop.grad(contracted, tuple(range(len(at))))(*at)
    for i, (x, d) in enumerate(zip(at, second, strict=True)):
        direction = tuple(
            normal_like(rng, y) if i == j else np.zeros(np.shape(y))[()] for j, y in enumerate(at)
        )
        expected = slope_along(contracted, at, direction)
        assert d.shape == x.shape
        close(np.sum(d * direction[i]), expected, f"second order, variable {i} (0: upstream)")


def check_dot_product(case: Case) -> None:
    """⟨g, J v⟩ from jvp equals ⟨Jᵀ g, v⟩ from vjp."""
    _, g = _upstream(case)
    rng = np.random.default_rng(4)

    def f(*xs: Any) -> Any:
        return case(*case.with_inputs(dict(zip(case.smooth, xs, strict=True))))

    xs = tuple(case.inputs[i] for i in case.smooth)
    vs = tuple(normal_like(rng, x) for x in xs)
    _, forward = clearprop.jvp(f, xs, vs)
    _, pullback = clearprop.vjp(f, *xs)
    backward = sum(np.sum(w * v) for w, v in zip(pullback(g), vs, strict=True))
    close(np.sum(g * forward), backward, "dot product", 1e-10, 1e-12)


def check_dtypes(record: Primitive, sample: Sample) -> None:
    """A gradient has its input's shape and dtype: in float32, and where dtypes are mixed."""
    single, double = make_case(record, sample, "float32"), make_case(record, sample)
    mixed = Case(record, (*single.inputs[:1], *double.inputs[1:]), single.params)
    for case in map(as_real, (single, mixed, double)):
        out, g = _upstream(case)
        tensors = {i: clearprop.tensor(case.inputs[i]) for i in case.smooth}
        result = case(*case.with_inputs(tensors))
        assert (result.shape, result.dtype) == (out.shape, out.dtype), f"{result.dtype}"
        result.backward(g)
        for i, t in tensors.items():
            assert isinstance(t.grad, np.ndarray | np.generic), f"gradient {i} is {type(t.grad)}"
            assert t.grad.dtype == t.dtype == case.inputs[i].dtype, f"gradient {i}: {t.grad.dtype}"
            assert t.grad.shape == t.shape == case.inputs[i].shape, f"gradient {i}: {t.grad.shape}"


def check_memory(case: Case) -> None:
    """Nothing changes what it is given; a rule returns g, a view of g, or new memory."""
    inputs = [np.array(x) for x in case.inputs]
    out, g = _upstream(case)
    given = (g, out, *case.inputs)
    before = (np.array(g), np.array(out), *inputs)
    for i in case.smooth:
        downstream = case.rules()[i](g, out, *case.inputs, **case.params)
        for x in (out, *case.inputs):
            if isinstance(x, np.ndarray) and isinstance(downstream, np.ndarray):
                assert not np.shares_memory(downstream, x), f"downstream {i} is an input's memory"
    for x, old in zip(given, before, strict=True):
        assert same_value(x, old), "a function wrote into what it was given"


def check_on_tensors(case: Case) -> None:
    """Forward and rules give the same on Tensors as on arrays, so that gradients can be nested."""
    out, g = _upstream(case)

    def lift(x: Any) -> Any:
        return clearprop.tensor(x) if hasattr(x, "dtype") else x

    inputs = tuple(lift(x) for x in case.inputs)
    result = case(*inputs)
    assert isinstance(result, Tensor), f"forward gave {type(result)}"
    assert same_value(result.value, out), "forward differs on Tensors"
    for i in case.smooth:
        plain = case.rules()[i](g, out, *case.inputs, **case.params)
        lifted = case.rules()[i](lift(g), lift(out), *inputs, **case.params)
        assert isinstance(lifted, Tensor), f"rule {i} gave {type(lifted)}"
        unit = np.finfo(plain.dtype).eps if plain.dtype.kind in "fc" else 0.0
        rounding = float(NOT_REPEATABLE.get(case.record.name, 0) * unit)
        close(lifted.value, plain, f"rule {i} on Tensors", max(rounding, 1e-15), rounding)


def check_read_only(case: Case) -> None:
    """A value that was made is protected, and what it was made from is left alone."""
    tensors = {i: clearprop.tensor(x) for i, x in enumerate(case.inputs) if hasattr(x, "dtype")}
    result = case(*case.with_inputs(tensors))
    for value in (result.value, *(t.value for t in tensors.values())):
        if isinstance(value, np.ndarray):
            assert not value.flags.writeable, "a value can be written to"
    for i, t in tensors.items():
        assert same_value(t.value, case.inputs[i]), f"input {i} was changed"


# ---- what the traits say, of values


def check_traits(case: Case) -> None:
    """What readers are told of a primitive is so."""
    for trait in case.record.traits:
        _TRAIT_CHECKS[trait](case)


def _arrays(case: Case) -> dict[int, Any]:
    return {i: x for i, x in enumerate(case.inputs) if is_real(x) or is_complex(x)}


def _elementwise(case: Case) -> None:
    out, inputs = case(*case.inputs), np.broadcast_arrays(*case.inputs)
    assert np.shape(out) == inputs[0].shape, "an entry for each entry"
    for place in list(np.ndindex(np.shape(out)))[:2]:
        alone = [x if y.shape == () else y[place] for x, y in zip(case.inputs, inputs, strict=True)]
        close(case(*alone), out[place], f"the entry at {place} alone")


def _view(case: Case) -> None:
    x, out = case.inputs[0], case(*case.inputs)
    if isinstance(x, np.ndarray) and isinstance(out, np.ndarray) and out.size:
        assert np.shares_memory(x, out), "new memory"


def _keeps(case: Case) -> None:
    x, out = case.inputs[0], case(*case.inputs)
    if np.size(out) == np.size(x):
        close(np.ravel(out), np.ravel(x).astype(out.dtype), "in another order")


def _linear(case: Case) -> None:
    out = case(*case.inputs)
    for i, x in _arrays(case).items():
        c, y = 2.5 - 1.5j if is_complex(x) else -2.5, np.cos(x)
        result = case(*case.with_inputs({i: c * x + y}))
        close(result, c * out + case(*case.with_inputs({i: y})), f"linear in {i}")


def _conjugates(case: Case) -> None:
    if "dtype" not in case.params:  # and not of real numbers alone
        case = replace(case, inputs=tuple(x + 0.3j * x if is_real(x) else x for x in case.inputs))
    turned = [np.conj(x)[()] if np.iscomplexobj(x) else x for x in case.inputs]
    close(case(*turned), np.conj(case(*case.inputs)), "of conjugates")


def _hermitian(case: Case) -> None:
    (a,) = case.inputs
    outs = as_bundle(case(a))
    others = (a + part(np.ones_like(a), k) for part, k in ((np.tril, -1), (np.triu, 1)))
    results = [as_bundle(case(other)) for other in others]
    same = [all(map(same_value, outs, result)) for result in results]
    assert any(same), "reads both triangles"
    assert a.shape[-1] < 2 or not a.size or not all(same), "reads neither triangle"


def _detaches(case: Case) -> None:
    assert not case.record.differentiable, "has a gradient"


_TRAIT_CHECKS = {
    "elementwise": _elementwise,
    "view": _view,
    "keeps": _keeps,
    "linear": _linear,
    "conjugates": _conjugates,
    "hermitian": _hermitian,
    "detaches": _detaches,
}


ALWAYS = (check_spec, check_rules_complete, check_on_tensors, check_read_only)
WITH_GRADIENT = (check_gradients, check_second_order, check_dot_product, check_memory)
