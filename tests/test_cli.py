"""The command line: what it prints and writes, and what it says when it cannot."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.cli import main

PRODUCT = "def f(x=3.0, w=-2.0):\n    return x * w\n"
SQUARES = "import numpy as np\ndef f(x):\n    return np.sum(x * x)\n"

PACKAGES = str(Path(clearprop.__file__).parent.parent)
ENVIRONMENT = os.environ | {"PYTHONIOENCODING": "utf-8", "PYTHONPATH": PACKAGES}

Make = Callable[..., str]
Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _leave_no_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test starts in an empty folder, and what it loads is forgotten."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path[:])
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Write a file, and return its path."""

    def write(source: str = PRODUCT, name: str = "model.py") -> str:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(source, encoding="utf-8")
        return str(path)

    return write


def printed(capsys: Capture, *arguments: object) -> str:
    """What ``clearprop explain`` prints when all goes well."""
    assert main(["explain", *map(str, arguments)]) == 0
    return capsys.readouterr().out


def inputs(capsys: Capture, *arguments: object) -> dict[str, Any]:
    """The inputs of an explanation: name -> (value, gradient)."""
    ledger = json.loads(printed(capsys, *arguments, "--json"))
    return {x["name"]: (x["value"], x["gradient"]) for x in ledger["inputs"]}


def refusal(capsys: Capture, code: int, *arguments: object) -> str:
    """What ``clearprop explain`` complains about, on stderr alone and in no traceback."""
    assert main(["explain", *map(str, arguments)]) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("clearprop: ")
    assert "Traceback" not in said.err
    return said.err.removeprefix("clearprop: ").rstrip("\n")


def traceback(capsys: Capture, *arguments: object) -> str:
    """The user's traceback, shown because the user's code failed."""
    assert main(["explain", *map(str, arguments)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("Traceback (most recent call last):\n")
    return said.err


def run(
    *arguments: object, environment: dict[str, str] | None = None, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run the command line as a program of its own."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "clearprop.cli", *map(str, arguments)],
        encoding="utf-8",
        timeout=60,
        env=ENVIRONMENT | (environment or {}),
        **options,
    )


def test_python_runs_the_package() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "clearprop", "--version"],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        env=ENVIRONMENT,
    )
    assert (done.returncode, done.stdout.split()[0]) == (0, "clearprop")


# ---- which function


def test_the_only_function_runs_at_its_defaults(make: Make, capsys: Capture) -> None:
    out = printed(capsys, make())
    assert "f = x * w  = 3 * -2 = -6\n" in out
    assert out.endswith("Gradients\n  df/dx = -2\n  df/dw = 3\n")


def test_a_function_is_chosen_by_name(make: Make, capsys: Capture) -> None:
    path = make("def f(x=3.0):\n    return x * x\ndef g(x=3.0):\n    return x * x * x\n")
    assert inputs(capsys, f"{path}:f") == {"x": (3.0, 6.0)}
    assert inputs(capsys, f"{path}:g") == {"x": (3.0, 27.0)}


def test_main_is_not_guessed(make: Make, capsys: Capture) -> None:
    path = make(PRODUCT + "def main(x=1.0):\n    return x * 5\n")
    assert inputs(capsys, path) == {"x": (3.0, -2.0), "w": (-2.0, 3.0)}
    assert inputs(capsys, f"{path}:main") == {"x": (1.0, 5.0)}


def test_main_alone_is_the_only_function(make: Make, capsys: Capture) -> None:
    path = make("def main(x=1.0):\n    return x * 5\n")
    assert inputs(capsys, path) == {"x": (1.0, 5.0)}


def test_what_is_private_imported_or_a_class_is_no_candidate(make: Make, capsys: Capture) -> None:
    path = make(f"from math import sin\nclass C:\n    pass\ndef _g():\n    pass\n{PRODUCT}")
    assert inputs(capsys, path) == {"x": (3.0, -2.0), "w": (-2.0, 3.0)}


def test_a_block_counts_as_a_function(make: Make, capsys: Capture) -> None:
    path = make("import clearprop\n@clearprop.block\ndef cube(x=2.0):\n    return x * x * x\n")
    assert inputs(capsys, path) == {"x": (2.0, 12.0)}


def test_a_file_imports_its_neighbours(make: Make, capsys: Capture) -> None:
    make("def twice(x):\n    return 2 * x\n", "models/neighbour_of_model.py")
    path = make(
        "from neighbour_of_model import twice\ndef f(x=3.0):\n    return twice(x) * x\n",
        "models/model.py",
    )
    assert inputs(capsys, path) == {"x": (3.0, 12.0)}
    assert inputs(capsys, Path("models", "model.py")) == {"x": (3.0, 12.0)}


