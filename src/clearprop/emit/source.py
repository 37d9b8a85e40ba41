"""`source`: a function's backward pass as code that a person could have written, verified."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from warnings import catch_warnings, simplefilter

import numpy as np

from .. import __version__
from ..engine.array_types import Tree
from ..engine.settings import recomputes, switched
from ..engine.spec import spec_of
from ..errors import GradientMismatch
from ..passes.person import derive_backward
from .derived import Derived
from .problem import problem_of
from .rewrite_log import Rewrite, RewriteLog
from .target import Code
from .targets import target
from .verify import Errors, verify

BY_GATES = "Written gate by gate: what it was simplified to did not pass."


@dataclass(frozen=True)
class Source:
    """Generated code: ``print(it)``, ``it.function(...)``, ``it.save("file.py")``.

    Attributes
    ----------
    text : the code
    function : what it defines, ready to be called; None where the target's library, a C compiler or Node is
        not installed, and of LaTeX. Of C and JavaScript: a function of a list of the input arrays, which
        returns the values and the gradients
    steps : the derivation, rule by rule
    errors : the largest relative errors that were seen when it was run; where it cannot be run, those of the
        computation that it is written from, and its header says so

    >>> import numpy as np
    >>> generated = source(lambda x: np.sum(x * x), np.ones(2))
    >>> value, dx = generated.function(np.array([1.0, 3.0]))
    >>> float(value), dx
    (10.0, array([2., 6.]))
    """

    text: str
    function: Any = field(compare=False)
    steps: tuple[Rewrite, ...]
    errors: Errors
    target: str
    files: Mapping[str, str] = field(default_factory=dict)
    """Where the code is more than one file: each by its name."""
    blocks: Mapping[str, Callable[..., Any]] = field(default_factory=dict, compare=False)
    """The user's blocks that the code calls by name: `function` has them, a saved file needs them."""

    def __str__(self) -> str:
        return self.text

    def __reduce__(self) -> tuple[Callable[..., Source], tuple[Any, ...]]:
        """Pickle the text, and what it defines in the form that its target stores."""
        function = target(self.target).stored(self.function)
        rest = self.steps, self.errors, self.target, dict(self.files), dict(self.blocks)
        return _again, (self.text, function, *rest)

    def _repr_markdown_(self) -> str:
        return target(self.target).markdown(self.text)

    @property
    def equations(self) -> str:
        """Of LaTeX: what stands between ``$$``, without comments; else nothing."""
        return target(self.target).equations(self.text)

    def save(self, path: str | Path) -> None:
        """Write the code to a file; several files, such as C and its header, to a folder."""
        path = Path(path)
        if not self.files:
            path.write_text(self.text, encoding="utf-8")
            return
        path.mkdir(parents=True, exist_ok=True)
        for name, text in self.files.items():
            (path / name).write_text(text, encoding="utf-8")


def _again(
    text: str, function: Any, steps: Any, errors: Errors, to: str, files: Any, blocks: Any
) -> Source:
    function = target(to).restored(function, text, blocks)
    return Source(text, function, steps, errors, to, files, blocks)


