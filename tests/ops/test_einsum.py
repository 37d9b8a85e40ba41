"""einsum: every form that NumPy takes, gradients of random ones, messages, and how it is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.errors import ShapeError
from clearprop.ops.einsum_subscripts import explicit, steps
from clearprop.testing import assert_grads
from tests.calls import Shapes, check_call, draw

CALLS: dict[str, tuple[Callable[..., Any], Shapes]] = {
    "implicit": (lambda x, y: np.einsum("ij,jk", x, y), ((2, 3), (3, 4))),
    "implicit, sorted": (lambda x, y: np.einsum("ba,bc", x, y), ((2, 3), (2, 4))),
    "implicit trace": (lambda x: np.einsum("ii", x), ((3, 3),)),
    "implicit ellipsis": (lambda x: np.einsum("...ij", x), ((2, 4, 3),)),
    "capitals come first": (lambda x: np.einsum("aB", x), ((2, 3),)),
    "spaces": (lambda x, y: np.einsum(" i j , j k -> i k ", x, y), ((2, 3), (3, 4))),
    "transpose": (lambda x: np.einsum("ij->ji", x), ((2, 3),)),
    "the same": (lambda x: np.einsum("ij->ij", x), ((2, 3),)),
    "sum of one axis": (lambda x: np.einsum("ij->j", x), ((2, 3),)),
    "diagonal": (lambda x: np.einsum("ii->i", x), ((3, 3),)),
    "diagonal of three axes": (lambda x: np.einsum("iii->i", x), ((3, 3, 3),)),
    "two diagonals": (lambda x: np.einsum("ijij->j", x), ((2, 3, 2, 3),)),
    "diagonal times diagonal": (lambda x, y: np.einsum("ii,ii->i", x, y), ((3, 3), (3, 3))),
    "trace of a product": (lambda x, y: np.einsum("ij,ji->", x, y), ((2, 3), (3, 2))),
    "numbers": (lambda x, y: np.einsum(",->", x, y), ((), ())),
    "outer": (lambda x, y: np.einsum("i,j", x, y), ((2,), (3,))),
    "bilinear": (lambda x, m, y: np.einsum("bi,ij,bj->b", x, m, y), ((4, 2), (2, 3), (4, 3))),
    "an index of one operand": (lambda x, y: np.einsum("ij,k->k", x, y), ((2, 3), (4,))),
    "attention": (lambda q, k: np.einsum("bqhd,bkhd->bhqk", q, k), ((2, 3, 2, 4), (2, 5, 2, 4))),
    "stretched ellipsis": (
        lambda x, y: np.einsum("...ij,...jk->...ik", x, y),
        ((4, 1, 2, 3), (5, 3, 2)),
    ),
    "ellipsis in the middle": (lambda x, y: np.einsum("i...j,j->i...", x, y), ((2, 4, 3), (3,))),
    "ellipsis at the end": (lambda x: np.einsum("i...->...i", x), ((2, 3, 4),)),
    "ellipsis for no axis": (lambda x: np.einsum("...i->...", x), ((3,),)),
    "stretched letter": (lambda x, y: np.einsum("ij,ij->j", x, y), ((1, 3), (2, 3))),
    "stretched and kept": (lambda x, y: np.einsum("ij,ij->ij", x, y), ((2, 1), (1, 3))),
    "empty": (lambda x, y: np.einsum("ij,jk->ik", x, y), ((2, 0), (0, 3))),
    "lists": (lambda x, y: np.einsum(x, [0, 1], y, [1, 2]), ((2, 3), (3, 4))),
    "lists with output": (lambda x, y: np.einsum(x, [4, 1], y, [1, 2], [2, 4]), ((2, 3), (3, 4))),
    "lists with ellipsis": (
        lambda x: np.einsum(x, [Ellipsis, 0, 1], [1, Ellipsis]),
        ((2, 3, 4),),
    ),
    "lists, transposed by order": (lambda x: np.einsum(x, [51, 3]), ((2, 3),)),
    "optimize": (
        lambda x, y, z: np.einsum("ij,jk,kl->il", x, y, z, optimize=True),
        ((2, 3), (3, 4), (4, 2)),
    ),
    "optimize by a path": (
        lambda x, y: np.einsum("ij,jk->ik", x, y, optimize=["einsum_path", (0, 1)]),
        ((2, 3), (3, 4)),
    ),
    "the same tensor twice": (lambda x: np.einsum("i,j,i->j", x, x, x), ((3,),)),
    "five operands": (
        lambda *xs: np.einsum("ab,bc,cd,de,a->e", *xs),
        ((2, 3), (3, 2), (2, 4), (4, 2), (2,)),
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_real(name: str) -> None:
    f, shapes = CALLS[name]
    check_call(f, draw(shapes))


@pytest.mark.parametrize("kinds", ["c", "cc", "rc"])
@pytest.mark.parametrize("name", CALLS)
def test_complex(name: str, kinds: str) -> None:
    f, shapes = CALLS[name]
    if len(kinds) <= len(shapes):
        check_call(f, draw(shapes, kinds))


def random_call(rng: np.random.Generator) -> tuple[str, list[tuple[int, ...]]]:
    """Subscripts and shapes, with diagonals, stretched axes and ellipses; not all of them are allowed."""
    sizes = dict(zip("ijkl", rng.integers(1, 4, 4).tolist(), strict=True))
    terms, shapes = [], []
    for _ in range(rng.integers(1, 5)):
        letters = "".join(rng.choice(list("ijkl"), rng.integers(0, 4)))
        shape = [1 if rng.random() < 0.1 else sizes[c] for c in letters]
        if rng.random() < 0.3:
            place, count = rng.integers(0, len(letters) + 1), rng.integers(0, 3)
            letters = f"{letters[:place]}...{letters[place:]}"
            extra = [1 if rng.random() < 0.2 else n for n in (2, 3)[2 - count :]]
            shape = shape[:place] + extra + shape[place:]
        terms.append(letters)
        shapes.append(tuple(shape))
    text = ",".join(terms)
    if rng.random() < 0.7:
        kept = rng.permutation([c for c in "ijkl" if c in text and rng.random() < 0.5])
        text += "->" + ("..." if "..." in text else "") + "".join(kept)
    return text, shapes


def test_random_ones_are_as_in_numpy_and_their_gradients_adjoint() -> None:
    """An operand's gradient weighs its steps as the upstream gradient weighs the steps of the result."""
    rng = np.random.default_rng(0)
    done = 0
    for _ in range(600):
        text, shapes = random_call(rng)
        arrays = [np.asarray(rng.standard_normal(s)) for s in shapes]
        try:
            expected = np.einsum(text, *arrays)
        except ValueError:
            with pytest.raises(ShapeError):
                np.einsum(text, *map(clearprop.tensor, arrays))
            continue
        tensors = [clearprop.tensor(x) for x in arrays]
        result = np.einsum(text, *tensors)
        assert result.shape == expected.shape
        np.testing.assert_allclose(result.value, expected, 1e-12, 1e-13)
        g = rng.standard_normal(expected.shape)[()]
        result.backward(g)
        for i, t in enumerate(tensors):
            step = np.asarray(rng.standard_normal(t.shape))
            moved = np.einsum(text, *arrays[:i], step, *arrays[i + 1 :])
            np.testing.assert_allclose(np.sum(t.grad * step), np.sum(g * moved), 1e-9, 1e-10, text)
        done += 1
    assert done > 300


