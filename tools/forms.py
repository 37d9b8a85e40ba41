"""``python -m tools.forms``: write into docs/source.md which operations have no form in which target.

Each operation is tried as its first sample with floating arrays has it, with a gradient for all of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import clearprop.scipy.linalg
import clearprop.scipy.primitives  # noqa: F401
from clearprop.emit.derived import Derived
from clearprop.emit.problem import problem_of
from clearprop.emit.targets import target as target_of
from clearprop.engine.bundle import Bundle
from clearprop.engine.primitive import Primitive, Sample, primitives
from clearprop.engine.spec import is_floating
from clearprop.errors import UnsupportedError
from clearprop.passes.person import derive_backward

PAGE = Path(__file__).parent.parent / "docs" / "source.md"
TARGETS = ("numpy", "torch", "jax", "c", "javascript")
BEGINS, ENDS = "<!-- forms: python -m tools.forms -->\n", "<!-- end of forms -->\n"


class Example(NamedTuple):
    """A number made of an operation's results, as a function of the arrays that go in."""

    f: Callable[..., Any]
    arrays: list[Any]


def examples() -> Iterator[tuple[Primitive, Example]]:
    """Every primitive that takes floating arrays, by name."""
    for _, primitive in sorted(vars(primitives).items()):
        for sample in primitive.samples:
            example = _example(primitive, sample)
            if any(is_floating(x.dtype) for x in example.arrays):
                yield primitive, example
                break


def _example(primitive: Primitive, sample: Sample) -> Example:
    inputs = list(sample.draw())
    places = [i for i, x in enumerate(inputs) if hasattr(x, "dtype")]

    def f(*arrays: Any) -> Any:
        filled = list(inputs)
        for i, x in zip(places, arrays, strict=True):
            filled[i] = x
        result = primitive(*filled, **sample.params)
        several = isinstance(getattr(result, "value", result), Bundle)
        results = tuple(result) if several else (result,)
        if primitive.name in _FREE:
            results = _FREE[primitive.name](*results)
        total = _weighed(results)
        # where no gradient comes through, one goes around
        return total if primitive.differentiable else total + _weighed(arrays)

    f.__name__ = primitive.name
    return Example(f, [inputs[i] for i in places])


_FREE: dict[str, Callable[..., tuple[Any, ...]]] = {
    "svd": lambda u, s, vh: ((u * s) @ vh, s),
    "eigh": lambda w, v: ((v * w) @ v.mT, w),
}
"""Of vectors whose signs are any library's own choice, what does not depend on them."""


def _weighed(results: Any) -> Any:
    total = 0.0
    for i, y in enumerate(results):
        if y.dtype.kind in "biufc":
            total = total + np.sum(y.real * (1.5 + i))
        if y.dtype.kind == "c":
            total = total + np.sum(y.imag * 0.5)
    return total


def missing(example: Example, target: str) -> str | None:
    """Return the operation that has no form, or None if the whole can be written."""
    language = target_of(target)
    problem = problem_of(example.f, example.arrays, {}, language.spelling)
    try:
        joint = derive_backward(
            problem.forward, problem.positions, problem.seeded, upstream=language.upstream
        )
        language.write(Derived(problem, joint, exact=False))
    except UnsupportedError as error:
        words = str(error).split()
        return words[0] if "has no form in" in str(error) else "complex"
    return None


Survey = dict[str, dict[str, str]]
"""By the name of a primitive and by target: which operation has no form."""


def survey() -> Survey:
    found: Survey = {}
    for primitive, example in examples():
        lacks = {t: missing(example, t) for t in TARGETS}
        found[primitive.name] = {t: name for t, name in lacks.items() if name is not None}
    return found


def write(found: Survey) -> str:
    """Return the section: operations by the targets that have no form of them."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for name, lacks in found.items():
        if lacks:
            needs = lacks.get("numpy", name)
            reason = f" (its gradient takes `{needs}`)" if needs != name else ""
            groups.setdefault(tuple(lacks), []).append(f"`{name}`{reason}")
    counts = [f"{sum(t not in lacks for lacks in found.values())} in {t}" for t in TARGETS]
    lines = [
        f"Of {len(found)} operations on floating arrays, with gradients for all of their inputs, there are",
        f"{', '.join(counts)}.",
    ]
    for lacks, names in sorted(groups.items(), key=lambda item: (len(item[0]), item[0])):
        lines += ["", f"- Not in {', '.join(lacks)}: {', '.join(names)}."]
    return "\n".join(lines) + "\n"


def listed(text: str) -> dict[str, set[str]]:
    """By target, the operations that a section says have no form there."""
    found: dict[str, set[str]] = {t: set() for t in TARGETS}
    for targets, names in re.findall(r"^- Not in ([\w, ]+): (.*)\.$", text, re.MULTILINE):
        names = re.sub(r" \(.*?\)", "", names)
        for t in targets.split(", "):
            found[t].update(name.strip("`") for name in names.split(", "))
    return found


def section(page: str) -> tuple[str, str, str]:
    """Return what stands before the list, the list, and what stands after it."""
    before, begins, rest = page.partition(BEGINS)
    listed, ends, after = rest.partition(ENDS)
    assert begins, f"{PAGE.name} has lost the mark before the list"
    assert ends, f"{PAGE.name} has lost the mark behind the list"
    return before + begins, listed, ends + after


def main() -> None:
    before, _, after = section(PAGE.read_text(encoding="utf-8"))
    PAGE.write_text(before + write(survey()) + after, encoding="utf-8")


if __name__ == "__main__":
    main()
