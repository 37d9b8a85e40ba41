"""Every example runs as a user would run it, and finds the numbers that it should."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import clearprop

EXAMPLES = Path(__file__).parent.parent / "examples"


def output_of(name: str, *arguments: object) -> str:
    """What an example prints, run with warnings as errors."""
    command = [sys.executable, "-W", "error", EXAMPLES / f"{name}.py", *map(str, arguments)]
    environment = os.environ | {"COLUMNS": "300", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        command, capture_output=True, encoding="utf-8", env=environment, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def functions_of(name: str) -> dict[str, Any]:
    """What an example defines."""
    return runpy.run_path(str(EXAMPLES / f"{name}.py"))


def test_every_example_is_tested() -> None:
    names = {path.stem for path in EXAMPLES.glob("*.py")}
    tested = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    assert names <= tested


def test_neuron(tmp_path: Path) -> None:
    picture = tmp_path / "new" / "neuron.svg"
    printed = output_of("neuron", picture)
    for gradient in (
        "dw0 = -0.1966",
        "dx0 = 0.3932",
        "dw1 = -0.3932",
        "dx1 = -0.5898",
        "dw2 = 0.1966",
    ):
        assert f"/{gradient}\n" in printed
    assert "0.7311" in printed
    assert picture.read_text(encoding="utf-8").startswith("<svg")


def test_two_layer(tmp_path: Path) -> None:
    example = functions_of("two_layer")
    x, w1, b1, w2, b2, y = example["loss"].__defaults__
    hidden = np.maximum(x @ w1 + b1, 0)
    error = hidden @ w2 + b2 - y
    derror = 2 * error / error.size
    dhidden = derror @ w2.T * (hidden > 0)
    expected = [
        dhidden @ w1.T,
        x.T @ dhidden,
        dhidden.sum(0),
        hidden.T @ derror,
        derror.sum(0),
        -derror,
    ]
    found = clearprop.grad(example["loss"], argnums=range(6))(x, w1, b1, w2, b2, y)
    for mine, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(mine, theirs)

    picture = tmp_path / "two_layer.svg"
    printed = output_of("two_layer", picture)
    assert f"= {(error**2).mean():.4g}\n" in printed
    assert "dloss/db2 = [" + ", ".join(f"{g:.4g}" for g in derror.sum(0)) + "]" in printed
    assert picture.read_text(encoding="utf-8").startswith("<svg")


@pytest.mark.parametrize("seed", range(3))
def test_regression(seed: int) -> None:
    example = functions_of("regression")
    losses, w, b = example["fit"](seed)
    assert len(losses) == 22
    assert np.all(np.diff(losses) < 0)
    assert losses[-1] < losses[0] / 50
    np.testing.assert_allclose(w, example["W_TRUE"], atol=0.5)
    assert b[1] < b[0]


def test_regression_prints_its_losses() -> None:
    losses = [float(n) for n in re.findall(r"loss +([\d.]+)", output_of("regression"))]
    assert losses == [round(loss, 4) for loss in functions_of("regression")["fit"]()[0]]


def test_higher_order() -> None:
    example = functions_of("higher_order")
    points = [x for x, _, _ in example["newton"](example["rosenbrock"], np.array([-1.2, 1.0]))]
    np.testing.assert_allclose(points[1], [-1.1752809, 1.38067416])  # a textbook's first step
    np.testing.assert_allclose(points[-1], [1.0, 1.0], atol=1e-12)

    x, v = np.linspace(-1, 1, 1000), np.ones(1000)
    product = np.zeros(1000)  # of the tridiagonal Hessian with ones: the sums of its rows
    product[:-1] += 1200 * x[:-1] ** 2 - 400 * x[1:] + 2 - 400 * x[:-1]
    product[1:] += 200 - 400 * x[:-1]
    np.testing.assert_allclose(clearprop.hvp(example["rosenbrock"], x, v), product)
    assert f"norm {np.linalg.norm(product):.4f}" in output_of("higher_order")


def test_digits(tmp_path: Path) -> None:
    picture = tmp_path / "loss.svg"
    printed = output_of("digits", picture, "--epochs", 12)
    match = re.search(r"test accuracy ([\d.]+)% after (\d+) steps", printed)
    assert match
    assert float(match[1]) > 95
    assert int(match[2]) == 12 * 43  # 1,347 images in batches of 32
    assert "<svg" in picture.read_text(encoding="utf-8")


def test_digits_fails_when_it_learns_too_little(capsys: pytest.CaptureFixture[str]) -> None:
    assert functions_of("digits")["main"](["--epochs", "0"]) == 1
    assert "under the 95% wanted" in capsys.readouterr().err


def test_the_picture_in_the_readme_is_current() -> None:
    neuron = functions_of("neuron")["neuron"]
    svg = clearprop.explain(neuron, *neuron.__defaults__).svg()
    shown = EXAMPLES.parent / "docs" / "images" / "neuron.svg"
    assert shown.read_text(encoding="utf-8") == svg
