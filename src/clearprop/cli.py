"""The command line: ``clearprop explain FILE[:FUNCTION]``, ``clearprop source``, ``clearprop cache``.

Exit codes: 0 done; 1 the function or its gradient failed; 2 the command was not understood.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import io
import linecache
import os
import re
import sys
import tokenize
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import numpy as np

from . import __version__
from .callsite import called_by_nobody
from .emit.targets import TARGETS
from .engine.arrays import check_numbers
from .errors import ClearpropError
from .ledger import Explanation, explain

_SHAPE = re.compile(r"\d+(x\d+)*")


class _UsageError(Exception):
    """The command line makes no sense; its message says why and what would."""


class _UserError(Exception):
    """The user's own code failed, for the cause of this error; its traceback is what helps."""


@called_by_nobody
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code is the result."""
    for stream in ("stdout", "stderr"):
        if getattr(sys, stream) is None:  # closed by the parent process
            setattr(sys, stream, io.StringIO())
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
    except BrokenPipeError:  # the reader closed the pipe
        _print_no_more()
        return 0
    except OSError as error:  # of standard output: a full disk
        _print_no_more()
        return _stop(1, f"cannot print: {error.strerror}")
    except UnicodeEncodeError as error:
        _print_no_more()
        return _stop(1, f"cannot print in {error.encoding}: --output OUT writes UTF-8")


def _print_no_more() -> None:
    """Discard what is still to be printed: Python would try to flush it when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


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
    *others, last = TARGETS
    command.add_argument(
        "--to", default="numpy", metavar="TARGET", help=f"{', '.join(others)} or {last}"
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
    """Add the function, and its inputs."""
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
    command.add_argument(
        "--gradient",
        metavar="VALUE",
        help="an upstream gradient of the result, if that is not one number; given like an input",
    )


def _source(options: argparse.Namespace) -> int:
    from .emit.source import source

    function = _function(options.target)
    positional, keywords = _arguments(function, options.at)
    upstream = _gradient(options)
    try:
        code = source(
            function,
            *positional,
            gradient=upstream,
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
        try:
            if options.output.exists() and options.output.samefile(_split(options.target)[0]):
                raise _UsageError(f"--output {options.output} is the file that the function is in")
            code.save(options.output)
        except OSError as error:
            raise _UsageError(f"cannot write {options.output}: {error.strerror}") from None
        print(f"wrote {options.output}", file=sys.stderr)
    else:
        print(code, end="")
        sys.stdout.flush()
    return 0


def _explain(options: argparse.Namespace) -> int:
    function = _function(options.target)
    positional, keywords = _arguments(function, options.at)
    upstream = _gradient(options)
    try:
        explanation = explain(
            function,
            *positional,
            gradient=upstream,
            nudge=options.nudge,
            open=options.open,
            **keywords,
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


def _split(target: str) -> tuple[str, str]:
    """Return the path of a file, and the name of a function in it, if there is one."""
    if not Path(target).exists() and ":" in target:
        path, _, name = target.rpartition(":")
        return path, name
    return target, ""


def _function(target: str) -> Callable[..., Any]:
    path, name = _split(target)
    if not Path(path).exists() or Path(path).is_dir():
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
    if path.suffix not in ("", ".py"):  # /dev/stdin has none
        raise _UsageError(f"{path} is no Python file")
    code = _code(path)
    module = ModuleType(path.stem)
    module.__file__, module.__package__ = str(path), ""
    sys.path.insert(0, str(path.parent.resolve()))
    sys.modules.setdefault(path.stem, module)
    try:
        exec(code, vars(module))
    except SyntaxError as error:  # in a module that it imports
        raise _UsageError(f"{error.filename or path}:{error.lineno}: {error.msg}") from None
    except SystemExit:
        raise _UsageError(
            f"{path} ends the program when it is imported; put what is for the script alone under "
            f'if __name__ == "__main__":'
        ) from None
    except ClearpropError:
        raise
    except Exception as error:
        raise _UserError from error
    return module


def _code(path: Path) -> CodeType:
    """Return a file's code. What can be read once only, such as a pipe, stays known for messages and
    names.
    """
    try:
        text = path.read_bytes()
        code: CodeType = compile(text, str(path), "exec", dont_inherit=True)
    except OSError as error:
        raise _UsageError(f"cannot read {path}: {error.strerror}") from None
    except SyntaxError as error:
        raise _UsageError(f"{path}:{error.lineno}: {error.msg}") from None
    except (ValueError, OverflowError, RecursionError, MemoryError) as error:
        raise _UsageError(f"{path}: {error}") from None
    encoding, _ = tokenize.detect_encoding(io.BytesIO(text).readline)
    lines = io.TextIOWrapper(io.BytesIO(text), encoding).readlines()
    linecache.cache[str(path)] = (len(text), None, lines, str(path))
    return code


# ---- its inputs


def _arguments(
    function: Callable[..., Any], given: Sequence[str]
) -> tuple[list[Any], dict[str, Any]]:
    """Return the arguments to call the function with: by position where that works, else by name."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError) as error:
        raise _UsageError(f"{_name(function)}: {error}") from None
    parameters = {
        name: parameter
        for name, parameter in signature.parameters.items()
        if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    }
    if not parameters:
        raise _UsageError(f"{_name(function)} takes no arguments that could have a gradient")
    values: dict[str, Any] = {}
    for name, parameter in parameters.items():
        if parameter.default is not parameter.empty:
            values[name] = parameter.default
    for item in given:
        name, equals, text = item.partition("=")
        if not equals:
            raise _UsageError(
                f"--at {_short(item)}: write NAME=VALUE, as in --at {_short(item)}=2.0"
            )
        if name not in parameters:
            raise _UsageError(
                f"--at {_short(name)}: {_name(function)} has no argument {_short(name)!r}; "
                f"it has {', '.join(parameters)}"
            )
        values[name] = _value(f"--at {name}=", name, text, values.get(name))
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


def _gradient(options: argparse.Namespace) -> Any:
    if options.gradient is None:
        return None
    return _value("--gradient ", "gradient", options.gradient, None)


def _value(option: str, name: str, text: str, default: Any) -> Any:
    """Return the value that a text stands for; whole numbers become floats unless the default is whole, too.

    `option` is what stands before it on the command line; the numbers of a shape depend on `name`.
    """
    try:
        if text.endswith(".npy"):
            with open(text, "rb") as file:
                found = np.lib.format.read_array(file)
            if found.dtype.kind not in "SU":  # text goes on as it is
                check_numbers(found, "it holds")
            return found
        if "x" in text and _SHAPE.fullmatch(text):
            shape = tuple(map(int, text.split("x")))
            return np.random.default_rng(zlib.crc32(name.encode())).standard_normal(shape)
    except Exception as error:  # NumPy evaluates a file's header
        raise _UsageError(f"{option}{_short(text)}: {error or type(error).__name__}") from None
    try:
        value = ast.literal_eval(_Numbers().visit(ast.parse(text.strip(), mode="eval")))
        if isinstance(value, bool | str | float | None) or type(value) is type(default) is int:
            return value
        return float(value) if isinstance(value, int) else np.array(value, dtype=float)
    except OverflowError:
        raise _UsageError(f"{option}{_short(text)}: too large for a float") from None
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        raise _UsageError(
            f"{option}{_short(text)}: not understood; give a number (2.0), a list ([1, 2.5]), a .npy file "
            f"or a shape (32x64)"
        ) from None


class _Numbers(ast.NodeTransformer):
    """Python has names for these numbers, but no literals."""

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.Constant(float(node.id)) if node.id in ("nan", "inf") else node


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:60]}…"


if __name__ == "__main__":
    sys.exit(main())
