"""A check that accepts everything proves nothing: wrong primitives, each to be rejected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from clearprop.engine.broadcasting import broadcast_shapes
from clearprop.engine.primitive import (
    Call,
    Draw,
    Infix,
    Primitive,
    Sample,
    Trait,
    floats,
    primitive,
    primitives,
)
from clearprop.engine.spec import ArraySpec
from clearprop.errors import ClearpropError
from tests import contract

SQUARES = Sample(floats(3, 3), floats(3, 3))
STRETCHED = Sample(floats(3, 1), floats(4))


def _product_spec(x: Any, y: Any) -> ArraySpec:
    return ArraySpec(broadcast_shapes(x.shape, y.shape), np.result_type(x.dtype, y.dtype))


def _by_y(g: Any, out: Any, x: Any, y: Any) -> Any:
    return g * y


def _by_x(g: Any, out: Any, x: Any, y: Any) -> Any:
    return g * x


PRODUCT = Primitive(
    "product", lambda x, y: x * y, _product_spec, (_by_y, _by_x), "swaps", "Right.", Infix("*", 20)
)
MATMUL = Primitive(
    "matrix product",
    lambda x, y: x @ y,
    lambda x, y: ArraySpec((x.shape[0], y.shape[1]), np.result_type(x.dtype, y.dtype)),
    (lambda g, out, x, y: g @ y.T, lambda g, out, x, y: x.T @ g),
    "mixes",
    "Right.",
    Infix("@", 20),
)
CUBE = Primitive(
    "cube",
    lambda x: x * x * x,
    lambda x: ArraySpec(x.shape, x.dtype),
    (lambda g, out, x: g * (3 * x * x),),
    "scales",
    "Right.",
    Call("cube"),
)
TOTAL = Primitive(
    "total",
    lambda x: x.sum(0),
    lambda x: ArraySpec(x.shape[1:], x.dtype),
    (lambda g, out, x: g * np.ones_like(x),),
    "spreads",
    "Right.",
    Call("total"),
)
SOFTMAX = Primitive(
    "shares",
    lambda x: np.exp(x) / np.sum(np.exp(x)),
    lambda x: ArraySpec(x.shape, x.dtype),
    (lambda g, out, x: out * (g - np.sum(g * out)),),
    "mixes",
    "Right.",
    Call("shares"),
)
ROUND = Primitive(
    "round",
    np.rint,
    lambda x: ArraySpec(x.shape, x.dtype),
    (None,),
    "blocks",
    "Right.",
    Call("round"),
)


def _write_into_g(g: Any, out: Any, x: Any) -> Any:
    result = g * (3 * x * x)
    if isinstance(g, np.ndarray):
        g *= 2
    return result


def _write_into_x(x: Any) -> Any:
    result = x * x * x
    if isinstance(x, np.ndarray) and x.flags.writeable:
        x += 1
    return result


def _gradient_of_values(g: Any, out: Any, x: Any) -> Any:
    return g * (3 * primitives.stop_gradient(x) * x)


def _only_arrays(g: Any, out: Any, x: Any) -> Any:
    return np.multiply(np.array(g), 3 * np.array(x) ** 2)


CUBES = Sample(floats(3, 3))
WRONG: dict[str, tuple[Primitive, Sample, Callable[..., None]]] = {
    "sign": (
        replace(PRODUCT, vjp=(_by_y, lambda g, out, x, y: -g * x)),
        SQUARES,
        contract.check_gradients,
    ),
    "factor of two": (
        replace(CUBE, vjp=(lambda g, out, x: g * (6 * x * x),)),
        CUBES,
        contract.check_gradients,
    ),
    "rules in the wrong order": (
        replace(PRODUCT, vjp=(_by_x, _by_y)),
        SQUARES,
        contract.check_gradients,
    ),
    "transposed product": (
        replace(MATMUL, vjp=(lambda g, out, x, y: g @ y, lambda g, out, x, y: x.T @ g)),
        SQUARES,
        contract.check_gradients,
    ),
    "transposed result": (
        replace(MATMUL, vjp=(lambda g, out, x, y: (g @ y.T).T, lambda g, out, x, y: x.T @ g)),
        SQUARES,
        contract.check_gradients,
    ),
    "missing term": (
        replace(PRODUCT, forward=lambda x, y: x * y + 0.5 * x),
        SQUARES,
        contract.check_gradients,
    ),
    "missing sum": (
        replace(SOFTMAX, vjp=(lambda g, out, x: out * (g - g * out),)),
        Sample(floats(3)),
        contract.check_gradients,
    ),
    "missing upstream": (
        replace(CUBE, vjp=(lambda g, out, x: 3 * x * x,)),
        CUBES,
        contract.check_gradients,
    ),
    "missing rule": (replace(PRODUCT, vjp=(_by_y, None)), SQUARES, contract.check_rules_complete),
    "right once, constant the second time": (
        replace(CUBE, vjp=(_gradient_of_values,)),
        CUBES,
        contract.check_second_order,
    ),
    "not linear in the upstream gradient": (
        replace(CUBE, vjp=(lambda g, out, x: g * g * (3 * x * x),)),
        CUBES,
        contract.check_dot_product,
    ),
    "rule for arrays alone": (
        replace(CUBE, vjp=(_only_arrays,)),
        CUBES,
        contract.check_on_tensors,
    ),
    "spec with a wrong shape": (
        replace(MATMUL, spec=lambda x, y: ArraySpec((y.shape[1], x.shape[0]), x.dtype)),
        Sample(floats(2, 3), floats(3, 4)),
        contract.check_spec,
    ),
    "spec that forgets to broadcast": (
        replace(PRODUCT, spec=lambda x, y: ArraySpec(x.shape, x.dtype)),
        STRETCHED,
        contract.check_spec,
    ),
    "spec with a wrong dtype": (
        replace(CUBE, spec=lambda x: ArraySpec(x.shape, np.dtype("float32"))),
        CUBES,
        contract.check_spec,
    ),
    "spec that raises": (
        replace(CUBE, spec=lambda x: ArraySpec((x.shape[7],), x.dtype)),
        CUBES,
        contract.check_spec,
    ),
    "downstream is the input": (
        replace(CUBE, vjp=(lambda g, out, x: x,)),
        CUBES,
        contract.check_memory,
    ),
    "downstream is a window on the output": (
        replace(CUBE, vjp=(lambda g, out, x: out[::-1],)),
        CUBES,
        contract.check_memory,
    ),
    "rule writes into its upstream": (
        replace(CUBE, vjp=(_write_into_g,)),
        CUBES,
        contract.check_memory,
    ),
    "a slope called flat": (replace(ROUND, forward=lambda x: x * 2), CUBES, contract.check_steps),
}
PLAIN = Sample(floats(3, 3))
COMPLEX = Sample(Draw((3, 3), dtype="complex128"))
WRONG_TRAITS: dict[str, tuple[Primitive, Trait, Sample]] = {
    "shares are made of all entries": (SOFTMAX, "elementwise", PLAIN),
    "a sum has fewer entries": (TOTAL, "elementwise", PLAIN),
    "a cube is new": (CUBE, "view", PLAIN),
    "turned around": (replace(CUBE, forward=lambda x: x[::-1]), "keeps", PLAIN),
    "a cube is not linear": (CUBE, "linear", PLAIN),
    "shifted": (replace(CUBE, forward=lambda x: x + 1), "linear", PLAIN),
    "a conjugate is linear for real numbers alone": (
        replace(CUBE, forward=np.conj),
        "linear",
        COMPLEX,
    ),
    "times i": (replace(CUBE, forward=lambda x: 1j * x), "conjugates", PLAIN),
    "reads all": (CUBE, "hermitian", PLAIN),
    "has a gradient": (CUBE, "detaches", PLAIN),
}
RIGHT = {
    "product": (PRODUCT, SQUARES),
    "product, stretched": (PRODUCT, STRETCHED),
    "matrix product": (MATMUL, SQUARES),
    "cube": (CUBE, CUBES),
    "total": (TOTAL, CUBES),
    "shares": (SOFTMAX, Sample(floats(3))),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_primitive_is_rejected(name: str) -> None:
    record, sample, check = WRONG[name]
    with pytest.raises((AssertionError, ClearpropError, IndexError)):
        check(contract.make_case(record, sample))


@pytest.mark.parametrize("name", WRONG_TRAITS)
def test_wrong_trait_is_rejected(name: str) -> None:
    record, trait, sample = WRONG_TRAITS[name]
    contract.check_traits(contract.Case(record, sample.draw(), {}))
    wrong = contract.Case(replace(record, traits=frozenset([trait])), sample.draw(), {})
    with pytest.raises((AssertionError, ValueError)):
        contract.check_traits(wrong)


def test_unknown_trait_and_rules_without_a_role() -> None:
    with pytest.raises(ValueError, match="smooth is no trait; use some of"):
        replace(CUBE, traits=frozenset(["smooth"]))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="'cube' has rules, so it needs a role"):
        primitive("cube", np.cbrt, spec=CUBE.spec, vjp=CUBE.vjp, why="Wrong.", samples=(CUBES,))
    assert not hasattr(primitives, "cube")


def test_what_traits_imply() -> None:
    assert primitives.reshape.traits == {"view", "keeps", "linear", "conjugates"}
    assert primitives.sum.traits == {"linear", "conjugates"}
    assert primitives.conj.traits == {"elementwise"}


@pytest.mark.parametrize("name", RIGHT)
def test_right_primitive_is_accepted(name: str) -> None:
    record, sample = RIGHT[name]
    for check in (*contract.ALWAYS, *contract.WITH_GRADIENT):
        check(contract.make_case(record, sample))
    contract.check_dtypes(record, sample)


def test_flat_primitive_is_accepted() -> None:
    for check in (*contract.ALWAYS, contract.check_steps):
        check(contract.make_case(ROUND, CUBES))


def test_result_of_another_precision_is_rejected() -> None:
    record = replace(CUBE, forward=lambda x: (x * x * x).astype("float64"))
    with pytest.raises(AssertionError, match="spec"):
        contract.check_spec(contract.make_case(record, CUBES, "float32"))


def test_function_that_changes_its_argument_is_rejected() -> None:
    case = contract.make_case(replace(CUBE, forward=_write_into_x), CUBES)
    with pytest.raises(AssertionError, match="wrote into"):
        contract.check_memory(case)


def test_numerical_slopes_by_hand() -> None:
    # d/dx x³ = 3x²: 12 at 2, 0 at 0; of x0·x1 at (2, 5): 5 and 2
    from tests.numeric import slope_along, slopes

    assert slopes(lambda x: x**3, 2.0) == pytest.approx(12.0, abs=1e-9)
    assert slopes(lambda x: x**3, 0.0) == pytest.approx(0.0, abs=1e-9)
    assert slopes(lambda x: x[0] * x[1], [2.0, 5.0]).tolist() == pytest.approx([5.0, 2.0], abs=1e-9)
    # along (3, −1): 3·5 − 1·2 = 13
    along = slope_along(lambda x, y: x * y, (np.float64(2), np.float64(5)), (3.0, -1.0))
    assert along == pytest.approx(13.0, abs=1e-9)
