"""Small functions that stand above code which needs them: what no library has a function for."""

from __future__ import annotations

import re

HELPERS: dict[str, str] = {
    "recurrence": '''def recurrence(links, x):
    """s[i] = x[i] + links[i - 1] * s[i - 1], along the first axis."""
    s = list(x[:1])
    for link, term in zip(links, x[1:]):
        s.append(term + link * s[-1])
    return {m}.stack(s)''',
    "cofactors": '''def cofactors(a):
    """The slopes of the determinant of a matrix, which need not have an inverse."""
    u, s, vh = {m}.linalg.svd(a)
    n = s.shape[-1]
    others = [s[..., [j for j in range(n) if j != i]].prod(-1) for i in range(n)]
    sign = {m}.linalg.det(u) * {m}.linalg.det(vh)
    return sign[..., None, None] * (u.conj() * {m}.stack(others, -1)[..., None, :]) @ vh.conj()''',
}
"""By name, with the library's module as ``{m}``; wings add some."""

EXACT = {"cofactors": "cofactors({0})"}
"""Where the shorter form fails: a matrix with no inverse has cofactors, too."""


def helpers(lines: list[str], module: str) -> list[str]:
    """Return the lines of the helpers that are called in some lines, each with two empty ones behind it."""
    text = "\n".join(lines)
    found: list[str] = []
    for name, helper in HELPERS.items():
        if re.search(rf"(?<![\w.]){name}\(", text):
            found += [*helper.format(m=module).split("\n"), "", ""]
    return found
