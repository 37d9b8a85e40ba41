"""Signatures of public functions say what each parameter and each result is."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, get_type_hints

import pytest

import clearprop
from clearprop.engine.array_types import AnyArray

MODULES = (
    "clearprop",
    "clearprop.numpy",
    "clearprop.random",
    "clearprop.scipy.linalg",
    "clearprop.scipy.special",
    "clearprop.testing",
)
WRITTEN_BY_USERS = {"__call__", "__getitem__", "__setitem__"}
"""Special methods whose arguments users write themselves."""
PACKAGE = str(Path(clearprop.__file__).parent)

Function = Callable[..., Any]


def is_ours(function: Function) -> bool:
    """Whether it is written here: NumPy's and SciPy's own are annotated elsewhere."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return code is not None and code.co_filename.startswith(PACKAGE)


def methods(kind: type) -> Iterator[tuple[str, Function]]:
    """The public methods and properties of a class, inherited ones included."""
    for base in kind.__mro__:
        for name, found in vars(base).items():
            method = found.fget if isinstance(found, property) else found
            is_public = not name.startswith("_") or name in WRITTEN_BY_USERS
            if is_public and inspect.isfunction(method):
                yield f"{kind.__name__}.{name}", method


def public_functions() -> dict[str, Function]:
    found: dict[str, Function] = {}
    for module in map(import_module, MODULES):
        for name in module.__all__:
            thing = getattr(module, name)
            if isinstance(thing, type):
                found |= {f"{module.__name__}.{path}": f for path, f in methods(thing)}
            elif inspect.isfunction(thing):
                found[f"{module.__name__}.{name}"] = thing
    return {name: function for name, function in found.items() if is_ours(function)}


def is_any(annotation: object) -> bool:
    """Whether it says nothing. `AnyArray` and its kin are other names of Any that say what is meant."""
    return annotation is inspect.Parameter.empty or "Any" in re.split(r" *\| *", str(annotation))


def hands_on(function: Function) -> bool:
    """Whether it calls a function of the user's, which it takes or was made of."""
    parameters = inspect.signature(function).parameters.values()
    return function.__name__ == "__call__" or any(
        "Callable" in str(p.annotation) for p in parameters
    )


def untold(function: Function) -> list[str]:
    """What a signature does not tell.

    Arguments for a function of the user's may be anything; keywords without a name of their own go to
    another function, which knows what they are.
    """
    signature = inspect.signature(function)
    names = []
    for p in signature.parameters.values():
        is_rest = p.kind is p.VAR_KEYWORD or (p.kind is p.VAR_POSITIONAL and hands_on(function))
        if p.name != "self" and is_any(p.annotation) and not (is_rest and p.annotation == "Any"):
            names.append(p.name)
    return names + ["return"] * is_any(signature.return_annotation)


FUNCTIONS = public_functions()


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_signature_tells_what_it_takes_and_gives(name: str) -> None:
    function = FUNCTIONS[name]
    assert untold(function) == []
    get_type_hints(
        inspect.unwrap(function)
    )  # annotations are text, which can be read where it stands


def test_what_is_public_is_found() -> None:
    assert len(FUNCTIONS) > 150
    assert {
        "clearprop.grad",
        "clearprop.Tensor.reshape",
        "clearprop.Tensor.shape",
        "clearprop.Tensor.__getitem__",
        "clearprop.Block.check_gradient",
        "clearprop.numpy.nditer",
        "clearprop.random.choice",
        "clearprop.scipy.linalg.solve",
        "clearprop.scipy.special.logsumexp",
    } <= FUNCTIONS.keys()
    assert "clearprop.numpy.sum" not in FUNCTIONS


# ---- the tester, tested


def bare(x: Any, y: Any | None, z, *rest: Any):
    """Say nothing of anything."""


def told(x: AnyArray, y: dict[str, Any], *rest: int, **options: Any) -> AnyArray | None:
    """Say what there is to say."""


def applied(f: Callable[..., Any], *args: Any, **kwargs: Any) -> AnyArray:
    """Call a function of the user's."""


def test_what_is_not_told_is_found() -> None:
    assert untold(bare) == ["x", "y", "z", "rest", "return"]
    assert untold(told) == untold(applied) == []
