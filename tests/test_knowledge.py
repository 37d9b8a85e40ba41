"""In how few files an operation is known, and that the command that counts them finds what there is."""

from __future__ import annotations

import pytest

from tools.knowledge import MOST, known, survey

NAMES = frozenset(["exp", "sum", "tanh"])


@pytest.fixture(scope="module")
def files() -> dict[str, int]:
    return {name: len(found) for name, found in survey().items()}


@pytest.mark.parametrize("name", MOST)
def test_no_more_files_know_an_operation(name: str, files: dict[str, int]) -> None:
    assert 0 < files[name] <= MOST[name], "python -m tools.knowledge lists them"


def test_most_operations_are_known_in_few_files(files: dict[str, int]) -> None:
    assert sum(files.values()) / len(files) < 3.6  # native code of each is a file of its own


@pytest.mark.parametrize(
    "text",
    [
        "LIST = 'exp tanh'",
        "table['tanh'] = 1",
        "FORMS = {'a': 'jnp.tanh({0})'}",
        "METHODS = ['{w0}.tanh()']",
        "if node.primitive is primitives.tanh: pass",
        "ufunc(np.tanh, rule)",
        "def tanh(x): return x",
        "tanh = make()",
        "TANH: dict[str, float] = {}",
    ],
)
def test_knowledge(text: str) -> None:
    assert {found.name for found in known(text, NAMES)} >= {"tanh"}


@pytest.mark.parametrize(
    "text",
    [
        '"""The sum of tanh, and tanh."""',
        "y = np.tanh(x) + x.sum() + primitives.tanh(x)",
        "raise ValueError('a sum of numbers, or tanh')",
        "words = 'where the sum is'",
        "class A:\n    def tanh(self): ...",
        "SUM = 40",
        "x = tanh",
    ],
)
def test_no_knowledge(text: str) -> None:
    assert not list(known(text, NAMES))
