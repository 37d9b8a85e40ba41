"""What a target is: all are of one type, a new one takes a module, and a problem is made once."""

from __future__ import annotations

import dataclasses
import pickle
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.emit.derived import Derived
from clearprop.emit.loops import lowering
from clearprop.emit.problem import problem_of
from clearprop.emit.spelling import Letters
from clearprop.emit.target import Code, Target, commented
from clearprop.emit.targets import TARGETS, target
from clearprop.errors import ClearpropError
from clearprop.passes.person import derive_backward


def loss(x: Any, w: Any) -> Any:
    h = np.tanh(x @ w)
    return np.mean(h**2)


ARGS = np.linspace(-1, 1, 12).reshape(4, 3), np.linspace(0.2, 1, 3)


@pytest.mark.parametrize("name", TARGETS)
def test_each_is_one(name: str) -> None:
    found = target(name)
    assert isinstance(found, Target)
    assert found.name == name
    assert found.spelling.identifier("x") == "x"


def test_there_is_no_other() -> None:
    with pytest.raises(
        ClearpropError, match="no target 'fortran'; there are numpy, torch, jax, c, "
    ):
        target("fortran")


# ---- a new one


class Listing(Target):
    """A line for each operation of both passes."""

    name = "listing"
    spelling = Letters(["begin", "end"])
    highlighting = "text"
    needs = ("For those who read.",)

    def write(self, derived: Derived) -> Code:
        lines = [
            f"{', '.join(w.name for w in node.outputs)} := {node.primitive.name} "
            f"{', '.join(w.name or 'constant' for w in node.inputs)}\n"
            for node in derived.joint.graph.nodes
        ]
        return ListingCode("".join(lines))


@dataclasses.dataclass(frozen=True)
class ListingCode(Code):
    body: str
    not_run = "Read, not run, but what was read was run"

    def text(self, header: Sequence[str] = (), steps: Sequence[str] = ()) -> str:
        return commented("--", Listing.spelling, self.body, header, steps)


def test_a_new_one_is_a_module(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    module = ModuleType("clearprop.emit.listing")
    module.TARGET = Listing()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(TARGETS, "listing", "listing")
    made = clearprop.source(loss, *ARGS, to="listing", steps=True)
    assert made.text.startswith("-- The value and the gradient of loss, written by Clearprop")
    assert "\n-- For those who read.\n-- For x f64[4,3], w f64[3].\n" in made.text
    assert "\n-- Read, not run, but what was read was run against Clearprop: largest" in made.text
    assert "h := tanh " in made.text
    assert made.function is None
    assert made.errors.engine < 1e-14
    assert made._repr_markdown_() == f"```text\n{made.text}```"
    made.save(tmp_path / "loss.txt")
    assert (tmp_path / "loss.txt").read_text(encoding="utf-8") == made.text
    assert pickle.loads(pickle.dumps(made)) == made


# ---- what is written


def test_a_problem_does_not_change() -> None:
    problem = problem_of(loss, ARGS, {}, target("numpy").spelling)
    with pytest.raises(dataclasses.FrozenInstanceError):
        problem.name = "other"  # type: ignore[misc]
    before = dict(vars(problem))
    joint = derive_backward(problem.forward, problem.positions, problem.seeded, upstream=False)
    derived = Derived(problem, joint, exact=False)
    first = target("numpy").write(derived).text()
    target("jax").write(derived)
    assert target("numpy").write(derived).text() == first
    assert vars(problem) == before


@pytest.mark.parametrize("name", ["c", "javascript"])
def test_loops_are_lowered_once(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    right = lowering.fuse
    monkeypatch.setattr(
        lowering, "fuse", lambda *args, **options: calls.append(1) or right(*args, **options)
    )
    clearprop.source(loss, *ARGS, to=name)
    assert calls == [1]
