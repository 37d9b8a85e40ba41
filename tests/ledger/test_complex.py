"""The ledger of complex numbers: what it writes is run as NumPy code, and gives the numbers beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop import explain
from clearprop.engine.bundle import Bundle
from clearprop.errors import UnsupportedError
from tests.registry import RECORDS

NAMES = {**vars(np), "np": np}
H = np.array([[0.0, 1j, 0.5], [-1j, 0.0, 2.0], [0.5, 2.0, 1.0]])
Z = np.array([1.0 + 0.5j, -0.3 + 2j, 0.7 - 1j])


def energy(psi: Any) -> Any:
    return np.real(np.vdot(psi, H @ psi)) / np.real(np.vdot(psi, psi))


def turned(z: Any) -> Any:
    u = z * (1 + 2j)
    v = np.conj(u)
    return np.real(u * v * u)


FUNCTIONS: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "energy": (energy, (Z,)),
    "conjugates": (turned, (1 + 1j,)),
    "absolute": (lambda z: np.abs(z * (1 + 2j)) ** 2, (1 + 1j,)),
    "parts": (lambda z: np.imag(z**3) - np.angle(1 / z) + np.exp(z).real, (1 + 1j,)),
    "of a real number": (lambda x: np.abs(np.exp(1j * x) + 1) ** 2, (0.3,)),
    "matrices": (lambda z, w: np.sum(np.abs(w @ z) ** 2), (Z, H)),
    "whole arrays": (lambda z: np.sum(np.abs(np.sin(z).reshape(1, 3).T - 1j)), (Z,)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_formulas_give_the_numbers_beside_them(name: str) -> None:
    f, args = FUNCTIONS[name]
    explanation = explain(f, *args)
    account = explanation.account
    for gate in account.gates:
        out = gate.node.outputs[0]
        known = {w.name: account.values[w] for w in (*gate.node.inputs, out)}
        known["upstream"] = gate.upstream[0]
        for passage in gate.passages:
            found = eval(passage.local.text.split(", stretched")[0], dict(NAMES), known)
            if passage.local.is_factor:
                np.testing.assert_allclose(passage.local_value, found, 1e-12)
                found = gate.upstream[0] * found
            if passage.wire.spec.dtype.kind != "c":
                found = np.real(found)
            np.testing.assert_allclose(
                passage.downstream, np.broadcast_to(found, passage.wire.spec.shape)
            )


@pytest.mark.parametrize("name", FUNCTIONS)
def test_formulas_of_gradients(name: str) -> None:
    f, args = FUNCTIONS[name]
    explanation = explain(f, *args)
    for i, wire in enumerate(explanation.graph.inputs):
        text, _, where = explanation.formula(wire.name).partition(" = ")[2].partition(", where ")
        known: dict[str, Any] = {
            w.name: x for w, x in explanation.account.values.items() if w.is_named
        }
        for line in where.split(", ") if where.startswith("u") else []:
            known[line.partition(" = ")[0]] = eval(line.partition(" = ")[2], dict(NAMES), known)
        if where.startswith("c"):
            continue
        np.testing.assert_allclose(
            eval(text, dict(NAMES), known), clearprop.grad(f, i)(*args), 1e-12, 1e-12
        )


def test_a_conjugate_is_no_factor() -> None:
    text = str(explain(turned, 1 + 1j))
    assert "= (1+1j) * (1+2j) = -1+3j\n" in text
    assert "to v: local ∂t1/∂v = conj(u) = -1-3j, downstream (-1-3j) × (-1-3j) = -8+6j\n" in text
    assert "to u: downstream = conj(dv), = -8-6j\n" in text
    assert "to z: local ∂u/∂z = (1-2j), downstream (12-6j) × (1-2j) = 0-30j\n" in text


def test_a_real_input_takes_the_real_part() -> None:
    text = str(explain(lambda x: np.abs(np.exp(1j * x) + 1) ** 2, 0.3))
    assert (
        "local ∂t1/∂x = -1j, downstream the real part of (3.911-0.591j) × (0-1j) = -0.591\n" in text
    )


def test_equations_have_conjugates() -> None:
    text = explain(turned, 1 + 1j).latex()
    assert r"u &= z (1 + 2\,\mathrm{i})" in text
    assert r"\frac{\partial L}{\partial v} &= \frac{\partial L}{\partial t_1} \overline{u}" in text
    assert (
        r"\frac{\partial L}{\partial z} &= \frac{\partial L}{\partial u} (1 - 2\,\mathrm{i})"
        in text
    )


def test_generated_code_calls_a_complex_gradient_by_its_name() -> None:
    text = str(clearprop.source(energy, Z))
    assert "return out, dpsi\n" in text
    assert "print" not in text
    assert text.count("# backward of") == 1


def test_every_operation_can_be_explained() -> None:
    """Also a gate without a complex derivative, whose local gradient is no complex number an entry."""
    explained = 0
    for record in RECORDS:
        for sample in record.samples if record.differentiable else ():
            inputs = sample.draw()
            out = record(*inputs, **sample.params)
            if any(map(np.iscomplexobj, inputs)) and not isinstance(out, Bundle):
                try:
                    explanation = explain(
                        lambda *x, f=record, p=sample.params: np.sum(np.real(f(*x, **p))), *inputs
                    )
                except UnsupportedError:  # no gradient by a parameter, as an order
                    continue
                assert f"{explanation.graph.outputs[0].name} = sum(" in str(explanation), record
                explained += 1
    assert explained > 200
