"""The command lines in the README and other pages run as they stand, and name what there is."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = ("README.md", "CONTRIBUTING.md", "RELEASING.md")
BLOCK = re.compile(r"^ *```\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def commands(page: str) -> list[str]:
    """The lines of blocks that are in no language, without comments."""
    text = (ROOT / page).read_text(encoding="utf-8")
    lines = [line for block in BLOCK.findall(text) for line in block.splitlines()]
    return [line.split("  #")[0].strip() for line in lines if line.strip()]


OWN = [line for line in commands("README.md") if line.startswith("clearprop ")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the commands read: they write files beside it."""
    copy = tmp_path_factory.mktemp("clone")
    shutil.copytree(ROOT / "examples", copy / "examples")
    return copy


def test_there_are_some() -> None:
    assert len(OWN) >= 4


@pytest.mark.parametrize("line", OWN)
def test_clearprop(line: str, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", *shlex.split(line)],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    written = re.findall(r"--(?:svg|html|output) (\S+)", line)
    assert done.stdout or written
    assert all((folder / name).exists() for name in written)


@pytest.mark.parametrize("page", PAGES)
def test_targets_of_make(page: str) -> None:
    defined = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    text = (ROOT / page).read_text(encoding="utf-8")
    lines = [*commands(page), *re.findall(r"`(make .*?)`", text)]
    named = [word for line in lines if line.startswith("make ") for word in line.split()[1:]]
    assert named
    assert set(named) <= set(defined)


@pytest.mark.parametrize("page", PAGES)
def test_modules_that_are_run(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for name in re.findall(r"python -m (tools\.\w+|benchmarks)", text):
        found = ROOT / name.replace(".", "/")
        assert found.with_suffix(".py").exists() or found.is_dir()
