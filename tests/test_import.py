"""Importing the package: fast, silent, and complete."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import clearprop
from clearprop.errors import ClearpropError


def python(code: str, *options: str) -> str:
    """What a fresh Python prints when it runs this."""
    done = subprocess.run(
        [sys.executable, *options, "-c", code], capture_output=True, encoding="utf-8", timeout=120
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


LATE = (
    "rich",
    "optree",
    "scipy",
    "matplotlib",
    "torch",
    "jax",
    "llvmlite",
    "clearprop.ledger",
    "clearprop.draw",
    "clearprop.random",
)


def test_import_is_lazy() -> None:
    code = "import sys, clearprop; print(*(name for name in sys.modules))"
    loaded = python(code).split()
    assert "clearprop.engine.tensor" in loaded
    assert not {name for name in loaded if name.startswith(LATE)}


def test_gradients_need_neither_terminal_nor_pictures() -> None:
    code = (
        "import sys, clearprop\n"
        "assert clearprop.grad(lambda x: x * x)(3.0) == 6.0\n"
        "print(*sys.modules)"
    )
    late = [name for name in LATE if name != "optree"]
    assert not {name for name in python(code).split() if name.startswith(tuple(late))}


def test_all_but_native_code_works_without_the_optional_libraries() -> None:
    code = (
        "import sys\n"
        "sys.modules['optree'] = sys.modules['llvmlite'] = None\n"
        "import warnings, numpy as np, clearprop\n"
        "from clearprop import cli\n"
        "def loss(p, x): return np.mean(np.tanh(x @ p['w'] + p['b'][0]) ** 2)\n"
        "args = {'w': np.ones((2, 3)), 'b': [0.5]}, np.ones((4, 2))\n"
        "g = clearprop.grad(loss)(*args)\n"
        "same = lambda other: np.allclose(g['w'], other['w']) and np.allclose(g['b'], other['b'])\n"
        "print(same(clearprop.explain(loss, *args).gradients | {'b': g['b']}))\n"
        "print(same(clearprop.source(loss, *args, argnums=0).function(*args)[1]))\n"
        "clearprop.set_num_threads(2)\n"
        "warnings.simplefilter('ignore')\n"
        "print(same(clearprop.compile(clearprop.grad(loss))(*args)))\n"
        "print(cli.main(['cache', 'info']) or cli.main(['cache', 'clear']))\n"
    )
    *same, info, clear, status = python(code).splitlines()
    assert same == ["True"] * 3
    assert re.search(r": \d+ files", info)
    assert re.match(r"removed \d+ files", clear)
    assert status == "0"


def test_explain_is_imported_when_first_used() -> None:
    code = (
        "import sys, clearprop\n"
        "assert 'clearprop.ledger' not in sys.modules\n"
        "first = clearprop.explain\n"
        "assert 'clearprop.ledger' in sys.modules\n"
        "assert clearprop.explain is first is vars(clearprop)['explain']\n"
        "assert isinstance(first(lambda x: x * x, 3.0), clearprop.Explanation)\n"
        "print('rich' in sys.modules)"
    )
    assert python(code) == "False\n"


def test_random_is_imported_when_first_used() -> None:
    code = (
        "import sys, clearprop\n"
        "assert 'clearprop.random' not in sys.modules\n"
        "key = clearprop.random.key(7)\n"
        "from clearprop import random\n"
        "print(random is clearprop.random is sys.modules['clearprop.random'], key)"
    )
    assert python(code) == "True [0 7]\n"


def test_every_public_name_exists() -> None:
    code = (
        "import clearprop\nfor name in clearprop.__all__: print(getattr(clearprop, name) is None)"
    )
    assert python(code) == "False\n" * len(clearprop.__all__)


def test_public_names_are_sorted() -> None:
    assert clearprop.__all__ == sorted(set(clearprop.__all__))


def test_dir_shows_public_names_alone_also_before_their_first_use() -> None:
    code = (
        "import clearprop\n"
        "before = dir(clearprop)\n"
        "clearprop.grad(lambda p: p[0])([1.0]), clearprop.explain, clearprop.compile\n"
        "print(before == dir(clearprop) == sorted(clearprop.__all__))"
    )
    assert python(code) == "True\n"


def test_star_import() -> None:
    code = (
        "from clearprop import *\n"
        "import clearprop\n"
        "names = {name for name in globals() if not name.startswith('_')}\n"
        "assert names == {*clearprop.__all__, 'clearprop'}\n"
        "print(grad(lambda x: x * x)(3.0), explain is clearprop.explain)"
    )
    assert python(code) == "6.0 True\n"


def test_an_unknown_attribute() -> None:
    with pytest.raises(AttributeError, match=r"^module 'clearprop' has no attribute 'nonsense'$"):
        _ = clearprop.nonsense
    assert python("import clearprop; print(hasattr(clearprop, 'nonsense'))") == "False\n"
    done = subprocess.run(
        [sys.executable, "-c", "from clearprop import nonsense"],
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    assert done.returncode == 1
    assert "ImportError: cannot import name 'nonsense' from 'clearprop'" in done.stderr


MODULES = [
    "clearprop",
    "clearprop.errors",
    "clearprop.numpy",
    "clearprop.numpy.fft",
    "clearprop.numpy.linalg",
    "clearprop.numpy.polynomial",
    "clearprop.numpy.random",
    "clearprop.random",
    "clearprop.scipy.linalg",
    "clearprop.scipy.special",
    "clearprop.testing",
]
"""What users import; `clearprop.numpy.random` is NumPy's own."""


@pytest.mark.parametrize("name", MODULES)
def test_a_module_says_what_is_public(name: str) -> None:
    module = import_module(name)
    public = module.__all__
    assert [key for key in public if not hasattr(module, key)] == []
    if module.__name__ == name:
        assert set(dir(module)) == set(public)


DOCUMENTED = {
    f"{module}.{name}": getattr(import_module(module), name)
    for module in ("clearprop", "clearprop.errors", "clearprop.random", "clearprop.testing")
    for name in import_module(module).__all__
}


@pytest.mark.parametrize("name", DOCUMENTED)
def test_a_public_name_is_explained(name: str) -> None:
    """Errors by what to do about them, everything else by an example (which the doctests run)."""
    thing = DOCUMENTED[name]
    text = inspect.getdoc(thing) or ""
    is_error = isinstance(thing, type) and issubclass(thing, ClearpropError)
    if thing is ClearpropError:
        assert "Catch it" in text
    elif is_error:
        assert re.search(r"\nRaised .*[.:;] .*", text, re.DOTALL), (
            "say when it is raised, and what to do"
        )
    else:
        assert ">>>" in text, "give an example"


@pytest.mark.parametrize("module", ["clearprop", "clearprop.cli", "clearprop.draw"])
def test_import_gives_no_warnings(module: str) -> None:
    assert python(f"import {module}", "-W", "error") == ""


def test_the_package_is_typed() -> None:
    assert Path(clearprop.__file__).with_name("py.typed").is_file()


def test_the_version_is_the_newest_in_the_changelog() -> None:
    changelog = Path(__file__).parent.parent / "CHANGELOG.md"
    newest = re.search(r"^## (\d\S*)", changelog.read_text(encoding="utf-8"), re.MULTILINE)
    assert newest
    assert clearprop.__version__ == newest[1]
