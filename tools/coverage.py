"""``python -m tools.coverage``: write docs/coverage.md, what of NumPy and scipy.special has gradients.

Functions are found by looking into the modules, and what answers them in Clearprop's table. By hand are
only the lists below: what takes no floating arrays, and what has no gradient by nature. All else is
"not yet".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import scipy
import scipy.special

import clearprop.numpy
import clearprop.scipy.special
from clearprop.engine.numpy_dispatch import find_answer
from clearprop.engine.primitive import Primitive

PAGE = Path(__file__).parent.parent / "docs" / "coverage.md"
MODULES: dict[ModuleType, ModuleType | None] = {
    np: clearprop.numpy,
    np.linalg: None,
    np.fft: None,
    np.emath: None,
    scipy.special: clearprop.scipy.special,
}
"""Each module, and the one of Clearprop's that has some of its functions under the same names."""

NO_FLOATING_ARRAYS = {
    "makes arrays out of sizes": """
        arange bartlett blackman diag_indices empty eye fftfreq fromfunction hamming hanning
        identity indices kaiser mask_indices ones rfftfreq tri tril_indices triu_indices zeros""",
    "reads and writes": """
        array2string array_repr array_str base_repr binary_repr datetime_as_string datetime_data
        format_float_positional format_float_scientific from_dlpack frombuffer fromfile fromiter
        fromregex fromstring genfromtxt get_printoptions info load loadtxt printoptions save savetxt
        savez savez_compressed set_printoptions show_config show_runtime test get_include""",
    "about dtypes, memory and settings": """
        can_cast common_type getbufsize geterr geterrcall isdtype isfortran isscalar issubdtype
        iterable iscomplexobj isrealobj may_share_memory min_scalar_type mintypecode nested_iters
        promote_types require result_type setbufsize seterr seterrcall shares_memory typename
        asmatrix bmat frompyfunc""",
    "whole numbers, bits and dates": """
        bitwise_and bitwise_count bitwise_left_shift bitwise_or bitwise_right_shift bitwise_xor
        bitwise_invert bitwise_not broadcast_shapes busday_count busday_offset gcd invert is_busday
        isnat ix_ lcm left_shift packbits ravel_multi_index right_shift unpackbits""",
    "numbers and polynomials from a degree": """
        ai_zeros bei_zeros beip_zeros ber_zeros berp_zeros bi_zeros bernoulli chebyc chebys chebyt
        chebyu erf_zeros euler factorial2 factorialk fresnel_zeros
        fresnelc_zeros fresnels_zeros gegenbauer genlaguerre hermite hermitenorm jacobi jn_zeros
        jnjnp_zeros jnp_zeros jnyn_zeros kei_zeros keip_zeros kelvin_zeros ker_zeros kerp_zeros
        laguerre legendre sh_chebyt sh_chebyu sh_jacobi sh_legendre stirling2 y0_zeros y1_zeros
        y1p_zeros yn_zeros ynp_zeros""",
    "nodes and weights of a quadrature": """
        c_roots cg_roots h_roots he_roots j_roots js_roots l_roots la_roots p_roots ps_roots
        roots_chebyc roots_chebys roots_chebyt roots_chebyu roots_gegenbauer roots_genlaguerre
        roots_hermite roots_hermitenorm roots_jacobi roots_laguerre roots_legendre roots_sh_chebyt
        roots_sh_chebyu roots_sh_jacobi roots_sh_legendre s_roots t_roots ts_roots u_roots us_roots""",
}
NO_GRADIENT = {
    "says where": """
        argmax argmin argpartition argsort argwhere digitize flatnonzero lexsort nanargmax nanargmin
        nonzero searchsorted unravel_index tril_indices_from triu_indices_from diag_indices_from""",
    "counts or says how large": """
        count_nonzero einsum_path histogramdd matrix_rank ndim shape size""",
    "sets, where nobody could say which of several equal entries gets it": """
        intersect1d setdiff1d setxor1d union1d unique unique_all unique_counts unique_inverse
        unique_values""",
    "yes or no": """
        all allclose any array_equal array_equiv equal greater greater_equal isclose iscomplex
        isfinite isin isinf isnan isneginf isposinf isreal less less_equal logical_and logical_not
        logical_or logical_xor not_equal signbit""",
    "steps": """
        ceil fix floor floor_divide rint round around sign spacing trunc""",
    "constants in the shape of an array": "empty_like ones_like zeros_like",
    "writes into what it is given": """
        copyto fill_diagonal place put put_along_axis putmask""",
}

MADE_OF_ANSWERED = """
    assoc_laguerre h1vp h2vp ivp jvp kvp lambertw softplus yvp zeta"""
"""Functions of scipy.special written in Python with ufuncs that are answered."""

Names = dict[str, list[str]]


