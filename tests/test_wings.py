"""Wings: what readers know of another library's functions comes when the library's functions do."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

pytest.importorskip("scipy")
import clearprop.scipy  # noqa: F401
from clearprop.engine import wings

NUMPY_ALONE = """
import sys, numpy as np, clearprop
f = lambda x: np.sum(np.tanh(x))
x = np.ones(3)
assert np.isfinite(clearprop.compile(clearprop.grad(f))(x)).all()
for to in ("numpy", "c", "javascript", "latex"):
    clearprop.source(f, x, to=to)
str(clearprop.explain(f, x))
met = [name for name in sys.modules if name.split(".")[0] == "scipy" or "clearprop.scipy" in name]
assert not met, met
"""
ROOMS = [(reader, room) for reader, rooms in wings._rooms.items() for room in rooms]


def python(code: str) -> str:
    """What a fresh Python prints when it runs this."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(("reader", "room"), ROOMS)
def test_a_room_opens_with_its_reader(reader: str, room: str) -> None:
    import_module(reader)
    assert room in sys.modules


def test_without_scipy_the_error_names_the_extra() -> None:
    code = (
        "import sys, clearprop\n"
        "sys.modules['scipy'] = None\n"
        "try: import clearprop.scipy.special\n"
        "except ModuleNotFoundError as error: print(error)"
    )
    assert python(code) == (
        "clearprop.scipy is about SciPy's functions, and SciPy is not installed: "
        'pip install "clearprop[scipy]"\n'
    )


def test_numpy_alone_opens_no_wing() -> None:
    python(NUMPY_ALONE)


def test_numpys_bessel_functions_need_no_wing() -> None:
    """The second slope of i0, by orders 0 and 1, where the library has no other."""
    code = (
        "import sys, numpy as np, clearprop\n"
        "slope = clearprop.grad(lambda x: np.sum(np.i0(x)))\n"
        "x = np.array([-2.5, 0.05, 0.0, 1.5])\n"
        "print(clearprop.source(lambda x: np.sum(slope(x)), x, to='torch').text)\n"
        "assert 'clearprop.scipy' not in sys.modules"
    )
    assert "torch.special.i1(" in python(code)


SPECIAL = """
import numpy as np, clearprop
from scipy import special
def f(x):
    return np.sum(special.erf(x) * special.gammaln(x) + special.xlogy(x, x))
for to in ("numpy", "c", "javascript", "latex"):
    print(clearprop.source(f, np.ones(3), to=to).text)
compiled = clearprop.compile(f)
compiled(np.ones(3))
print(compiled.source("stages"))
"""


def test_readers_and_wings_come_in_any_order() -> None:
    """What is written is the same, whether the readers were there before SciPy's functions or after."""
    readers = "".join(f"import {reader}\n" for reader, _ in ROOMS)
    late = python(readers + SPECIAL)
    assert "erf" in late.partition("program f")[2]
    assert late == python("import clearprop.scipy.special\n" + SPECIAL)


def test_no_argument_is_called_like_a_helper_that_a_wing_brings() -> None:
    code = (
        "import clearprop\n"
        "from scipy import special\n"
        "def f(lgamma, sinpi): return special.gammaln(lgamma) * sinpi\n"
        "print(clearprop.source(f, 0.3, 2.0, to='javascript').text)"
    )
    assert "f_and_grad(lgamma_, sinpi_)" in python(code)


def test_a_room_opens_whichever_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(wings, "_readers", set())
    monkeypatch.setattr(wings, "_rooms", {})
    monkeypatch.setattr(wings, "import_module", opened.append)
    wings.open_rooms("clearprop.early")
    wings.open_rooms("clearprop.other")
    wings.open_wing("library", "early", "late")
    assert opened == ["library.early"]
    wings.open_wing("second", "early", "late")
    wings.open_rooms("clearprop.late")
    assert opened == ["library.early", "second.early", "library.late", "second.late"]
