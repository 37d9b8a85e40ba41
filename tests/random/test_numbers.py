"""Random numbers: the published vectors, JAX's numbers, statistics, tails, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from clearprop import random
from clearprop.errors import DtypeError, OutOfBoundsError, ShapeError
from clearprop.random.from_words import normal_from
from clearprop.random.threefry import threefry

KEY = random.key(20)


def words(*numbers: int) -> list[Any]:
    return [np.array([n], np.uint32) for n in numbers]


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((0xFFFFFFFF,) * 2, (0xFFFFFFFF,) * 2, (0x1CB996FC, 0xBB002BE7)),
        ((0x243F6A88, 0x85A308D3), (0x13198A2E, 0x03707344), (0xC4923A9C, 0x483DF7A0)),
    ],
)
def test_published_vectors(counter: Any, key: Any, expected: Any) -> None:
    """Those that come with the paper's library, Random123."""
    assert tuple(int(x[0]) for x in threefry(*words(*key, *counter))) == expected


def test_the_numbers_are_those_of_jax() -> None:
    jax = pytest.importorskip("jax")
    with jax.enable_x64(True):
        for seed in (0, 42, 2**35 + 3, -5):
            key, other = random.key(seed), jax.random.PRNGKey(seed)
            pairs = [
                (key, other),
                (random.split(key, 5), jax.random.split(other, 5)),
                (random.fold_in(key, 7), jax.random.fold_in(other, 7)),
                (random.bits(key, (3, 4)), jax.random.bits(other, (3, 4), "uint32")),
                (random.uniform(key, (3, 4)), jax.random.uniform(other, (3, 4), "float64")),
                (random.uniform(key, 9, "f4"), jax.random.uniform(other, (9,), "float32")),
                (random.bernoulli(key, 0.3, 9), jax.random.bernoulli(other, 0.3, (9,))),
            ]
            for ours, theirs in pairs:
                np.testing.assert_array_equal(ours, theirs)


# ---- statistics: of fixed keys, so the same each time; a good generator fails one test in 100,000


def is_likely(p: float) -> bool:
    return 1e-5 < p < 1 - 1e-5


def chi_square(counts: Any) -> float:
    """The probability of counts as uneven as these, if all are equally likely."""
    return float(stats.chisquare(np.ravel(counts)).pvalue)


def test_each_bit_is_as_often_one() -> None:
    x = random.bits(KEY, 2**16)
    ones = np.array([np.count_nonzero(x >> np.uint32(i) & np.uint32(1)) for i in range(32)])
    scores = (ones - 2**15) / 2**7
    assert is_likely(float(stats.chi2.sf(np.sum(scores**2), 32)))


@pytest.mark.parametrize("shift", [0, 8, 16, 24])
def test_bytes(shift: int) -> None:
    x = random.bits(KEY, 2**16) >> np.uint32(shift) & np.uint32(255)
    assert is_likely(chi_square(np.bincount(x, minlength=256)))
    pairs = np.histogram2d(x[:-1], x[1:], 16, [[0, 256]] * 2)[0]
    assert is_likely(chi_square(pairs))


def test_streams_of_one_key_are_independent() -> None:
    """Two streams together fall as often into each square, and the streams of many keys into each part."""
    first, second = (random.uniform(k, 2**16) for k in random.split(KEY))
    assert is_likely(chi_square(np.histogram2d(first, second, 16, [[0, 1]] * 2)[0]))
    firsts = np.array([random.uniform(k) for k in random.split(KEY, 4000)])
    assert is_likely(float(stats.kstest(firsts, "uniform").pvalue))
    steps = np.array([random.normal(random.fold_in(KEY, i), 3) for i in range(2000)])
    assert is_likely(float(stats.kstest(steps.ravel(), "norm").pvalue))
    correlations = np.corrcoef(steps, rowvar=False)[np.triu_indices(3, 1)]
    assert np.all(abs(correlations) < 4.5 / np.sqrt(2000))


@pytest.mark.parametrize("dtype", ["f8", "f4"])
def test_uniform(dtype: str) -> None:
    x = random.uniform(KEY, 2**17, dtype)
    assert x.min() >= 0
    assert x.max() < 1
    assert is_likely(float(stats.kstest(x, "uniform").pvalue))
    ends = random.uniform(KEY, 2**10, dtype, -3, 5)
    assert -3 <= ends.min() < -2.9
    assert 4.9 < ends.max() < 5


