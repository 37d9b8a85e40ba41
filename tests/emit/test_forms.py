"""Every operation in every target: its code equals the engine, or docs/source.md says that it has no form.

JAX compiles each operation for itself, so there only what is more than a call of the library's function is
run, and of loops what test_c.py and test_javascript.py do not run; of the rest it is seen that it can be
written.
"""

from __future__ import annotations

import re
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.emit.array_expressions import ATOM
from clearprop.emit.c import compiler
from clearprop.emit.forms import helpers, jax, numpy, torch
from clearprop.emit.javascript.node_process import node
from clearprop.engine.primitive import primitives
from clearprop.passes.decompositions import DECOMPOSITIONS
from clearprop.stages.lowerings import ELEMENTWISE
from tests.effort import part_of
from tests.special_references import ROUGH
from tools import readers
from tools.forms import PAGE, TARGETS, Example, examples, listed, missing, section
from tools.readers import applied

LISTED = listed(section(PAGE.read_text(encoding="utf-8"))[1])
EXAMPLES = {primitive.name: example for primitive, example in examples()}
INSTALLED = {
    "numpy": True,
    "torch": find_spec("torch") is not None,
    "jax": find_spec("jax") is not None,
    "c": compiler() is not None,
    "javascript": node() is not None,
}
_REDUCTIONS = "sum mean max min all any argmax argmin var std prod"
_SLOW = "bdtr bdtrc nbdtr nbdtrc lu_factor partition eig interp sqrtm qr svd expm"
"""What takes JAX, or its compiler, longer than a second."""


def is_run(name: str, target: str) -> bool:
    if not INSTALLED[target] or name in ROUGH:
        return False
    if target in ("c", "javascript"):
        return name not in ELEMENTWISE  # those are run in test_c.py and test_javascript.py
    if target == "jax":
        return name in {*jax.ENTRIES, *_REDUCTIONS.split()} - {*_SLOW.split()}
    return True


def cases(*, run: bool) -> list[Any]:
    return [
        pytest.param(example, target, id=f"{target}-{name}")
        for target in TARGETS
        for name, example in EXAMPLES.items()
        if name not in LISTED[target] and is_run(name, target) == run
    ]


@pytest.mark.parametrize(("example", "target"), part_of(cases(run=True)))
def test_verified(example: Example, target: str) -> None:
    """`source` compares values and gradients with the engine and with finite differences."""
    assert clearprop.source(example.f, *example.arrays, to=target).errors is not None


@pytest.mark.parametrize(("example", "target"), part_of(cases(run=False)))
def test_written(example: Example, target: str) -> None:
    assert missing(example, target) is None


@pytest.mark.parametrize(
    ("name", "target"),
    part_of(
        pytest.param(name, target, id=f"{target}-{name}")
        for target in TARGETS
        for name in sorted(LISTED[target])
    ),
)
def test_listed(name: str, target: str) -> None:
    assert missing(EXAMPLES[name], target) is not None, "run python -m tools.forms"


def test_tables_name_operations_and_functions() -> None:
    for module, table in (("numpy", numpy), ("torch", torch), ("jax", jax)):
        assert vars(primitives).keys() >= {*table.CALLS, *table.ENTRIES}, module
    assert vars(primitives).keys() >= {*(name for name, _ in DECOMPOSITIONS), *helpers.EXACT}


def _is_function(path: str) -> bool:
    short = {"np": "numpy", "jnp": "jax.numpy"}
    module, *names = path.split(".")
    if find_spec(module if module not in short else short[module].split(".")[0]) is None:
        pytest.skip(f"{module} is not installed")
    found = import_module(short.get(module, module))
    for name in names[:-1]:
        found = import_module(f"{found.__name__}.{name}")
    return callable(getattr(found, names[-1], None))


@pytest.mark.parametrize("table", [numpy, torch, jax], ids=["numpy", "torch", "jax"])
def test_calls_are_functions_that_there_are(table: Any) -> None:
    for path in table.CALLS.values():
        assert _is_function(path), path


@pytest.mark.parametrize("name", ["numpy", "torch", "jax"])
def test_derived_calls_are_functions_that_there_are(name: str) -> None:
    """What a library is said to have under NumPy's name or SciPy's, it has."""
    language = import_module(f"clearprop.emit.{name}").LANGUAGE
    derived = 0
    for primitive in vars(primitives).values():
        node = applied(primitive) if primitive.samples else None
        if node is None or {primitive.name} & {*language.entries, *language.calls, *language.lines}:
            continue
        written = language.form(node, [("x", ATOM)] * len(node.inputs))
        if written is not None and re.match(r"\w+\.[\w.]+\(", written[0]):
            path = written[0].partition("(")[0]
            if not path.startswith("x."):
                assert _is_function(path), path
                derived += 1
    assert derived > 70


@pytest.mark.parametrize("name", ["torch", "jax"])
def test_what_a_library_lacks_it_lacks(name: str) -> None:
    """Where NumPy's function has a namesake after all, it can be called."""
    library = {"torch": "torch", "jax": "jax.numpy"}[name]
    for lacking in {"torch": torch, "jax": jax}[name].LACKS - {
        "copy"
    }:  # JAX's arrays do not change
        assert not _is_function(f"{library}.{lacking}"), lacking


def test_the_table_of_readers_is_up_to_date() -> None:
    assert readers.PAGE.read_text(encoding="utf-8") == readers.write(LISTED)


@pytest.mark.skipif(not INSTALLED["torch"], reason="torch is not installed")
@pytest.mark.parametrize("name", ["sort", "cumprod", "pad", "slice", "norm", "svd", "sinc", "det"])
def test_torch_classes_pass_gradcheck(name: str) -> None:
    import torch as library

    example = EXAMPLES[name]
    made = clearprop.source(example.f, *example.arrays, to="torch").function
    given = [library.tensor(np.asarray(x), requires_grad=True) for x in example.arrays]
    assert library.autograd.gradcheck(made.apply, given, fast_mode=True)