def test_a_file_may_define_a_dataclass(make: Make, capsys: Capture) -> None:
    path = make(
        "from __future__ import annotations\nfrom dataclasses import dataclass\n"
        "@dataclass\nclass Pair:\n    a: float\n    b: float\n"
        "def f(x=3.0):\n    pair = Pair(x, x)\n    return pair.a * pair.b\n"
    )
    assert inputs(capsys, path) == {"x": (3.0, 6.0)}


@pytest.mark.skipif(os.name == "nt", reason="no colons in the names of files")
def test_a_path_may_contain_colons(make: Make, capsys: Capture) -> None:
    path = make(name="C:model.py")
    expected = {"x": (3.0, -2.0), "w": (-2.0, 3.0)}
    assert inputs(capsys, path) == expected
    assert inputs(capsys, f"{path}:f") == expected


def test_nothing_after_the_colon_is_no_choice(make: Make, capsys: Capture) -> None:
    assert inputs(capsys, make() + ":") == {"x": (3.0, -2.0), "w": (-2.0, 3.0)}


# ---- its inputs


@pytest.mark.parametrize(
    ("text", "value"), [("2", 2.0), ("-1", -1.0), ("2.5", 2.5), ("-1e3", -1000.0), ("+4", 4.0)]
)
def test_a_number(text: str, value: float, make: Make, capsys: Capture) -> None:
    assert inputs(capsys, make(), "--at", f"x={text}") == {"x": (value, -2.0), "w": (-2.0, value)}


def test_a_whole_number_stays_whole_where_the_default_is(make: Make, capsys: Capture) -> None:
    path = make("def f(x=3.0, n=2):\n    assert type(n) is int\n    return x**n\n")
    assert inputs(capsys, path, "--at", "n=3", "--at", "x=2") == {"x": (2.0, 12.0)}


@pytest.mark.parametrize("text", ["inf", "-inf", "nan", "[1, -inf, nan]"])
def test_numbers_that_are_not_finite(text: str, make: Make, capsys: Capture) -> None:
    path = make(
        "import numpy as np\ndef f(x):\n    np.save('seen.npy', x.value)\n    return np.sum(x)\n"
    )
    printed(capsys, path, "--at", f"x={text}")
    np.testing.assert_array_equal(np.load("seen.npy"), eval(text, {"inf": np.inf, "nan": np.nan}))


def test_a_fraction_replaces_a_whole_default(make: Make, capsys: Capture) -> None:
    path = make("def f(x=3):\n    return x * x\n")
    assert inputs(capsys, path, "--at", "x=1.5") == {"x": (1.5, 3.0)}


def test_truth_and_text_are_passed_on(make: Make, capsys: Capture) -> None:
    path = make(
        "def f(x=3.0, up=False, how='add'):\n"
        "    assert up is True and how == 'times'\n    return x * 2\n"
    )
    assert inputs(capsys, path, "--at", "up=True", "--at", "how='times'")["x"] == (3.0, 2.0)


def test_a_list_becomes_an_array_of_floats(make: Make, capsys: Capture) -> None:
    path = make(SQUARES)
    assert inputs(capsys, path, "--at", "x=[1, 2.5]") == {"x": ([1.0, 2.5], [2.0, 5.0])}
    assert inputs(capsys, path, "--at", "x=[[1], [-2]]") == {
        "x": ([[1.0], [-2.0]], [[2.0], [-4.0]])
    }
    assert inputs(capsys, path, "--at", "x=(3, 4)") == {"x": ([3.0, 4.0], [6.0, 8.0])}


def test_a_npy_file(make: Make, capsys: Capture) -> None:
    np.save("data.npy", np.array([[1.0, -3.0]]))
    found = inputs(capsys, make(SQUARES), "--at", "x=data.npy")
    assert found == {"x": ([[1.0, -3.0]], [[2.0, -6.0]])}


def test_a_npy_file_keeps_its_dtype(make: Make, capsys: Capture) -> None:
    np.save("data.npy", np.array([1, 2], dtype=np.float32))
    ledger = json.loads(printed(capsys, make(SQUARES), "--at", "x=data.npy", "--json"))
    assert ledger["inputs"][0]["spec"].startswith("f32")


KEEP = "import numpy as np\ndef f(x, y=1.0):\n    np.save(OUT, x.value)\n    return np.sum(x) * y\n"


def drawn(make: Make, capsys: Capture, name: str, shape: str) -> np.ndarray:
    """The numbers that ``--at NAME=SHAPE`` draws."""
    source = KEEP.replace("OUT", "'drawn.npy'").replace("x", name)
    printed(capsys, make(source, f"draws_{name}.py"), "--at", f"{name}={shape}")
    return np.load("drawn.npy")


def test_a_shape_draws_normal_numbers(make: Make, capsys: Capture) -> None:
    values = drawn(make, capsys, "x", "32x64")
    assert values.shape == (32, 64)
    assert values.dtype == np.float64
    assert abs(values.mean()) < 0.1  # 2048 numbers: four and a half standard errors
    assert abs(values.std() - 1) < 0.1
    assert abs((np.abs(values) < 1).mean() - 0.6827) < 0.05


