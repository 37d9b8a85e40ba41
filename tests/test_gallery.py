"""docs/gallery.md is up to date: ``python -m tools.gallery`` writes it."""

from __future__ import annotations

from tools.gallery import PAGE, page


def test_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()


def test_github_sets_its_mathematics() -> None:
    text = page()
    assert text.count("```math\n\\begin{aligned}\n") == 10
    assert "\\operatorname" not in text  # GitHub refuses it