@pytest.mark.parametrize("dtype", ["f8", "f4"])
def test_normal(dtype: str) -> None:
    x = random.normal(KEY, 2**17, dtype).astype(float)
    assert is_likely(float(stats.kstest(x, "norm").pvalue))
    for power, moment, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert abs(np.mean(x**power) - moment) < 4.5 * np.sqrt(variance / x.size)


@pytest.mark.parametrize(("dtype", "bits"), [("f8", 63), ("f4", 31)])
def test_quantiles_to_the_ends(dtype: str, bits: int) -> None:
    """Where the probability to be exceeded is (n + 1) / 2^(bits + 1), within 4 units in the last place of the
    number, or of one half near zero, where the probability itself is rounded.
    """
    mp = pytest.importorskip("mpmath").mp
    rng = np.random.default_rng(0)
    sizes = [i for i in range(1, bits + 1) for _ in range(4)] + [bits] * 200
    numbers = [int(rng.integers(2**i, dtype=np.uint64)) for i in sizes]
    numbers += [
        *range(20),
        2 ** (bits - 1),
        2 ** (bits - 1) - 1,
        *(2**bits - 2**i for i in range(1, 30)),
    ]
    with mp.workdps(40):
        for n in numbers:
            word, last = (n >> 31, n << 1 & 0xFFFFFFFF) if bits == 63 else (0, n << 1)
            z = normal_from(*words(word, last), np.dtype(dtype))[0]
            tail, density = mp.erfc(z / mp.sqrt(2)) / 2, mp.npdf(float(z))
            error = abs(float((tail - mp.mpf(n + 1) / 2 ** (bits + 1)) / density))
            assert error < 4 * np.finfo(dtype).eps * max(float(z), 0.5), n
            assert normal_from(*words(word, last | 1), np.dtype(dtype))[0] == -z
    assert normal_from(*words(2**32 - 1, 2**32 - 2), np.dtype(np.float64))[0] == 0
    assert float(normal_from(*words(0, 0), np.dtype(np.float64))[0]) == pytest.approx(
        9.0798, abs=1e-3
    )


def test_randint() -> None:
    x = random.randint(KEY, 70000, -3, 4)
    assert x.dtype == np.int64
    assert is_likely(chi_square(np.bincount(x + 3, minlength=7)))
    wide = random.randint(KEY, 2**15, 0, 3 * 2**30)  # which does not divide 2^32
    assert is_likely(chi_square(np.histogram(wide, 24, (0, 3 * 2**30))[0]))
    rows = random.randint(KEY, (5, 2), [0, 10], [1, 12])
    assert np.all(rows[:, 0] == 0)
    assert set(rows[:, 1]) == {10, 11}
    assert random.randint(KEY, 3, 2**63, 2**63 + 1, np.uint64).tolist() == [2**63] * 3


def test_randint_by_hand() -> None:
    """The whole part of count · (2^32 x + y) / 2^64, with Python's numbers."""
    k0, k1 = KEY[:1], KEY[1:]
    x, y = threefry(k0, k1, np.zeros(1, np.uint32), np.arange(500, dtype=np.uint32))
    for count in (1, 2, 10, 2**16, 2**16 + 1, 2**31, 2**32 - 1):
        expected = [((int(a) << 32 | int(b)) * count) >> 64 for a, b in zip(x, y, strict=True)]
        assert random.randint(KEY, 500, 0, count).tolist() == expected


def test_bernoulli() -> None:
    x = random.bernoulli(KEY, np.array([0.0, 0.25, 1.0]), (2**14, 3))
    assert x.dtype == bool
    assert x.sum(0)[[0, 2]].tolist() == [0, 2**14]
    assert is_likely(float(stats.binomtest(int(x.sum(0)[1]), 2**14, 0.25).pvalue / 2))
    assert random.bernoulli(KEY, np.full(3, 0.5)).shape == (3,)


def test_permutation() -> None:
    orders = [tuple(random.permutation(k, 4)) for k in random.split(KEY, 4800)]
    counts = np.unique(orders, axis=0, return_counts=True)[1]
    assert len(counts) == 24
    assert is_likely(chi_square(counts))
    x = np.arange(12).reshape(3, 4)
    assert sorted(random.permutation(KEY, x)[:, 0]) == [0, 4, 8]
    assert sorted(random.permutation(KEY, x, axis=1)[0]) == [0, 1, 2, 3]
    assert random.permutation(KEY, 0).shape == (0,)