@pytest.mark.parametrize(
    ("text", "shapes", "words"),
    [
        ("ij,jk->ik", ((2, 3), (4, 2)), "'j' has size 3 and size 4"),
        ("ii->i", ((2, 3),), "sizes 2 and 3 in 'ii'"),
        ("ij->i", ((2, 3, 4),), "write '...ij' to leave the others alone"),
        ("ijk->i", ((2, 3),), "names 3 axes, but the operand has 2"),
        ("ij,jk->ik", ((2, 3),), "for 2 operands, but there are 1"),
        ("ij->ik", ((2, 3),), "'k' is in the output of 'ij->ik', but in no operand"),
        ("ij->ii", ((3, 3),), "'i' stands twice"),
        ("...i->i", ((2, 3),), r"needs '\.\.\.'"),
        ("i!->i", ((2, 3),), "'!' in 'i!->i' is no letter"),
    ],
)
def test_messages(text: str, shapes: Shapes, words: str) -> None:
    with pytest.raises(ShapeError, match=words):
        np.einsum(text, *map(clearprop.tensor, draw(shapes)))


def test_lists_name_axes_by_small_numbers() -> None:
    with pytest.raises(ValueError, match="from 0 to 51"):
        np.einsum(clearprop.tensor(np.ones(3)), [52])


