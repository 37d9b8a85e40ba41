"""The facts without which a measured number means nothing."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

import clearprop

from .measure import installed


def facts() -> dict[str, str]:
    """Processor, how busy it was, operating system and the versions of what was measured."""
    libraries = ["numpy", *installed("torch", "autograd", "jax")]
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "load at the start": f"{os.getloadavg()[0]:.1f}",  # near 0 is best
        "system": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        "clearprop": clearprop.__version__,
        **{library: version(library) for library in libraries},
    }


def _processor() -> str:
    known = Path("/proc/cpuinfo")
    if known.exists():
        for line in known.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown processor"
