"""`source`: a function's backward pass as code that a person could have written, verified."""

from __future__ import annotations

import linecache
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from warnings import catch_warnings, simplefilter

import numpy as np

from .. import __version__
from ..errors import GradientMismatch
from ..passes.person import derive
from ..spec import spec_of
from ..trees import flatten
from .derivation import Derivation, Step
from .problem import Problem
from .targets import target
from .verify import Errors, instead, verify

BY_GATES = "Written gate by gate: what it was simplified to did not pass."
_LIBRARIES = {"numpy": "numpy", "torch": "torch", "jax": "jax"}


@dataclass(frozen=True)
class Source:
    """Generated code: ``print(it)``, ``it.function(...)``, ``it.save("file.py")``.

    Attributes
    ----------
    text : the code
    function : what it defines, ready to be called; None where the target's library, or a C compiler, is not
        installed, and of LaTeX. Of C: a function of a list of the input arrays, which returns the values and
        the gradients
    steps : the derivation, rule by rule
    errors : the largest relative errors that were seen when it was run; where it cannot be run, those of the
        computation that it is written from, and its header says so
    """

    text: str
    function: Any = field(compare=False)
    steps: tuple[Step, ...]
    errors: Errors
    target: str
    files: Mapping[str, str] = field(default_factory=dict)
    """Where the code is more than one file: each by its name."""
    blocks: Mapping[str, Callable[..., Any]] = field(default_factory=dict, compare=False)
    """The user's blocks that the code calls by name: `function` has them, a saved file needs them."""

    def __str__(self) -> str:
        return self.text

    def __reduce__(self) -> tuple[Callable[..., Source], tuple[Any, ...]]:
        """Python code is stored as its text, and run again to be loaded."""
        function = self.function
        if function is not None and self.target in _LIBRARIES:
            function = function.__module__, function.__name__
        rest = self.steps, self.errors, self.target, dict(self.files), dict(self.blocks)
        return _again, (self.text, function, *rest)

    def _repr_markdown_(self) -> str:
        if self.target == "latex":
            return f"$$\n{self.equations}\n$$"
        longest = max(map(len, re.findall("`+", self.text)), default=0)
        fence = "`" * max(3, longest + 1)
        return f"{fence}{'c' if self.target == 'c' else 'python'}\n{self.text}{fence}"

    @property
    def equations(self) -> str:
        """Of LaTeX: what stands between ``$$``, without comments; else nothing."""
        if self.target != "latex":
            return ""
        body = re.sub(r"^%.*\n", "", self.text, flags=re.MULTILINE).strip()
        return body.replace("{align*}", "{aligned}")

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
    if isinstance(function, tuple):
        file, name = function
        function = _loaded(file, text, blocks)[name] if find_spec(_LIBRARIES[to]) else None
    return Source(text, function, steps, errors, to, files, blocks)


def source(
    f: Callable[..., Any],
    *args: Any,
    to: str = "numpy",
    argnums: Any = None,
    gradient: Any = None,
    simplify: bool = True,
    steps: bool = False,
    gradient_names: str = "d{}",
    **kwargs: Any,
) -> Source:
    """A function with its backward pass, as standalone code in the user's names.

    Parameters
    ----------
    f : a function of arrays, floats and containers of them that returns one number
    args, kwargs : examples: the code is for their shapes and dtypes, and verified at their values. Ints,
        bools, strings and None are fixed.
    to : ``"numpy"``: a function that returns the value and the gradients, in the order of the arguments.
        ``"torch"``: a ``torch.autograd.Function``. ``"jax"``: a ``jax.custom_vjp``. ``"c"``: a C99 function
        over memory of the caller's, and its header; indices and labels must be in range. ``"latex"``: the
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
    writer = target(to)
    problem = Problem(
        f,
        args,
        kwargs,
        argnums=argnums,
        gradient=gradient,
        gradient_names=gradient_names,
        spelling=writer.SPELLING,
    )
    attempts = [(True, True), (True, False), (False, False)] if simplify else [(False, False)]
    for attempt in attempts:
        simple, ties = attempt
        derivation = Derivation()
        positions = [list(problem.wire_at).index(i) for i in problem.wanted]
        problem.joint = derive(
            problem.forward,
            positions,
            problem.seeded,
            upstream=problem.upstream or getattr(writer, "UPSTREAM", False),
            simplify=simple,
            ties=ties,
            compounds=getattr(writer, "COMPOUNDS", False),
            note=derivation.note,
        )
        problem.exact = not ties
        code = writer.write(problem)
        found = tuple(derivation.steps)
        try:
            with np.errstate(all="ignore"), catch_warnings():
                simplefilter("ignore", RuntimeWarning)  # those of the function itself
                function, errors, ran = _verified(problem, writer, code, to)
            break
        except GradientMismatch:
            if attempt is attempts[-1]:
                raise
    header = _header(problem, errors, ran, getattr(writer, "NEEDS", ()))
    if simplify and not simple:
        header.insert(-1, BY_GATES)
    derived = derivation.lines() if steps else []
    if hasattr(writer, "files"):
        comments = [*header, *derived]
        text = writer.write(problem, comments)
        return Source(text, function, found, errors, to, writer.files(problem, comments))
    mark, comment = getattr(writer, "COMMENT", "#"), problem.spelling.comment
    text = "".join(f"{mark} {comment(line)}\n" for line in header) + code
    text += "".join(["\n\n", *(f"{mark} {comment(line)}\n" for line in derived)]) if steps else ""
    if function is not None:
        space = _loaded(_file(problem, to), text, problem.blocks)
        function = space[writer.public_name(problem)]
    return Source(text, function, found, errors, to, blocks=problem.blocks)


def _file(problem: Problem, to: str) -> str:
    """What stands for a file's name where Python shows one."""
    kind = "" if to == "numpy" else f" for {to}"
    return f"<clearprop source {problem.title}{kind}>"


