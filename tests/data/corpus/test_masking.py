"""Samples for pretraining: what they are made of, what decides them, and that each comes exactly once."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from litebert.data.chunks import Edges, cut
from litebert.data.corpus.reader import Corpus
from litebert.data.masking import PUBLISHED_CAP, Drawn, Instances
from litebert.data.masking_settings import Masking
from litebert.data.pairs import Pairs, surplus
from litebert.errors import DataError, UsageError
from litebert.model.packing import Packed
from small_corpora import document, english, make


@pytest.fixture(scope="module")
def instances(corpus: Corpus) -> Instances:
    return Instances(corpus, 64, seed=5)


def everything(instances: Instances, epoch: int = 0) -> Drawn:
    return instances.draw(epoch, range(len(instances.chunks(epoch))))


def restored(drawn: Drawn) -> np.ndarray:
    """The ids before masking."""
    ids = drawn.ids.copy()
    ids[drawn.positions] = drawn.labels
    return ids


def segments(drawn: Drawn, specials: dict[str, int]) -> list[tuple[list[int], list[int]]]:
    """The two segments of each sample, as ids."""
    found: list[tuple[list[int], list[int]]] = []
    ids, ends = restored(drawn), np.cumsum(drawn.lengths)
    for start, end in zip([0, *ends[:-1].tolist()], ends.tolist(), strict=True):
        row, kinds = ids[start:end], drawn.segments[start:end]
        assert row[0] == specials["cls"] and row[-1] == specials["sep"]
        first = int((kinds == 0).sum())
        assert row[first - 1] == specials["sep"] and (np.diff(kinds) >= 0).all()
        found.append((row[1 : first - 1].tolist(), row[first:-1].tolist()))
    return found


def contains(text: list[int], part: list[int]) -> int:
    """Where a run of pieces stands in another, or -1."""
    width = len(part)
    return next((at for at in range(len(text) - width + 1) if text[at : at + width] == part), -1)


def of_document(corpus: Corpus, number: int) -> list[int]:
    lines = corpus.sentences(number)
    start = int(corpus.sentence_ends[lines[0] - 1]) if lines[0] else 0
    return corpus.pieces[start : int(corpus.sentence_ends[lines[-1]])].tolist()


@pytest.mark.parametrize("sentences", ["order", "next", "none"])
@pytest.mark.parametrize("length", [16, 64])
def test_segments_are_text_that_stands_so_in_a_document(corpus: Corpus, sentences: str, length: int) -> None:
    instances = Instances(corpus, length, 1, Masking(sentences=sentences))  # type: ignore[arg-type]
    chunks = range(0, len(instances.chunks(0)), 17)
    drawn = instances.draw(0, chunks)
    assert drawn.lengths.max() <= length
    texts = [of_document(corpus, number) for number in range(len(corpus))]
    edges = Edges.of(corpus)
    for chunk, (a, b), label in zip(
        chunks, segments(drawn, instances._specials), drawn.order.tolist(), strict=True
    ):
        own = texts[
            int(np.searchsorted(edges.sentences, instances.chunks(0).starts[chunk], side="right")) - 1
        ]
        assert a and contains(own, a) >= 0
        if sentences == "none":
            assert (b, label) == ([], -100)
        elif sentences == "next" and label == 1:
            assert any(contains(text, b) >= 0 for text in texts)
        else:
            earlier, later = (b, a) if label else (a, b)
            at = contains(own, earlier)
            assert b and contains(own[at + len(earlier) :], later) >= 0


def test_an_epoch_cuts_every_document_into_chunks_without_gaps(corpus: Corpus) -> None:
    edges = Edges.of(corpus)
    chunks = cut(edges, 61, 0.1, np.random.default_rng(0))
    covered = np.zeros(len(corpus.sentence_ends), int)
    for start, end in zip(chunks.starts, chunks.ends, strict=True):
        covered[start:end] += 1
        document = np.searchsorted(edges.sentences, start, side="right") - 1
        assert end <= edges.sentences[document + 1]
    assert covered.max() == 1 and (covered == 0).sum() <= len(corpus)  # left out: single pieces
    sizes = edges.pieces[chunks.ends] - edges.pieces[chunks.starts]
    without_last = edges.pieces[chunks.ends - 1] - edges.pieces[chunks.starts]
    assert (without_last < 61).all() and sizes.min() > 1
    is_last = np.isin(chunks.ends, edges.sentences)
    assert np.mean(sizes[~is_last] >= 61) == pytest.approx(0.9, abs=0.04)


def test_epochs_differ_and_repeat(instances: Instances, corpus: Corpus) -> None:
    again = Instances(corpus, 64, seed=5)
    for epoch in (0, 3):
        assert all(map(np.array_equal, everything(instances, epoch), everything(again, epoch)))
    assert not np.array_equal(instances.chunks(0).ends, instances.chunks(1).ends)
    other = Instances(corpus, 64, seed=6)
    assert not np.array_equal(everything(instances).ids[:500], everything(other).ids[:500])


@settings(max_examples=30, deadline=None)
@given(data=st.data(), faithful=st.booleans())
def test_a_sample_is_the_same_alone_and_in_any_company(
    corpus: Corpus, data: st.DataObject, faithful: bool
) -> None:
    instances = Instances(corpus, 48, 9, Masking(faithful=faithful))
    count = len(instances.chunks(2))
    chunks = data.draw(st.lists(st.integers(0, count - 1), min_size=2, max_size=8))
    together = instances.draw(2, chunks)
    ends, at = np.cumsum(together.lengths), 0
    for chunk, end in zip(chunks, ends.tolist(), strict=True):
        alone = instances.draw(2, [chunk])
        mine = (together.positions >= at) & (together.positions < end)
        assert np.array_equal(alone.ids, together.ids[at:end])
        assert np.array_equal(alone.positions, together.positions[mine] - at)
        assert np.array_equal(alone.labels, together.labels[mine])
        at = end


@pytest.mark.parametrize("rate", [0.15, 0.3])
def test_the_share_is_met_at_any_length(corpus: Corpus, rate: float) -> None:
    for length in (64, 512):
        instances = Instances(corpus, length, 2, Masking(rate=rate))
        guessed = total = 0
        for epoch in range(5):
            drawn = everything(instances, epoch)
            ends = np.cumsum(drawn.lengths)
            counts = np.bincount(np.searchsorted(ends, drawn.positions, side="right"), minlength=len(ends))
            assert counts.min() >= 1  # so that in a short sample there may be more than its share
            is_long = drawn.lengths > 40
            guessed, total = guessed + counts[is_long].sum(), total + (drawn.lengths - 3)[is_long].sum()
        # Long n-grams of a small vocabulary: sometimes the one that must be taken is over the budget.
        assert guessed / total == pytest.approx(rate, rel=0.05)


def test_words_are_masked_whole(instances: Instances, corpus: Corpus) -> None:
    """Two neighbours in a segment, of which the second does not start a word, are both guessed or neither."""
    drawn = everything(instances)
    chunks = instances.chunks(0)
    is_guessed = np.zeros(len(drawn.ids), bool)
    is_guessed[drawn.positions] = True
    edges = Edges.of(corpus)
    pairs, at = 0, 0
    for number, (a, b) in enumerate(segments(drawn, instances._specials)):
        start, end = edges.pieces[chunks.starts[number]], edges.pieces[chunks.ends[number]]
        text = corpus.pieces[start:end].tolist()
        for segment, begins in ((a, at + 1), (b, at + 2 + len(a))):
            found = contains(text, segment)
            if found < 0 or contains(text[found + 1 :], segment) >= 0:
                continue
            goes_on = ~corpus.starts_word(np.arange(start + found + 1, start + found + len(segment)))
            flags = is_guessed[begins : begins + len(segment)]
            assert (flags[1:] == flags[:-1])[goes_on].all()
            pairs += int(goes_on.sum())
        at += int(drawn.lengths[number])
    assert pairs > 1000


def test_80_10_10_are_masked_replaced_and_kept(corpus: Corpus) -> None:
    counts = np.zeros(3)
    for epoch in range(6):
        instances = Instances(corpus, 64, 3)
        drawn = everything(instances, epoch)
        new = drawn.ids[drawn.positions]
        is_mask, is_same = new == instances._specials["mask"], new == drawn.labels
        counts += [is_mask.sum(), is_same.sum(), (~is_mask & ~is_same).sum()]
        assert not np.isin(new[~is_mask], list(instances._specials.values())).any()
    share = counts / counts.sum()
    np.testing.assert_allclose(share, [0.8, 0.1, 0.1], atol=0.01)


def test_random_pieces_are_all_and_only_those_that_text_has(corpus: Corpus) -> None:
    instances = Instances(corpus, 64, 3)
    new = instances._replaced(np.full(200_000, 7), np.random.default_rng(0).random((2, 200_000)))
    drawn = set(new.tolist()) - {instances._specials["mask"], 7}
    size, specials = corpus.vocabulary["size"], set(instances._specials.values())
    assert drawn == set(range(size)) - specials - {7}
    faithful = Instances(corpus, 64, 3, Masking(faithful=True))
    new = faithful._replaced(np.full(200_000, 7), np.random.default_rng(0).random((2, 200_000)))
    assert specials <= set(new.tolist())


def test_half_are_swapped(corpus: Corpus) -> None:
    for sentences in ("order", "next"):
        instances = Instances(corpus, 32, 4, Masking(sentences=sentences))
        labels = np.concatenate([everything(instances, epoch).order for epoch in range(3)])
        assert set(labels.tolist()) == {0, 1} and labels.mean() == pytest.approx(
            0.5, abs=4 * 0.5 / len(labels) ** 0.5
        )


def test_next_is_from_another_document(corpus: Corpus) -> None:
    instances = Instances(corpus, 64, 1, Masking(sentences="next"))
    chunks, edges = instances.chunks(0), Edges.of(corpus)
    which = np.arange(len(chunks))
    pairs = instances._pair(chunks, which, np.random.default_rng(0).random((4, len(chunks))))
    owner = [
        np.searchsorted(edges.pieces[edges.sentences], place, side="right") - 1
        for place in (pairs.a, pairs.b)
    ]
    assert np.array_equal(owner[0] != owner[1], pairs.label == 1)


def test_one_sentence_is_parted_at_a_word_unless_faithful(tmp_path: Path, tokenizer: Path) -> None:
    texts = [english(random.Random(number)) for number in range(6)]
    corpus = make(tmp_path / "out", texts, tokenizer, near_duplicates=None)
    single = [n for n in range(len(corpus)) if len(corpus.sentences(n)) == 1]
    assert len(single) >= 3
    instances = Instances(corpus, 128, 0, Masking(short=0))
    for number in single:
        drawn = instances.draw(0, [number])
        ((a, b),) = segments(drawn, instances._specials)
        whole = of_document(corpus, number)
        assert whole == (b + a if drawn.order[0] else a + b)
        first = corpus.sentences(number)[0]
        start = int(corpus.sentence_ends[first - 1]) if first else 0
        cut_at = start + (len(b) if drawn.order[0] else len(a))
        assert corpus.starts_word(np.array([cut_at]))[0]
    faithful = Instances(corpus, 128, 0, Masking(short=0, faithful=True))
    for number in single:
        drawn = faithful.draw(0, [number])
        ((a, b),) = segments(drawn, faithful._specials)
        assert drawn.order.tolist() == [1]
        assert a == of_document(corpus, number) and contains(a, b) != 0


def test_the_published_cap(corpus: Corpus) -> None:
    drawn = everything(Instances(corpus, 512, 0, Masking(faithful=True)))
    ends = np.cumsum(drawn.lengths)
    counts = np.bincount(np.searchsorted(ends, drawn.positions, side="right"), minlength=len(ends))
    assert counts.max() == PUBLISHED_CAP
    wanted = np.minimum(PUBLISHED_CAP, np.maximum(1, np.round(0.15 * drawn.lengths)))
    assert (counts <= wanted).all() and np.mean(counts == wanted) > 0.8
    capped = everything(Instances(corpus, 512, 0, Masking(cap=4)))
    counts = np.bincount(np.searchsorted(np.cumsum(capped.lengths), capped.positions, side="right"))
    assert counts.max() <= 4


def truncated(a: int, b: int, room: int) -> tuple[int, int]:
    """`truncate_seq_pair` of google-research/albert: how many go from each."""
    left = [a, b]
    while sum(left) > room:
        left[0 if left[0] > left[1] else 1] -= 1
    return a - left[0], b - left[1]


@given(st.integers(1, 60), st.integers(0, 60), st.integers(2, 80))
def test_surplus_is_that_of_cutting_one_by_one(a: int, b: int, room: int) -> None:
    sizes = Pairs(*(np.array([value]) for value in (0, a, 0, b, 0)))
    assert tuple(int(each[0]) for each in surplus(sizes, room)) == truncated(a, b, room)


@pytest.mark.parametrize("world", [1, 2, 3, 7])
def test_every_sample_comes_once_whatever_the_world(corpus: Corpus, world: int) -> None:
    instances = Instances(corpus, 32, 8)
    first, second = len(instances.chunks(0)), len(instances.chunks(1))
    size = 32
    seen: list[list[tuple[int, int]]] = []
    for k in range(-(-(first + second) // size)):
        shares = [range(k * size + rank, (k + 1) * size, world) for rank in range(world)]
        assert sorted(number for share in shares for number in share) == list(range(k * size, (k + 1) * size))
        seen.append([instances.locate(number) for number in sorted(n for share in shares for n in share)])
    places = [place for batch in seen for place in batch][: first + second]
    assert sorted(places) == [(0, n) for n in range(first)] + [(1, n) for n in range(second)]
    assert [chunk for epoch, chunk in places if epoch == 0] != list(range(first))


def test_a_batch_over_the_end_of_an_epoch(corpus: Corpus) -> None:
    instances = Instances(corpus, 32, 8)
    count = len(instances.chunks(0))
    batch = instances.batch(range(count - 3, count + 2))
    packed: Packed = batch.packed
    assert len(batch) == 5 and len(batch.order) == 5
    assert batch.positions.tolist() == sorted(batch.positions.tolist())
    at = 0
    for number, length in zip(range(count - 3, count + 2), packed.lengths, strict=True):
        epoch, chunk = instances.locate(number)
        alone = instances.draw(epoch, [chunk])
        assert packed.ids[at : at + length].tolist() == alone.ids.tolist()
        assert packed.segments[at : at + length].tolist() == alone.segments.tolist()
        mine = (batch.positions >= at) & (batch.positions < at + length)
        assert batch.labels[mine].tolist() == alone.labels.tolist()
        at += length
    assert len(set(packed.keys[packed.first].tolist())) == 5


def test_a_later_start_finds_the_same_samples(corpus: Corpus) -> None:
    early, late = Instances(corpus, 32, 8), Instances(corpus, 32, 8)
    number = 2 * len(early.chunks(0)) + 17
    for before in range(0, number, 50):
        early.batch([before])
    assert early.batch([number]).packed.ids.tolist() == late.batch([number]).packed.ids.tolist()


@pytest.mark.parametrize(
    ("make_it", "said"),
    [
        (lambda corpus: Instances(corpus, 4, 0), "length is 4; it must be 5 or more"),
        (
            lambda corpus: Instances(corpus, 3, 0, Masking(sentences="none")),
            "length is 3; it must be 4 or more",
        ),
        (lambda corpus: Instances(corpus, 64, -1), "seed is -1"),
        (lambda _: Masking(sentences="ordre"), "did you mean 'order'"),
        (lambda _: Masking(rate=15), r"rate \(15\)"),
        (lambda _: Masking(longest=0), r"longest \(0\)"),
        (lambda _: Masking(cap=0), r"cap \(0\)"),
    ],
)
def test_what_cannot_be_masked_is_refused(corpus: Corpus, make_it: object, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        make_it(corpus)  # type: ignore[operator]


def test_a_corpus_of_one_document(tmp_path: Path, tokenizer: Path) -> None:
    corpus = make(tmp_path / "out", [document(0)], tokenizer, near_duplicates=None)
    with pytest.raises(UsageError, match="the corpus is one document"):
        Instances(corpus, 64, 0, Masking(sentences="next"))
    assert len(Instances(corpus, 64, 0).batch([0, 1, 2])) == 3


def test_a_corpus_without_anything_to_pair(corpus: Corpus) -> None:
    edges = Edges(pieces=np.array([0, 1, 2]), sentences=np.array([0, 1, 2]))
    assert len(cut(edges, 10, 0.1, np.random.default_rng(0))) == 0
    instances = Instances(corpus, 64, 0)
    instances._edges = edges
    with pytest.raises(DataError, match="has no document of two pieces"):
        instances.batch([0])