def test_a_shape_draws_the_same_numbers_each_time(make: Make, capsys: Capture) -> None:
    first = drawn(make, capsys, "x", "32x64")
    np.testing.assert_array_equal(drawn(make, capsys, "x", "32x64"), first)
    assert not np.any(drawn(make, capsys, "w", "32x64") == first)


def test_a_shape_may_have_many_axes_or_no_numbers(make: Make, capsys: Capture) -> None:
    assert drawn(make, capsys, "x", "2x3x1x4").shape == (2, 3, 1, 4)
    assert drawn(make, capsys, "x", "0x3").shape == (0, 3)
    out = printed(capsys, make(SQUARES), "--at", "x=0x3")
    assert "f = sum(" in out


def test_of_a_name_given_twice_the_last_counts(make: Make, capsys: Capture) -> None:
    found = inputs(capsys, make(), "--at", "x=5", "--at", "w=2", "--at", "x=7")
    assert found == {"x": (7.0, 2.0), "w": (2.0, 7.0)}


def test_arguments_by_place_and_by_name(make: Make, capsys: Capture) -> None:
    path = make("def f(a=2.0, /, b=3.0, *rest, c=5.0, **more):\n    return a * b * c\n")
    expected = {"a": (2.0, 21.0), "b": (3.0, 14.0), "c": (7.0, 6.0)}
    assert inputs(capsys, path, "--at", "c=7") == expected


def test_arguments_may_be_called_like_options(make: Make, capsys: Capture) -> None:
    path = make("def f(nudge=2.0, open=3.0, gradient=5.0):\n    return nudge * open * gradient\n")
    expected = {"nudge": (2.0, 15.0), "open": (3.0, 10.0), "gradient": (5.0, 6.0)}
    assert inputs(capsys, path) == expected


# ---- an upstream gradient

VECTOR = "import numpy as np\ndef f(x):\n    return x * x\n"


def test_an_upstream_gradient(make: Make, capsys: Capture) -> None:
    found = inputs(capsys, make(VECTOR), "--at", "x=[1, 2, 3]", "--gradient", "[1, 0, -1]")
    assert found == {"x": ([1.0, 2.0, 3.0], [2.0, 0.0, -6.0])}
    np.save("seed.npy", np.array([0.5, 0.0, 0.0]))
    found = inputs(capsys, "model.py", "--at", "x=[1, 2, 3]", "--gradient", "seed.npy")
    assert found == {"x": ([1.0, 2.0, 3.0], [1.0, 0.0, 0.0])}
    assert inputs(capsys, "model.py", "--at", "x=3", "--gradient", "2") == {"x": (3.0, 12.0)}


def test_source_takes_an_upstream_gradient(make: Make, capsys: Capture) -> None:
    done = main(["source", make(VECTOR), "--at", "x=[1, 2, 3]", "--gradient", "[1, 1, 1]"])
    said = capsys.readouterr()
    assert (done, said.err) == (0, "")
    space: dict[str, Any] = {}
    exec(said.out, space)
    value, gradient = space["f_and_grad"](np.array([1.0, 2, 3]), np.array([3.0, 4, 5]))
    np.testing.assert_array_equal(value, [1, 4, 9])
    np.testing.assert_array_equal(gradient, [6, 16, 30])


@pytest.mark.parametrize("command", ["explain", "source"])
def test_the_advice_for_results_of_several_numbers_works(
    command: str, make: Make, capsys: Capture
) -> None:
    arguments = [command, make(VECTOR), "--at", "x=[1, 2, 3]"]
    assert main(arguments) == 1
    assert "gradient=" in capsys.readouterr().err
    assert main([*arguments, "--gradient", "[1, 1, 1]"]) == 0


def test_an_upstream_gradient_of_another_shape(make: Make, capsys: Capture) -> None:
    arguments = [make(VECTOR), "--at", "x=[1, 2, 3]", "--gradient"]
    assert "of shape (3,) has shape (2,)" in refusal(capsys, 1, *arguments, "[1, 2]")
    assert refusal(capsys, 2, *arguments, "two").startswith("--gradient two: not understood")


# ---- what comes out


def test_json(make: Make, capsys: Capture) -> None:
    ledger = json.loads(printed(capsys, make(), "--json"))
    assert ledger["name"] == "f"
    assert ledger["forward"][0]["outputs"][0]["value"] == -6.0
    assert ledger["forward"][0]["line"] == {"number": 2, "text": "return x * w"}
    assert [p["downstream"] for p in ledger["backward"][0]["passages"]] == [-2.0, 3.0]
    assert ledger["nudges"] == []


