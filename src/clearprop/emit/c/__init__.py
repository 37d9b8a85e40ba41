"""Stages -> C99: one function over memory of the caller's, with loops that can be read."""

from ...engine.wings import open_rooms
from .c_function import CFunction, c_function
from .compile_and_load import compiler, run_c

__all__ = ["CFunction", "c_function", "compiler", "run_c"]

open_rooms(__name__)