def _loaded(file: str, text: str, blocks: Mapping[str, Any]) -> dict[str, Any]:
    """The module that the code makes, with the blocks that it calls.

    Tracebacks and debuggers can show its lines.
    """
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    space: dict[str, Any] = {"__name__": file, **blocks}
    exec(compile(text, file, "exec"), space)
    return space


def _verified(problem: Problem, writer: Any, code: str, to: str) -> tuple[Any, Errors, str]:
    """The function, None if nothing here can run it; the errors seen; and what it was that ran."""
    written_from = "the computation that it is written from was run"
    if hasattr(writer, "load"):
        loaded = writer.load(problem)
        if loaded is None:
            return None, verify(problem, problem.run_graph), f"{writer.NOT_RUN} {written_from}"
        return loaded, verify(problem, lambda leaves: writer.run_on(problem, loaded, leaves)), "Run"
    library = _LIBRARIES.get(to)
    if library is None:
        return None, verify(problem, problem.run_graph), writer.NOT_RUN
    if find_spec(library) is None:
        why = f"{library} is not installed here, so this code was not run:"
        return None, verify(problem, problem.run_graph), f"{why} {written_from}"
    space = _loaded(_file(problem, to), code, problem.blocks)
    function = space[writer.public_name(problem)]

    def run(leaves: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        args, kwargs = problem.unflatten([_kept(x) for x in leaves])
        try:
            return writer.call(problem, function, args, kwargs)
        except Exception as error:
            raise GradientMismatch(
                f"the code written for {problem.title} raised {type(error).__name__}: {error}. "
                f"{instead(problem)}"
            ) from error

    return function, verify(problem, run), "Run"


def _kept(x: Any) -> Any:
    return x.copy() if isinstance(x, np.ndarray) else x


def _header(problem: Problem, errors: Errors, ran: str, needs: Sequence[str]) -> list[str]:
    """What the code is for, and how far it was tried, as lines of a comment."""
    inputs = ", ".join(f"{w.name} {spec_of(w.spec)}" for w in problem.wire_at.values())
    fixed = [
        f"{problem.title_of(i)} = {leaf!r}"
        for i, leaf in enumerate(problem.leaves)
        if i not in problem.wire_at
    ]
    lines = [f"The value and the gradient of {problem.title}, written by Clearprop {__version__}."]
    lines += needs
    lines.append(f"For {inputs}" + (f"; fixed: {', '.join(fixed)}" if fixed else "") + ".")
    if problem.blocks:
        lines.append(f"It calls what is not written here: {', '.join(problem.blocks)}.")
    lines.append(
        "Shapes, and Python's branches and loops, are as they were with these: for others, write it anew."
    )
    text = f"{ran} against Clearprop: largest relative error {errors.engine:.0e}"
    if errors.smaller:
        text += " (at smaller arguments: at these, Clearprop overflows)"
    if errors.differences is None and problem.blocks:
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


def leaves_of(tree: Any) -> list[Any]:
    """The arrays in a result."""
    return [x for x in flatten(tree)[0] if x is not None]
