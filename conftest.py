"""Run the Python in README, docs and CONTRIBUTING as tests; keep compiled code out of the user's folders."""

import doctest
import os
import sys
import tempfile
from collections.abc import Iterator

# Each worker has a core of its own. BLAS would have threads on all cores wait for one another, over matrices
# of four numbers, for a good part of all the time. It reads this when NumPy is first imported: below.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from hypothesis import settings
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

import clearprop.scipy.primitives  # noqa: F401  # registers once: no document is the first to use it
from clearprop.engine.primitive import numpy_table, primitives
from tests.effort import PROGRAMS

for effort, programs in PROGRAMS.items():
    is_new = effort == "fuzz"  # the others are the same each time
    settings.register_profile(
        effort, max_examples=programs, derandomize=not is_new, deadline=None, print_blob=is_new
    )
settings.load_profile("fair")


OPTIONAL = ("llvmlite", "optree")
"""What Clearprop can do without, if need be."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--light`` runs the tests as on a machine without the optional libraries."""
    parser.addoption("--light", action="store_true", help=f"hide {' and '.join(OPTIONAL)}")


def pytest_configure(config: pytest.Config) -> None:
    """Start tests and documents without compiled code, and leave none behind."""
    if config.getoption("--light"):
        for name in OPTIONAL:
            sys.modules[name] = None  # type: ignore[assignment]
        config.addinivalue_line("filterwarnings", "ignore:llvmlite is not installed")
    folder = tempfile.TemporaryDirectory(prefix="clearprop-")
    os.environ["CLEARPROP_CACHE_DIR"] = folder.name
    config.add_cleanup(folder.cleanup)


@pytest.fixture(scope="module")
def registry() -> Iterator[None]:
    """Forget primitives that a document registers to show how."""
    names, table = set(vars(primitives)), dict(numpy_table)
    yield
    for name in set(vars(primitives)) - names:
        delattr(primitives, name)
    numpy_table.clear()
    numpy_table.update(table)


pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser(doctest_optionflags=doctest.ELLIPSIS)],
    patterns=["README.md", "CONTRIBUTING.md", "docs/*.md"],
    fixtures=["registry"],
).pytest()