def test_svg_and_html_are_written(make: Make, capsys: Capture) -> None:
    assert main(["explain", make(), "--svg", "f.svg", "--html", "f.html"]) == 0
    said = capsys.readouterr()
    assert said.err == "wrote f.svg\nwrote f.html\n"
    assert said.out.startswith("Forward")
    assert Path("f.svg").read_text(encoding="utf-8").startswith("<svg")
    html = Path("f.html").read_text(encoding="utf-8")
    assert "<svg" in html
    assert "Gradients" in html


def test_json_stays_readable_beside_a_picture(make: Make, capsys: Capture) -> None:
    assert main(["explain", make(), "--json", "--svg", "f.svg"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["name"] == "f"
    assert said.err == "wrote f.svg\n"


def test_nothing_is_written_unasked(make: Make, capsys: Capture, tmp_path: Path) -> None:
    make()
    assert main(["explain", "model.py"]) == 0
    assert capsys.readouterr().err == ""
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["model.py"]


def test_nudge(make: Make, capsys: Capture) -> None:
    path = make("def f(x=3.0):\n    return x * x\n")
    out = printed(capsys, path, "--nudge", "0.5")  # 3.5² - 3² = 3.25, and 6 × 0.5 = 3
    assert "raise x by 0.5: f predicted 3, measured 3.25\n" in out
    [nudge] = json.loads(printed(capsys, path, "--nudge", "-1", "--json"))["nudges"]
    assert nudge == {"input": "x", "step": -1.0, "predicted": -6.0, "measured": -5.0}


def test_open(make: Make, capsys: Capture) -> None:
    path = make(
        "import clearprop\n@clearprop.block\ndef g(x):\n    return x * x + x\n"
        "def f(x=3.0):\n    return g(x)\n"
    )
    closed = json.loads(printed(capsys, f"{path}:f", "--json"))
    opened = json.loads(printed(capsys, f"{path}:f", "--json", "--open"))
    assert [node["operation"] for node in closed["forward"]] == ["g"]
    assert [node["operation"] for node in opened["forward"]] == ["multiply", "add"]
    assert closed["inputs"] == opened["inputs"]
    assert opened["inputs"][0]["gradient"] == 7.0


def test_output_that_is_no_terminal_is_plain(make: Make, capsys: Capture) -> None:
    assert "\x1b" not in printed(capsys, make())


def test_no_color_is_respected(
    make: Make, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = printed(capsys, make())
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[" in printed(capsys, "model.py")
    monkeypatch.setenv("NO_COLOR", "1")
    assert printed(capsys, "model.py") == plain


def test_signs_that_the_output_cannot_hold_are_replaced(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    bytes_out = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(bytes_out, encoding="ascii"))
    assert main(["explain", make()]) == 0
    assert b"upstream ? local = downstream" in bytes_out.getvalue()


# ---- the program


@pytest.mark.parametrize("arguments", [["--help"], ["explain", "--help"], ["-h"]])
def test_help(arguments: list[str], capsys: Capture) -> None:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 0
    said = capsys.readouterr()
    assert said.out.startswith("usage: clearprop ")
    assert said.err == ""
    for option in ("--at", "--gradient", "--json", "--svg", "--html", "--nudge", "--open"):
        assert (option in said.out) == ("explain" in arguments)


def test_version(capsys: Capture) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"clearprop {clearprop.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "COMMAND"),
        (["nonsense"], "invalid choice: 'nonsense'"),
        (["explain"], "FILE[:FUNCTION]"),
        (["explain", "model.py", "--nudge", "much"], "invalid float value: 'much'"),
        (["explain", "model.py", "--nonsense"], "unrecognized arguments: --nonsense"),
        (["explain", "model.py", "--at"], "--at: expected one argument"),
    ],
)
def test_usage(arguments: list[str], complaint: str, capsys: Capture) -> None:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("usage: clearprop ")
    assert complaint in said.err


def test_as_a_program(make: Make) -> None:
    done = run("explain", make(), "--at", "x=-4", capture_output=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("  df/dx = -2\n  df/dw = -4\n")
    assert "\x1b" not in done.stdout

    failed = run("explain", "missing.py", capture_output=True)
    assert failed.returncode == 2
    assert (failed.stdout, failed.stderr) == ("", "clearprop: there is no file 'missing.py'\n")


@pytest.mark.skipif(shutil.which("head") is None, reason="no head")
def test_a_reader_who_takes_one_line(make: Make) -> None:
    program = subprocess.Popen(
        [sys.executable, "-m", "clearprop.cli", "explain", make()],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
    )
    with program:
        assert program.stdout is not None
        assert program.stderr is not None
        first = subprocess.run(
            ["head", "-1"], stdin=program.stdout, capture_output=True, encoding="utf-8", timeout=60
        )
        program.stdout.close()
        assert first.stdout.startswith("Forward")
        assert program.stderr.read() == b""
    assert program.returncode == 0


@pytest.mark.skipif(os.name == "nt", reason="pipes close differently")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_pipe_that_nobody_reads_ends_quietly(unbuffered: str, make: Make) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    environment = {"PYTHONUNBUFFERED": unbuffered}
    done = run("explain", make(), environment=environment, stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(os.name == "nt", reason="no descriptors to close")
@pytest.mark.parametrize("closed", [">&-", ">&- 2>&- <&-"])
def test_closed_streams(closed: str, make: Make) -> None:
    command = f'"$0" -W error -m clearprop.cli explain {make()} --svg f.svg {closed}'
    done = subprocess.run(
        [shutil.which("sh") or "sh", "-c", command.replace("$0", sys.executable)],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        env=ENVIRONMENT,
    )
    assert done.returncode == 0
    assert done.stderr in ("", "wrote f.svg\n")
    assert done.stdout == "" or done.stdout.endswith("  df/dw = 3\n")
    assert Path("f.svg").read_text(encoding="utf-8").startswith("<svg")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no full disk at hand")
@pytest.mark.parametrize("command", ["explain", "source"])
def test_a_full_disk(command: str, make: Make) -> None:
    with open("/dev/full", "w") as full:
        done = run(command, make(), stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1
    assert done.stderr == "clearprop: cannot print: No space left on device\n"


def test_code_that_the_output_cannot_hold(make: Make) -> None:
    path = make("def f(µ=2.0):\n    return µ * µ\n")
    environment = {"PYTHONIOENCODING": "ascii"}
    done = run("source", path, environment=environment, capture_output=True)
    assert done.returncode == 1
    assert done.stderr == "clearprop: cannot print in ascii: --output OUT writes UTF-8\n"
    done = run("source", path, "--output", "out.py", environment=environment, capture_output=True)
    assert (done.returncode, done.stderr) == (0, "wrote out.py\n")
    assert "def f_and_grad(μ):" in Path("out.py").read_text(encoding="utf-8")


@pytest.mark.skipif(not os.path.exists("/dev/stdin"), reason="no /dev/stdin here")
@pytest.mark.parametrize("piped", [True, False])
def test_a_function_from_standard_input(piped: bool, make: Make) -> None:
    path = make("def g(x):\n    return x\ndef f(x=3.0):\n    y = x * x\n    return y.sum()\n")
    with open(path, encoding="utf-8") as file:
        given = {"input": file.read()} if piped else {"stdin": file}
        done = run("explain", "/dev/stdin:f", capture_output=True, **given)
    assert (done.returncode, done.stderr) == (0, "")
    assert "y = x * x   = 3 * 3 = 9\n" in done.stdout
    failing = "def f(x=3.0):\n    return float(x)\n"
    done = run("explain", "/dev/stdin", capture_output=True, input=failing)
    assert done.stderr.endswith("  at /dev/stdin:2, in f\n    return float(x)\n")
    assert not os.path.exists("/dev/__pycache__")


# ---- what cannot be understood: 2


@pytest.mark.parametrize(
    ("target", "named"),
    [
        ("missing.py", "missing.py"),
        ("missing.py:f", "missing.py"),
        ("C:\\code\\missing.py", "C:\\code\\missing.py"),
        ("C:/code/missing.py", "C:/code/missing.py"),
        ("C:/code/missing.py:f", "C:/code/missing.py"),
        ("", ""),
    ],
)
def test_a_missing_file(target: str, named: str, capsys: Capture) -> None:
    assert refusal(capsys, 2, target) == f"there is no file {named!r}"


def test_a_folder_is_no_file(tmp_path: Path, capsys: Capture) -> None:
    assert refusal(capsys, 2, tmp_path) == f"there is no file {str(tmp_path)!r}"
    assert refusal(capsys, 2, f"{tmp_path}:f") == f"there is no file {str(tmp_path)!r}"


def test_no_python_file(make: Make, capsys: Capture) -> None:
    assert (
        refusal(capsys, 2, make(name="notes.txt"))
        == f"{Path.cwd() / 'notes.txt'} is no Python file"
    )


def test_a_syntax_error(make: Make, capsys: Capture) -> None:
    path = make("x = 1\ndef f(:\n")
    assert refusal(capsys, 2, path) == f"{path}:2: invalid syntax"


def test_a_syntax_error_in_a_neighbour_names_the_neighbour(make: Make, capsys: Capture) -> None:
    neighbour = make("x = 1\n\ndef f(:\n", "broken_neighbour.py")
    path = make(f"import broken_neighbour\n{PRODUCT}")
    said = refusal(capsys, 2, path)
    assert said.endswith("broken_neighbour.py:3: invalid syntax")
    assert Path(said.split(":3:")[0]).samefile(neighbour)


def test_bytes_that_are_not_utf8(make: Make, capsys: Capture) -> None:
    path = make()
    Path(path).write_bytes(b"x = '\xff'\n")
    said = refusal(capsys, 2, path)
    assert said.startswith(path)
    assert "utf-8" in said


@pytest.mark.parametrize("source", ["", "x = 3\n", "from math import sin\nclass C:\n    pass\n"])
def test_no_function(source: str, make: Make, capsys: Capture) -> None:
    path = make(source)
    assert refusal(capsys, 2, path) == f"{path} defines no function"
    assert refusal(capsys, 2, f"{path}:f") == f"{path} defines no function"


def test_several_functions(make: Make, capsys: Capture) -> None:
    path = make(f"def main():\n    pass\n{PRODUCT}def g(x=1.0):\n    return x\n")
    assert refusal(capsys, 2, path) == (
        f"{path} has several functions (main, f, g); say which, as in {path}:f"
    )


def test_an_unknown_function(make: Make, capsys: Capture) -> None:
    path = make(PRODUCT + "def h(x=1.0):\n    return x\n")
    assert refusal(capsys, 2, f"{path}:g") == f"{path} has no function 'g'; it has f, h"


@pytest.mark.parametrize("given", ["v=2", "=2", "X=2"])
def test_an_unknown_name(given: str, make: Make, capsys: Capture) -> None:
    name = given.partition("=")[0]
    said = refusal(capsys, 2, make(), "--at", given)
    assert said == f"--at {name}: f has no argument {name!r}; it has x, w"


def test_further_arguments_cannot_be_given(make: Make, capsys: Capture) -> None:
    path = make("def f(x=1.0, *rest, **more):\n    return x * x\n")
    for name in ("rest", "more", "new"):
        said = refusal(capsys, 2, path, "--at", f"{name}=2")
        assert said == f"--at {name}: f has no argument {name!r}; it has x"


def test_a_name_without_a_value(make: Make, capsys: Capture) -> None:
    assert refusal(capsys, 2, make(), "--at", "x") == ("--at x: write NAME=VALUE, as in --at x=2.0")


def test_missing_values(make: Make, capsys: Capture) -> None:
    path = make("def f(x, y=1.0, *, z):\n    return x * y * z\n")
    said = refusal(capsys, 2, path)
    assert said == ("f needs a value for x, z: --at x=2.0, --at x=data.npy or --at x=32x64")
    assert refusal(capsys, 2, path, "--at", "x=1").startswith("f needs a value for z: --at z=2.0")


@pytest.mark.parametrize(
    "text",
    ["", "two", "[1, 2", "[1, [2, 3]]", "{'a': 1}", "{[1]: 2}", "2j", "1+1", "3x", "x3", "-2x3"],
)
def test_a_value_that_cannot_be_read(text: str, make: Make, capsys: Capture) -> None:
    assert refusal(capsys, 2, make(), "--at", f"x={text}") == (
        f"--at x={text}: not understood; give a number (2.0), a list ([1, 2.5]), "
        "a .npy file or a shape (32x64)"
    )


@pytest.mark.parametrize("command", ["explain", "source"])
def test_a_function_without_arguments(command: str, make: Make, capsys: Capture) -> None:
    path = make("def f(*rest):\n    return 3.0\n")
    for extra in ([], ["--at", "x=3"]):
        assert main([command, path, *extra]) == 2
        said = capsys.readouterr().err
        assert said == "clearprop: f takes no arguments that could have a gradient\n"


def test_a_file_that_ends_the_program(make: Make, capsys: Capture) -> None:
    path = make(f"import sys\n{PRODUCT}sys.exit(3)\n")
    said = refusal(capsys, 2, path)
    assert said.startswith(f"{path} ends the program when it is imported; put")
    make(f'import sys\n{PRODUCT}if __name__ == "__main__":\n    sys.exit(3)\n')
    assert inputs(capsys, path)["x"] == (3.0, -2.0)


@pytest.mark.parametrize("text", ["x = '\0'\n", "x = " + "(" * 1000, "x = " + "-" * 100_000 + "1"])
def test_a_file_that_python_refuses(text: str, make: Make, capsys: Capture) -> None:
    path = make(text)
    assert refusal(capsys, 2, path).startswith(f"{path}:")


def test_a_missing_npy_file(make: Make, capsys: Capture) -> None:
    said = refusal(capsys, 2, make(), "--at", "x=missing.npy")
    assert said.startswith("--at x=missing.npy: ")
    assert "No such file" in said


@pytest.mark.parametrize("text", ["9" * 400, "-" + "9" * 400, f"[1, {'9' * 400}]"])
def test_a_number_too_large_for_a_float(text: str, make: Make, capsys: Capture) -> None:
    said = refusal(capsys, 2, make(), "--at", f"x={text}")
    assert said == f"--at x={text[:60]}…: too large for a float"


@pytest.mark.parametrize(
    "text", ["9" * 5000, "9" * 5000 + "x2", "-" * 100_000 + "1", "[" * 500 + "]" * 500]
)
def test_an_absurd_value(text: str, make: Make, capsys: Capture) -> None:
    said = refusal(capsys, 2, make(), "--at", f"x={text}")
    assert said.startswith(f"--at x={text[:60]}…: ")
    assert len(said) < 300


HEADERS = {
    "more than there is memory": "{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999,)}",
    "more than can be counted": "{'descr': '<f8', 'fortran_order': False, 'shape': (10**30,)}",
    "a number too large": "{'descr': '<f8', 'fortran_order': False, 'shape': (" + "9" * 23 + ",)}",
    "no end": "(" * 110,
    "no dtype": "{'descr': '<z9', 'fortran_order': False, 'shape': (1,)}",
    "no header": "3",
    "no dict": "{1: 2}",
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_a_npy_file_with_a_broken_header(header: str, make: Make, capsys: Capture) -> None:
    text = header.encode().ljust(117) + b"\n"
    size = struct.pack("<H", len(text))
    Path("broken.npy").write_bytes(b"\x93NUMPY\x01\x00" + size + text + bytes(80))
    said = refusal(capsys, 2, make(), "--at", "x=broken.npy")
    assert re.match(r"--at x=broken\.npy: \S", said)


@pytest.mark.parametrize(
    "content", [b"", b"1.0, 2.0", b"PK\x03\x04 a broken archive", b"\x93NUMPY"]
)
def test_a_broken_npy_file(content: bytes, make: Make, capsys: Capture) -> None:
    Path("broken.npy").write_bytes(content)
    said = refusal(capsys, 2, make(), "--at", "x=broken.npy")
    assert said.startswith("--at x=broken.npy: ")
    assert "magic string" in said


def test_a_npy_file_of_dates(make: Make, capsys: Capture) -> None:
    np.save("dates.npy", np.array(["2020-01-31"], dtype="M8[D]"))
    said = refusal(capsys, 2, make(), "--at", "x=dates.npy")
    assert said.startswith("--at x=dates.npy: it holds dates (dtype=datetime64[D], shape (1,))")


def test_a_npy_file_of_objects(make: Make, capsys: Capture) -> None:
    np.save("objects.npy", np.array([1.0, "a"], dtype=object), allow_pickle=True)
    said = refusal(capsys, 2, make(), "--at", "x=objects.npy")
    assert said.startswith("--at x=objects.npy: Object arrays cannot be loaded")


@pytest.mark.parametrize("shape", ["10000000x1000000000", "99999999999999999999x2"])
def test_a_shape_that_does_not_fit(shape: str, make: Make, capsys: Capture) -> None:
    assert refusal(capsys, 2, make(), "--at", f"x={shape}").startswith(f"--at x={shape}: ")


def source_refusal(capsys: Capture, *arguments: str) -> str:
    assert main(["source", *arguments]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    return said.err.removeprefix("clearprop: ").rstrip("\n")


def test_code_that_cannot_be_written(make: Make, capsys: Capture, tmp_path: Path) -> None:
    path = make()
    assert source_refusal(capsys, path, "--output", "no/such/f.py") == (
        "cannot write no/such/f.py: No such file or directory"
    )
    assert source_refusal(capsys, path, "--output", str(tmp_path)) == (
        f"cannot write {tmp_path}: Is a directory"
    )
    Path("file").write_text("mine")
    said = source_refusal(capsys, path, "--to", "c", "--output", "file")
    assert said == "cannot write file: File exists"
    assert Path("file").read_text() == "mine"


@pytest.mark.parametrize("target", ["model.py", "model.py:f"])
def test_code_does_not_replace_the_function(target: str, make: Make, capsys: Capture) -> None:
    path = make()
    said = source_refusal(capsys, target, "--output", path)
    assert said == f"--output {path} is the file that the function is in"
    assert Path(path).read_text() == PRODUCT


@pytest.mark.parametrize("option", ["--svg", "--html"])
def test_a_file_that_cannot_be_written(option: str, make: Make, capsys: Capture) -> None:
    path = Path("no", "such", "folder", "f.out")
    said = refusal(capsys, 2, make(), option, path)
    assert said == f"cannot write {path}: No such file or directory"
    assert refusal(capsys, 2, "model.py", option, Path.cwd()).startswith("cannot write ")


# ---- what fails: 1


def test_a_result_that_is_no_scalar(make: Make, capsys: Capture) -> None:
    said = refusal(capsys, 1, make(), "--at", "x=[1, 2, 3]")
    assert said.startswith("explain starts from one number, but f has shape (3,). Reduce it")


@pytest.mark.parametrize(
    "arguments",
    [
        ["explain", "--at", "x=[1, 2]"],
        ["explain", "--derive", "z"],
        ["source", "--at", "x=[1, 2]"],
        ["source", "--to", "cobol"],
        ["source", "--names", "d"],
        ["source", "--wrt", "z"],
    ],
)
def test_lines_are_the_users(arguments: list[str], make: Make, capsys: Capture) -> None:
    """None is shown where none of them is at fault: not the one that calls `main`."""
    command, *options = arguments
    assert main([command, make(), *options]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("clearprop: ")
    assert "\n  at " not in said.err


def test_a_whole_argument(make: Make, capsys: Capture) -> None:
    path = make("def f(x=3):\n    return x * x\n")
    for extra in ([], ["--at", "x=5"]):
        said = refusal(capsys, 1, path, *extra)
        assert said.startswith("explain(f, ...) got no floating point argument")
        assert "use 3.0 instead of 3" in said


def test_a_lost_gradient_names_the_line(make: Make, capsys: Capture) -> None:
    path = make("import numpy as np\ndef f(x=3.0):\n    y = x * 2\n    return float(y)\n")
    said = refusal(capsys, 1, path)
    assert said.endswith(f"  at {path}:4, in f\n    return float(y)")


def test_a_function_that_raises(make: Make, capsys: Capture) -> None:
    path = make("def f(x=3.0):\n    y = x * 2\n    raise KeyError('no such word')\n")
    said = traceback(capsys, path)
    assert f'File "{path}", line 3, in f\n    raise KeyError' in said
    assert "KeyError: 'no such word'\n" in said
    assert said.endswith(f"while running {path} for clearprop explain\n")


def test_a_file_that_raises(make: Make, capsys: Capture) -> None:
    path = make(f"{PRODUCT}words = {{}}\nwords['none']\n")
    said = traceback(capsys, path)
    assert f'File "{path}", line 4, in <module>\n    words[' in said
    assert "KeyError: 'none'\n" in said
    assert said.endswith(f"while running {path} for clearprop explain\n")


def test_a_file_that_imports_what_is_not_there(make: Make, capsys: Capture) -> None:
    said = traceback(capsys, make(f"import no_such_module_at_all\n{PRODUCT}"))
    assert "ModuleNotFoundError: No module named 'no_such_module_at_all'" in said
    said = traceback(capsys, make(f"from .neighbour import g\n{PRODUCT}"))
    assert "ImportError: attempted relative import" in said


def test_a_file_whose_gradient_fails_on_import(make: Make, capsys: Capture) -> None:
    path = make(f"import clearprop\n{PRODUCT}clearprop.grad(f)(1)\n")
    said = refusal(capsys, 1, path)
    assert f"  at {path}:4, in <module>\n" in said


def test_a_traceback_ends_in_the_users_line(make: Make) -> None:
    path = make("def f(x=3.0):\n    return x.no_such_attribute\n")
    done = run("explain", path, capture_output=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert f'File "{path}", line 2, in f' in done.stderr
    assert "AttributeError: " in done.stderr.partition(", in f\n")[2]
    assert "_UserError" not in done.stderr


# ---- clearprop source


def test_source_prints_code_that_runs(make: Make, capsys: Capture) -> None:
    assert main(["source", make(SQUARES), "--at", "x=3", "--names", "grad_{}"]) == 0
    space: dict[str, Any] = {}
    exec(capsys.readouterr().out, space)
    value, gradient = space["f_and_grad"](2.0)
    assert (float(value), float(gradient)) == (4, 4)


def test_source_writes_a_file(make: Make, capsys: Capture, tmp_path: Path) -> None:
    out = tmp_path / "code.py"
    arguments = ["--wrt", "w", "--gates", "--steps", "--output", str(out)]
    assert main(["source", make(), *arguments]) == 0
    assert "wrote" in capsys.readouterr().err
    assert "return out, dw" in out.read_text(encoding="utf-8")


def test_source_as_equations(make: Make, capsys: Capture) -> None:
    assert main(["source", make(SQUARES), "--at", "x=3", "--to", "latex"]) == 0
    text = capsys.readouterr().out
    assert "\\begin{align*}" in text
    assert "&= 2 x" in text


def test_source_refuses(make: Make, capsys: Capture) -> None:
    assert main(["source", make(), "--to", "fortran"]) == 1
    assert "no target 'fortran'" in capsys.readouterr().err


# ---- derivations


def test_derive(make: Make, capsys: Capture) -> None:
    path = make("def f(x, w):\n    y = x @ w\n    return y.sum()\n")
    text = printed(capsys, path, "--at", "x=5x3", "--at", "w=3x2", "--derive", "w")
    assert "dw[k,j] = Σᵢ x[i,k]·dy[i,j]  ⇒  dw = xᵀ @ dy" in text
    assert "Backward" not in text


def test_derive_of_an_unknown_name(make: Make, capsys: Capture) -> None:
    assert "no such value; there are x, w, f" in refusal(capsys, 1, make(), "--derive", "v")
