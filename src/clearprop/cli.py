"""The command line: ``clearprop explain FILE[:FUNCTION]``, ``clearprop source``, ``clearprop cache``.

Exit codes: 0 done; 1 the function or its gradient failed; 2 the command was not understood.
"""

from __future__ import annotations

import argparse
import ast
import importlib.util
import inspect
import io
import os
import re
import sys
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import numpy as np

from . import __version__
from .errors import ClearpropError
from .ledger import Explanation, explain

_SHAPE = re.compile(r"\d+(x\d+)*")


class _UsageError(Exception):
    """The command line makes no sense; its message says why and what would."""


class _UserError(Exception):
    """The user's own code failed, for the cause of this error; its traceback is what helps."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code is the result."""
    parser = _parser()
    options = parser.parse_args(argv)
    try:
        return options.run(options)
    except _UsageError as error:
        return _stop(2, error)
    except ClearpropError as error:
        return _stop(1, error)
    except _UserError as error:
        cause = error.__cause__ or error
        cause.add_note(f"while running {options.target} for clearprop {options.command}")
        sys.excepthook(type(cause), cause, cause.__traceback__)
        return 1
    except BrokenPipeError:  # the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _stop(code: int, error: object) -> int:
    print(f"clearprop: {error}", file=sys.stderr)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="clearprop", description="Backpropagation you can see through."
    )
    parser.add_argument("--version", action="version", version=f"clearprop {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    command = commands.add_parser(
        "explain",
        help="show a function's forward and backward pass, gate by gate",
        description="Run FUNCTION of FILE forward and backward, and show each gate's upstream × local = "
        "downstream. Inputs are the function's defaults unless given with --at.",
        epilog="examples:  clearprop explain neuron.py --at w0=2 --svg neuron.svg\n"
        "           clearprop explain model.py:loss --at x=data.npy --at w=32x64",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_target(command)
    command.add_argument("--json", action="store_true", help="print the ledger as JSON")
    command.add_argument("--svg", metavar="OUT", type=Path, help="write the picture here")
    command.add_argument(
        "--html", metavar="OUT", type=Path, help="write ledger and picture as HTML here"
    )
    command.add_argument(
        "--nudge", metavar="STEP", type=float, help="also raise each scalar input by STEP"
    )
    command.add_argument("--open", action="store_true", help="show the parts of blocks")
    command.add_argument(
        "--derive",
        metavar="NAME",
        help="instead of the ledger, show why the gradient of this value is what it is, entry by entry",
    )
    command.set_defaults(run=_explain, command="explain")
    command = commands.add_parser(
        "source",
        help="write a function's backward pass as code",
        description="Write FUNCTION of FILE with its backward pass as code, verified at these inputs.",
        epilog="example:  clearprop source model.py:loss --at x=32x64 --at w=64 --to torch",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_target(command)
    command.add_argument(
        "--to", default="numpy", metavar="TARGET", help="numpy, torch, jax, c or latex"
    )
    command.add_argument(
        "--wrt",
        metavar="NAMES",
        help="arguments to differentiate with respect to: w,b; all by default",
    )
    command.add_argument(
        "--gates", action="store_true", help="the gates' own rules, without simplification"
    )
    command.add_argument("--steps", action="store_true", help="append how it was simplified")
    command.add_argument(
        "--names", default="d{}", metavar="PATTERN", help="how gradients are called: d{}, grad_{}"
    )
    command.add_argument(
        "--output", metavar="OUT", type=Path, help="write the code here (C: to this folder)"
    )
    command.set_defaults(run=_source, command="source")
    command = commands.add_parser(
        "cache",
        help="show or empty the folder of compiled code",
        description="Compiled code is kept on disk, so that a program that ran before starts fast. The "
        "folder is CLEARPROP_CACHE_DIR, or the user's cache folder.",
    )
    command.add_argument("action", choices=["info", "clear"])
    command.set_defaults(run=_cache)
    return parser


def _add_target(command: argparse.ArgumentParser) -> None:
    """The function, and its inputs."""
    command.add_argument(
        "target", metavar="FILE[:FUNCTION]", help="a Python file; its only function by default"
    )
    command.add_argument(
        "--at",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="an input: a number (2), a list ([1, 2.5]), a .npy file, or a shape (32x64) to draw "
        "normally distributed numbers of, the same each time",
    )


def _source(options: argparse.Namespace) -> int:
    from .emit.source import source

    function = _function(options.target)
    positional, keywords = _arguments(function, options.at)
    try:
        code = source(
            function,
            *positional,
            to=options.to,
            argnums=options.wrt.split(",") if options.wrt else None,
            simplify=not options.gates,
            steps=options.steps,
            gradient_names=options.names,
            **keywords,
        )
    except ClearpropError:
        raise
    except Exception as error:
        raise _UserError from error
    if options.output:
        if code.files:
            code.save(options.output)
        else:
            _write(options.output, code.text)
        print(f"wrote {options.output}", file=sys.stderr)
    else:
        print(code, end="")
        sys.stdout.flush()
    return 0


def _explain(options: argparse.Namespace) -> int:
    function = _function(options.target)
    positional, keywords = _arguments(function, options.at)
    try:
        explanation = explain(
            function, *positional, nudge=options.nudge, open=options.open, **keywords
        )
    except ClearpropError:
        raise
    except Exception as error:
        raise _UserError from error
    if options.svg:
        _write(options.svg, explanation.svg())
    if options.html:
        _write(options.html, explanation.html())
    _show(explanation, options)
    return 0


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise _UsageError(f"cannot write {path}: {error.strerror}") from None


def _show(explanation: Explanation, options: argparse.Namespace) -> None:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # not every terminal knows ∂
    if options.derive:
        print(explanation.derive(options.derive))
    elif options.json:
        print(explanation.json())
    else:
        explanation.show()
    sys.stdout.flush()  # while a closed pipe can still be caught
    for path in (options.svg, options.html):
        if path:
            print(f"wrote {path}", file=sys.stderr)


def _cache(options: argparse.Namespace) -> int:
    from .native import cache

    try:
        removed = cache.clear() if options.action == "clear" else 0
        found = cache.info()
    except OSError as error:
        return _stop(1, f"{error.filename}: {error.strerror}")
    if found.folder is None:
        print(
            "no code is kept: CLEARPROP_CACHE_DIR is empty, or unset and there is no home directory"
        )
    elif options.action == "clear":
        print(f"removed {_files(removed)} from {found.folder}")
    else:
        print(f"{found.folder}: {_files(found.files)}, {found.bytes / 1e6:.1f} MB")
    return 0


def _files(count: int) -> str:
    return f"{count} file{'s' * (count != 1)}"


# ---- the function


def _function(target: str) -> Callable[..., Any]:
    path, name = target, ""
    if not Path(path).exists() and ":" in target:
        path, _, name = target.rpartition(":")
    if not Path(path).is_file():
        raise _UsageError(f"there is no file {path if name.isidentifier() else target!r}")
    module = _load(Path(path))
    functions = {
        key: value
        for key, value in vars(module).items()
        if callable(value)
        and not key.startswith("_")
        and getattr(value, "__module__", None) == module.__name__
        and not isinstance(value, type)
    }
    if not functions:
        raise _UsageError(f"{path} defines no function")
    if name:
        if name not in functions:
            raise _UsageError(f"{path} has no function {name!r}; it has {', '.join(functions)}")
        return functions[name]
    candidates = {key: value for key, value in functions.items() if key != "main"} or functions
    if len(candidates) != 1:
        raise _UsageError(
            f"{path} has several functions ({', '.join(functions)}); say which, as in "
            f"{path}:{next(iter(candidates))}"
        )
    return next(iter(candidates.values()))


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise _UsageError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent.resolve()))
    sys.modules.setdefault(path.stem, module)
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise _UsageError(f"{error.filename or path}:{error.lineno}: {error.msg}") from None
    except ClearpropError:
        raise
    except Exception as error:
        raise _UserError from error
    return module