def source(
    f: Callable[..., Any],
    *args: Any,
    to: str = "numpy",
    argnums: int | str | Sequence[int | str] | None = None,
    gradient: Tree = None,
    simplify: bool = True,
    steps: bool = False,
    gradient_names: str = "d{}",
    **kwargs: Any,
) -> Source:
    """Write a function with its backward pass as standalone code in the user's names.

    Parameters
    ----------
    f : a function of arrays, floats and containers of them that returns one number
    args, kwargs : examples: the code is for their shapes and dtypes, and verified at their values. Ints,
        bools, strings and None are fixed.
    to : ``"numpy"``: a function that returns the value and the gradients, in the order of the arguments.
        ``"torch"``: a ``torch.autograd.Function``. ``"jax"``: a ``jax.custom_vjp``. ``"c"``: a C99 function
        over memory of the caller's, and its header; indices and labels must be in range. ``"javascript"``: a
        function over typed arrays, which returns an object with the value and the gradients. ``"latex"``: the
        equations of both passes, to be pasted into a document; what is run against the engine is the
        computation that they are read from, not the text.
    argnums : numbers or names of the arguments to differentiate with respect to; None: all floating ones
    gradient : an upstream gradient, where `f` returns arrays; the function then takes it as its last argument
    simplify : False shows what the gates' own rules give
    steps : append the derivation from one to the other, rule by rule, as comments
    gradient_names : ``"d{}"``, ``"grad_{}"``, ``"{}_bar"``, ...

    Returns
    -------
    Source : prints as the code; ``.function`` runs it, ``.save(path)`` writes it.

    Raises
    ------
    TraceError : `f` branches on values. UnsupportedError : an operation has no form in this target.
    GradientError : `f` does not return one number. DtypeError : no argument is floating.
    GradientMismatch : the code did not pass its verification.

    >>> def area(r):
    ...     return np.pi * r**2
    >>> print(source(area, 1.5))  # doctest: +ELLIPSIS
    # The value and the gradient of area, ...
    # ...
    import numpy as np
    <BLANKLINE>
    <BLANKLINE>
    def area_and_grad(r):
        out = np.pi * r**2
    <BLANKLINE>
        # backward of  return np.pi * r**2
        dr = 2 * np.pi * r
    <BLANKLINE>
        return out, dr
    """
    language = target(to)
    with switched(recomputes, language.recomputes):
        problem = problem_of(
            f,
            args,
            kwargs,
            language.spelling,
            argnums=argnums,
            gradient=gradient,
            gradient_names=gradient_names,
        )
    attempts = [(True, True), (True, False), (False, False)] if simplify else [(False, False)]
    for attempt in attempts:
        simple, ties = attempt
        log = RewriteLog()
        joint = derive_backward(
            problem.forward,
            problem.positions,
            problem.seeded,
            upstream=problem.upstream or language.upstream,
            simplify=simple,
            ties=ties,
            compounds=language.compounds,
            note=log.note,
        )
        derived = Derived(problem, joint, exact=not ties)
        code = language.write(derived)
        try:
            with np.errstate(all="ignore"), catch_warnings():
                simplefilter("ignore", RuntimeWarning)  # those of the function itself
                errors, ran = _verified(derived, code)
            break
        except GradientMismatch:
            if attempt is attempts[-1]:
                raise
    header = _header(derived, language.needs, errors, ran)
    if simplify and not simple:
        header.insert(-1, BY_GATES)
    shown = log.lines() if steps else []
    text = code.text(header, shown)
    found, files = tuple(log.steps), code.files(header, shown)
    return Source(text, code.load(text), found, errors, to, files, derived.blocks)


def _verified(derived: Derived, code: Code) -> tuple[Errors, str]:
    """Return the errors that are seen when the code is run, or where it cannot be, what it is written from.

    And which of the two it was.
    """
    function = code.load(code.text())
    if function is None:
        return verify(derived, derived.run), code.not_run
    return verify(derived, lambda leaves: code.run(function, leaves)), "Run"


def _header(derived: Derived, needs: Sequence[str], errors: Errors, ran: str) -> list[str]:
    """Return, as lines of a comment, what the code is for and how far it was tried."""
    problem = derived.problem
    inputs = ", ".join(f"{w.name} {spec_of(w.spec)}" for w in problem.wire_at.values())
    fixed = [
        f"{problem.title_of(i)} = {leaf!r}"
        for i, leaf in enumerate(problem.leaves)
        if i not in problem.wire_at
    ]
    lines = [f"The value and the gradient of {problem.title}, written by Clearprop {__version__}."]
    lines += needs
    lines.append(f"For {inputs}" + (f"; fixed: {', '.join(fixed)}" if fixed else "") + ".")
    if derived.blocks:
        lines.append(f"It calls what is not written here: {', '.join(derived.blocks)}.")
    lines.append(
        "Shapes, and Python's branches and loops, are as they were with these: for others, write it anew."
    )
    text = f"{ran} against Clearprop: largest relative error {errors.engine:.0e}"
    if errors.smaller:
        text += " (at smaller arguments: at these, Clearprop overflows)"
    if errors.differences is None and derived.blocks:
        text += "; the blocks' gradients are taken as they are, so not against finite differences."
    elif errors.differences is None:
        text += (
            "; its gradient is not the derivative, on purpose, so not against finite differences."
        )
    elif np.isnan(errors.differences):
        text += "; not against finite differences, since not all values are finite."
    else:
        text += f"; against finite differences: {errors.differences:.0e}."
    lines.append(text)
    return [part for line in lines for part in _folded(line)]


def _folded(line: str, width: int = 96) -> list[str]:
    found, rest = [], line
    while len(rest) > width and " " in rest[:width]:
        cut = rest.rindex(" ", 0, width)
        found.append(rest[:cut])
        rest = rest[cut + 1 :]
    return [*found, rest]