def test_choice() -> None:
    p = np.array([1.0, 0.0, 3.0, 4.0])
    counts = np.bincount(random.choice(KEY, 4, 2**14, p=p), minlength=4)
    assert counts[1] == 0
    expected = p[p > 0] / 8 * 2**14
    assert is_likely(float(stats.chisquare(counts[p > 0], expected).pvalue))
    assert is_likely(chi_square(np.bincount(random.choice(KEY, 5, (2**13, 2)).ravel())))
    assert random.choice(KEY, np.eye(3), (2, 2), axis=1).shape == (3, 2, 2)
    assert random.choice(KEY, ["a"]) == "a"


def test_choice_without_replacement() -> None:
    p = np.array([1.0, 0.0, 3.0])
    keys = random.split(KEY, 3000)
    assert all(set(random.choice(k, 3, 2, False, p)) == {0, 2} for k in keys[:20])
    firsts = sum(int(random.choice(k, 3, 2, False, p)[0] == 2) for k in keys)
    assert is_likely(float(stats.binomtest(firsts, 3000, 0.75).pvalue / 2))
    assert sorted(random.choice(KEY, 6, (2, 3), replace=False).ravel()) == [*range(6)]


def test_what_is_drawn_in_parts_is_one_stream() -> None:
    """Long arrays are made piece by piece: each number depends on its own place alone."""
    long = random.normal(KEY, 20001)
    np.testing.assert_array_equal(random.normal(KEY, (3, 5)), long[:15].reshape(3, 5))
    assert len(np.unique(long)) == 20001


# ---- what is refused


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: random.normal(0), DtypeError, r"normal got int for a key, .* normal\(clearprop"),
        (lambda: random.bits((3,)), DtypeError, "bits got tuple for a key"),
        (lambda: random.normal(np.zeros(2)), DtypeError, r"got f64\[2\] for a key"),
        (lambda: random.uniform(random.split(KEY)), DtypeError, r"several keys; take one: keys\[0\]"),
        (lambda: random.key(0.5), DtypeError, "key got f64 for seed, which is a whole number"),
        (lambda: random.key("0"), DtypeError, "key got str for seed"),
        (lambda: random.key(2**64), OutOfBoundsError, r"key\(seed % 2\*\*64\)"),
        (lambda: random.fold_in(KEY, -1), OutOfBoundsError, "got the number -1; it takes numbers from 0"),
        (lambda: random.fold_in(KEY, 1.0), DtypeError, "fold_in got f64 for data"),
        (lambda: random.split(KEY, -1), OutOfBoundsError, "split was asked for -1 keys"),
        (lambda: random.normal(KEY, -1), ShapeError, r"got the shape -1; .* normal\(key, \(3, 4\)\)"),
        (lambda: random.normal(KEY, (2.5,)), ShapeError, r"got the shape \(2.5,\)"),
        (lambda: random.bits(KEY, (2**17, 2**17)), ShapeError, r"more than 2\*\*32 entries; split the key"),
        (lambda: random.normal(KEY, 3, np.float16), DtypeError, "float64 or float32, not float16; .* astype"),
        (lambda: random.randint(KEY, 3, 0, 9, float), DtypeError, "float64 is not of them; see uniform"),
        (lambda: random.randint(KEY, 3, 0.0, 9), DtypeError, "got the bound f64, which is no whole"),
        (lambda: random.randint(KEY, 3, 5, 5), OutOfBoundsError, "from 5 to 5, of which there are none"),
        (lambda: random.randint(KEY, 3, 0, 2**32), OutOfBoundsError, r"less than 2\*\*32, see bits"),
        (lambda: random.randint(KEY, 3, 0, 300, "u1"), OutOfBoundsError, "which uint8 does not hold"),
        (lambda: random.randint(KEY, (), 0, [3, 4]), ShapeError, r"bound of shape \(2,\), which does not"),
        (lambda: random.uniform(KEY, 3, minval=np.zeros(2)), ShapeError, r"got a bound of shape \(2,\)"),
        (lambda: random.permutation(KEY, 2.5), ShapeError, "permutation got 2.5: give an array, or how many"),
        (lambda: random.permutation(KEY, -2), OutOfBoundsError, "no negative number of entries"),
        (lambda: random.choice(KEY, 0, 2), OutOfBoundsError, "among no entries"),
        (lambda: random.choice(KEY, 3, 4, replace=False), ShapeError, "4 different entries of 3; .*=True"),
        (lambda: random.choice(KEY, 3, 2, p=[0.5, 0.5]), ShapeError, r"p of shape \(2,\); .* each of the 3"),
        (lambda: random.choice(KEY, 2, 2, p=[-0.5, 0.5]), OutOfBoundsError, "p that is negative"),
        (lambda: random.choice(KEY, 2, 2, False, [0.0, 1.0]), ShapeError, "2 different entries of 1"),
    ],
)  # fmt: skip
def test_refused(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