# ---- its inputs


def _arguments(
    function: Callable[..., Any], given: Sequence[str]
) -> tuple[list[Any], dict[str, Any]]:
    """What to call the function with: by place where that works, else by name."""
    parameters = {
        name: parameter
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    }
    values: dict[str, Any] = {}
    for name, parameter in parameters.items():
        if parameter.default is not parameter.empty:
            values[name] = parameter.default
    for item in given:
        name, equals, text = item.partition("=")
        if not equals:
            raise _UsageError(f"--at {item}: write NAME=VALUE, as in --at {item}=2.0")
        if name not in parameters:
            raise _UsageError(
                f"--at {name}: {_name(function)} has no argument {name!r}; it has {', '.join(parameters)}"
            )
        values[name] = _value(name, text, values.get(name))
    missing = [name for name in parameters if name not in values]
    if missing:
        raise _UsageError(
            f"{_name(function)} needs a value for {', '.join(missing)}: "
            f"--at {missing[0]}=2.0, --at {missing[0]}=data.npy or --at {missing[0]}=32x64"
        )
    by_name = [name for name, p in parameters.items() if p.kind is p.KEYWORD_ONLY]
    return (
        [values[name] for name in parameters if name not in by_name],
        {name: values[name] for name in by_name},
    )


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", "the function")


def _value(name: str, text: str, default: Any) -> Any:
    """What --at NAME=TEXT means; whole numbers become floats unless the default is whole, too."""
    if text.endswith(".npy"):
        try:
            with open(text, "rb") as file:
                return np.lib.format.read_array(file)
        except (OSError, ValueError) as error:
            raise _UsageError(f"--at {name}={text}: {error}") from None
    if "x" in text and _SHAPE.fullmatch(text):
        shape = tuple(map(int, text.split("x")))
        try:
            return np.random.default_rng(zlib.crc32(name.encode())).standard_normal(shape)
        except (MemoryError, ValueError) as error:
            raise _UsageError(f"--at {name}={text}: {error}") from None
    try:
        value = ast.literal_eval(text)
    except (ValueError, TypeError, SyntaxError):
        _refuse_value(name, text)
    if isinstance(value, bool | str | None):
        return value
    if isinstance(value, int):
        return value if type(default) is int else float(value)
    if isinstance(value, float):
        return value
    try:
        return np.array(value, dtype=float)
    except (TypeError, ValueError):
        _refuse_value(name, text)


def _refuse_value(name: str, text: str) -> NoReturn:
    raise _UsageError(
        f"--at {name}={text}: not understood; give a number (2.0), a list ([1, 2.5]), a .npy file or a "
        f"shape (32x64)"
    )


if __name__ == "__main__":
    sys.exit(main())