def test_output_where_none_is_written() -> None:
    assert explicit("ij,jk") == "ij,jk->ik"
    assert explicit("ba...,b") == "ba...,b->...a"
    assert explicit("ii") == "ii->"


def test_several_operands_go_two_at_a_time() -> None:
    big, small = (50, 50), (50,)
    found = steps("ij,jk,kl,l->i", (big, big, big, small))
    assert [step.subscripts.count(",") for step in found] == [1, 1, 1]
    assert all(step.product for step in found)


def test_sums_over_an_index_of_one_operand_come_first() -> None:
    assert [step.subscripts for step in steps("ij,kj->", ((5, 3), (4, 3)))] == [
        "kj->j",
        "ij->j",
        "j,j->",
    ]


def test_path() -> None:
    arrays = draw(((2, 3), (3, 4), (4, 2)))
    expected = np.einsum_path("ij,jk,kl->il", *arrays)
    assert np.einsum_path("ij,jk,kl->il", *map(clearprop.tensor, arrays)) == expected
    lists = np.einsum_path(
        clearprop.tensor(arrays[0]), [0, 1], arrays[1], [1, 2], optimize="optimal"
    )
    assert lists[0] == ["einsum_path", (0, 1)]


def test_axes_alone_make_a_window_that_may_be_written_to() -> None:
    def f(x: Any) -> Any:
        a = x * 1.0
        diagonal, turned = np.einsum("ii->i", a), np.einsum("ij->ji", a)
        diagonal *= 2.0
        turned[0] += diagonal
        a[2, 2] = a[0, 1] ** 2
        return np.sum(diagonal**2) + np.sum(turned**3)

    x = np.array([[0.5, 1.0, -1.0], [2.0, 0.3, 0.7], [-0.4, 1.5, 1.2]])
    assert float(f(clearprop.tensor(x)).value) == f(x)
    assert_grads(f, x)
    np.testing.assert_allclose(clearprop.compile(clearprop.grad(f))(x), clearprop.grad(f)(x))


def test_infinite_gradients_stay_on_the_diagonal() -> None:
    x = clearprop.tensor(np.eye(2))
    np.einsum("ii->i", x).backward(np.array([np.inf, 1.0]))
    assert x.grad.tolist() == [[np.inf, 0], [0, 1]]


def test_written_as_people_write() -> None:
    a, b = draw(((2, 3), (3, 4)))
    told = clearprop.explain(lambda a, b: np.sum(np.einsum("ij,jk", a + b[:, 0], b) ** 2), a, b)
    assert "einsum('ij,jk->ik', a + b[:, 0], b)" in told.formula("a")
    assert "t3 = einsum('ij,jk->ik', t2, b)" in str(told)


@pytest.mark.parametrize("name", ["attention", "bilinear", "stretched ellipsis", "five operands"])
def test_compiled_without_numpy(name: str) -> None:
    pytest.importorskip("llvmlite")
    f, shapes = CALLS[name]
    arrays = draw(shapes)
    places = tuple(range(len(arrays)))
    both = clearprop.value_and_grad(lambda *xs: np.sum(f(*xs) ** 2), places)
    compiled = clearprop.compile(both)
    value, gradients = compiled(*arrays)
    expected, exact = both(*arrays)
    np.testing.assert_allclose(value, expected, 1e-12)
    for g, wanted in zip(gradients, exact, strict=True):
        np.testing.assert_allclose(g, wanted, 1e-11, 1e-12)
    assert "none of them left to NumPy" in str(compiled.report())
