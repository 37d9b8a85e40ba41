"""Every primitive's samples, compiled: the same values and gradients as without."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.engine.bundle import Bundle
from clearprop.engine.primitive import Primitive, Sample
from clearprop.engine.spec import is_floating
from clearprop.transforms.trees import flatten
from tests.contract import in_precision
from tests.effort import in_modes
from tests.registry import RECORDS
from tests.special_references import ENDS

pytest.importorskip("llvmlite")

MASKED = ("gather", "scatter", "assign")
"""With a mask that is not known before running, these give an unknown number of entries."""
CASES = [
    pytest.param(p, sample, id=f"{p.name}-{k}")
    for p in sorted(RECORDS, key=lambda p: p.name)
    for k, sample in enumerate(p.samples)
    if not (
        p.name in MASKED and any(getattr(x, "dtype", 0) is np.dtype(bool) for x in sample.inputs)
    )
]
TOLERANCE = {"float64": 1e-12, "float32": 2e-5}
"""Relative; sums are taken in another order, and each operation may be off by two units."""


def function_of(
    primitive: Primitive, sample: Sample, dtype: str
) -> tuple[Callable[..., Any], list[Any]]:
    """The primitive as a function of its array inputs, the others fixed; and the arrays."""
    inputs = [in_precision(x, dtype) for x in sample.draw()]
    places = [i for i, x in enumerate(inputs) if hasattr(x, "dtype")]

    def f(*arrays: Any) -> Any:
        filled = list(inputs)
        for i, x in zip(places, arrays, strict=True):
            filled[i] = x
        result = primitive(*filled, **sample.params)
        return tuple(result) if isinstance(getattr(result, "value", result), Bundle) else result

    return f, [inputs[i] for i in places]


def weighed(results: Any) -> Any:
    """One real number that every part of the results has a share in."""
    total = 0.0
    for i, y in enumerate(results if isinstance(results, tuple) else (results,)):
        total += np.sum(y.real * (1.5 + i))
        if y.dtype.kind == "c":
            total += np.sum(y.imag * 0.5)
    return total


def with_gradients(f: Callable[..., Any], arrays: list[Any]) -> Callable[..., Any]:
    """The value of a weighted sum of `f`, and its gradients."""
    floating = [i for i, x in enumerate(arrays) if is_floating(x.dtype)]

    def value_and_gradients(*given: Any) -> Any:
        def loss(*chosen: Any) -> Any:
            filled = list(given)
            for i, x in zip(floating, chosen, strict=True):
                filled[i] = x
            return weighed(f(*filled))

        return clearprop.value_and_grad(loss, argnums=range(len(floating)))(
            *(given[i] for i in floating)
        )

    return value_and_gradients


def precision(sample: Sample, dtype: str) -> str:
    """Of what is computed: single, too, where a parameter says so."""
    is_single = not {"float32", "complex64"}.isdisjoint(map(str, sample.params.values()))
    return "float32" if is_single else dtype


def assert_alike(found: Any, expected: Any, dtype: str) -> None:
    for mine, theirs in zip(flatten(found)[0], flatten(expected)[0], strict=True):
        assert mine.dtype == theirs.dtype
        assert mine.shape == theirs.shape
        tolerance = TOLERANCE[dtype]
        np.testing.assert_allclose(mine, theirs, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(("primitive", "sample", "dtype"), in_modes(CASES, tuple(TOLERANCE)))
def test_compiled_equals_eager(primitive: Primitive, sample: Sample, dtype: str) -> None:
    f, arrays = function_of(primitive, sample, dtype)
    assert_alike(clearprop.compile(f)(*arrays), f(*arrays), dtype)
    if primitive.name in ENDS:
        return
    if primitive.differentiable and any(is_floating(x.dtype) for x in arrays):
        g = with_gradients(f, arrays)
        assert_alike(clearprop.compile(g)(*arrays), g(*arrays), precision(sample, dtype))


def test_every_operation_has_code() -> None:
    from clearprop.native.math import FUNCTIONS
    from clearprop.native.operation_code import WRITTEN
    from clearprop.stages.operations import COSTS, FURTHER

    assert WRITTEN.keys() | FUNCTIONS.keys() | {"convert"} == COSTS.keys() - FURTHER.keys()