@dataclass(frozen=True)
class Module:
    """What the page says about one module: names by reason; aliases stand together."""

    name: str
    gradient: list[str]
    ours: list[str]
    """With a gradient in Clearprop's module of the same name."""
    answered: Names
    """By nature without a gradient, and known."""
    plain: Names
    """By nature without a gradient, and NumPy's alone: tensors are refused, plain arrays go in."""
    not_yet: list[str]
    other: Names

    @property
    def counts(self) -> tuple[int, int, int]:
        by_nature = sum(map(len, (*self.answered.values(), *self.plain.values())))
        return len(self.gradient) + len(self.ours), by_nature, len(self.not_yet)


def reason(names: set[str], table: dict[str, str]) -> str | None:
    return next((why for why, text in table.items() if names & set(text.split())), None)


def functions(module: ModuleType) -> dict[Callable[..., Any], list[str]]:
    """Return the public functions of a module, each with all of its names; its own name comes first."""
    found: dict[Callable[..., Any], list[str]] = {}
    for name in sorted(module.__all__):
        value = getattr(module, name)
        if callable(value) and not isinstance(value, type):
            found.setdefault(value, []).append(name)
    for function, names in found.items():
        names.sort(key=lambda name: (name != getattr(function, "__name__", ""), name))
    return found


def survey(module: ModuleType, ours: ModuleType | None) -> Module:
    page = Module(module.__name__, [], [], {}, {}, [], {})
    for function, names in functions(module).items():
        shown = f"`{names[0]}`" + "".join(f" (`{name}`)" for name in names[1:])
        answer = find_answer(function)
        by_nature = reason(set(names), NO_GRADIENT)
        made = module is scipy.special and set(names) & set(MADE_OF_ANSWERED.split())
        if why := reason(set(names), NO_FLOATING_ARRAYS):
            page.other.setdefault(why, []).append(shown)
        elif made or (answer is not None and not by_nature and not _is_flat(answer)):
            page.gradient.append(shown)
        elif answer is not None:
            page.answered.setdefault(by_nature or "steps", []).append(shown)
        elif by_nature:
            page.plain.setdefault(by_nature, []).append(shown)
        elif ours and any(getattr(ours, name) is not function for name in names):
            page.ours.append(shown)
        else:
            page.not_yet.append(shown)
    return page


def _is_flat(answer: Callable[..., Any]) -> bool:
    return isinstance(answer, Primitive) and not answer.differentiable


def survey_all() -> list[Module]:
    return [survey(module, ours) for module, ours in MODULES.items()]


def versions() -> str:
    short = [".".join(m.__version__.split(".")[:2]) for m in (np, scipy)]
    return f"NumPy {short[0]} and SciPy {short[1]}"


def write(modules: list[Module]) -> str:
    """Return the page."""
    totals = [sum(column) for column in zip(*(m.counts for m in modules), strict=True)]
    share = 100 * totals[2] / sum(totals)
    lines = [
        "# What has a gradient",
        "",
        f"Of {sum(totals)} public functions of {versions()} that take floating arrays, {totals[0]} have a "
        f"gradient, {totals[1]} have none by nature, and {totals[2]} ({share:.1f} %) are not there yet.",
        "Made by `python -m tools.coverage`; a test keeps it up to date.",
        "",
        "| module | functions | gradient | none by nature | not yet |",
        "|---|---:|---:|---:|---:|",
    ]
    for m in modules:
        lines.append(f"| `{m.name}` | {sum(m.counts)} | " + " | ".join(map(str, m.counts)) + " |")
    lines += [
        f"| together | {sum(totals)} | " + " | ".join(map(str, totals)) + " |",
        "",
        "Parameters that are not supported raise an error that names those that are. A function that is not "
        "there yet raises, too: no gradient is lost in silence.",
    ]
    for m in modules:
        lines += ["", f"## {m.name}", "", "**Gradient**: " + ", ".join(m.gradient) + "."]
        if m.ours:
            home = "clearprop.numpy" if m.name == "numpy" else f"clearprop.{m.name}"
            lines += ["", f"**Gradient, in `{home}`**: " + ", ".join(m.ours) + "."]
        for title, table in (
            ("No gradient by nature, answered", m.answered),
            ("No gradient by nature, of plain arrays (`t.detach().numpy()`)", m.plain),
        ):
            if table:
                lines += ["", f"**{title}**", ""]
                lines += [f"- {why}: {', '.join(names)}" for why, names in table.items()]
        lines += ["", f"**Not yet**: {', '.join(m.not_yet) or 'none'}."]
        if m.other:
            lines += ["", "Takes no floating arrays, so it is not counted:", ""]
            lines += [f"- {why}: {', '.join(names)}" for why, names in m.other.items()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(write(survey_all()), encoding="utf-8")
    print(PAGE.read_text(encoding="utf-8").partition("Parameters")[0])
