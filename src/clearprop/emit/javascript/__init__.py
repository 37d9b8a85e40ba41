"""Stages -> JavaScript: one function over typed arrays, without a library."""

from ...engine.wings import open_rooms

open_rooms(__name__)
