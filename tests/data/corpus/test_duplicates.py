"""The same and nearly the same, against the similarity worked out in full."""

from __future__ import annotations

import random

import numpy as np
import pytest

from litebert.data.corpus import duplicates

pytest.importorskip("datasketch", reason="near duplicates need datasketch: pip install 'litebert[data]'")


def words(count: int, seed: int) -> list[str]:
    draw = random.Random(seed)
    return ["".join(draw.choice("abcdefghij") for _ in range(draw.randint(2, 7))) for _ in range(count)]


def similarity(one: list[str], other: list[str]) -> float:
    first, second = ({tuple(text[at : at + 5]) for at in range(len(text) - 4)} for text in (one, other))
    return len(first & second) / len(first | second)


def test_case_and_white_space_do_not_tell_texts_apart() -> None:
    assert duplicates.digest("The  Cat\nsat") == duplicates.digest("the cat SAT")
    assert duplicates.digest("the cat sat.") != duplicates.digest("the cat sat")


def test_runs_are_those_of_five_words() -> None:
    text = words(50, 0)
    assert len(duplicates.runs(" ".join(text))) == 46
    assert set(duplicates.runs(" ".join(text[:20])).tolist()) <= set(duplicates.runs(" ".join(text)).tolist())
    assert np.array_equal(
        duplicates.runs("One, two; THREE four five!"), duplicates.runs("one two three four five")
    )
    assert len(duplicates.runs("今天天气很好，我们")) == 4
    assert len(duplicates.runs("short one")) == 1
    assert len(duplicates.runs("")) == 0
    assert not np.array_equal(duplicates.runs("ab c d e f"), duplicates.runs("a bc d e f"))
    assert not np.array_equal(duplicates.runs("a b c d e"), duplicates.runs("b a c d e"))


def test_signatures_estimate_the_similarity() -> None:
    sign = duplicates.Signer()
    errors: list[float] = []
    for seed in range(40):
        one = words(300, seed)
        other = [*one[: 300 - 7 * seed], *words(7 * seed, 1000 + seed)]
        estimate = float(np.mean(sign(" ".join(one)) == sign(" ".join(other))))
        errors.append(estimate - similarity(one, other))
    assert abs(np.mean(errors)) < 0.02
    assert np.std(errors) < 0.06


def test_exact_names_the_first() -> None:
    digests = np.array([[1, 1], [2, 2], [1, 1], [1, 2], [2, 2], [1, 1]], np.uint64)
    assert duplicates.exact(digests).tolist() == [0, 1, 0, 3, 1, 0]


def test_near_drops_what_is_like_an_earlier_one_and_no_other() -> None:
    sign = duplicates.Signer()
    texts = [words(300, seed) for seed in range(60)]
    for at in range(30, 60, 5):
        texts[at] = [*texts[at - 30][:295], *words(5, at)]  # similarity 0.97
    for at in range(31, 60, 5):
        texts[at] = [*texts[at - 30][:150], *words(150, at)]  # similarity 0.33
    signatures = np.array([sign(" ".join(text)) for text in texts])
    dropped = duplicates.near(signatures, np.arange(60), 0.8)
    assert dropped == {at: at - 30 for at in range(30, 60, 5)}


def test_of_a_chain_the_one_that_is_like_a_kept_one_goes() -> None:
    """The third is like the second, which is dropped, but not enough like the first, which stays."""
    base = words(200, 0)
    chain = [base, [*words(15, 1), *base[15:]], [*words(15, 1), *base[15:-15], *words(15, 2)]]
    sign = duplicates.Signer()
    signatures = np.array([sign(" ".join(text)) for text in chain])
    threshold = 0.8
    assert similarity(chain[0], chain[1]) > threshold > similarity(chain[0], chain[2])
    assert duplicates.near(signatures, np.arange(3), threshold) == {1: 0}


@pytest.mark.parametrize(("seed", "threshold"), [(1, 0.6), (2, 0.8), (3, 0.8)])
def test_only_those_that_share_a_band_are_looked_at_and_nothing_is_missed(
    seed: int, threshold: float
) -> None:
    draw = np.random.default_rng(seed)
    signatures = draw.integers(0, 2**32, (60, duplicates.HASHES), np.uint32)
    for _ in range(30):
        one, other = draw.integers(0, 60, 2)
        taken = draw.random(duplicates.HASHES) < draw.uniform(0.4, 1)
        signatures[one][taken] = signatures[other][taken]
    candidates = np.sort(draw.permutation(60)[:50])
    seen = duplicates.Seen(threshold)
    found = [(number, seen.add(number, signatures[number])) for number in candidates.tolist()]
    wanted = {number: other for number, other in found if other is not None}
    assert duplicates.near(signatures, candidates, threshold) == wanted
