"""Fill-mask, embedding, similarity and ranking: against transformers, trec_eval and loops by hand."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import litebert
from litebert.engine.opening import load, open_model
from litebert.errors import DataError, InputError, ModelError, UsageError
from litebert.model_source import open_source
from litebert.run import save
from litebert.tasks import metrics, vectors
from litebert.tasks.embedding import Compared, Embedded, Embedding, Passage
from litebert.tasks.fill_mask import Cloze, Filled, FillMask
from litebert.tasks.gaps import with_gaps
from litebert.tasks.naming import with_options
from litebert.tasks.ranking import Query, Rank, Ranking
from litebert.tasks.similarity import Pair, Similarity
from litebert.tasks.task import EXAMPLE
from litebert.tasks.vectors import Role
from small_runs import FAST, WORDS, Row, Runs, write

TEXTS = ["the film was about a river", "电影说的是一条河", "good", "it walked there " * 15]


@pytest.fixture(scope="module")
def masked(runs: Runs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of `AlbertForMaskedLM`, of random weights."""
    source, folder = open_source(str(runs.model)), tmp_path_factory.mktemp("masked")
    save(folder, source.model(FillMask()), FillMask(), source.tokenizer)
    (folder / "task.json").unlink()
    return folder


# Fill-mask.


def test_gaps_are_filled_as_transformers_fills_them(masked: Path) -> None:
    from transformers import AlbertForMaskedLM

    judge = AlbertForMaskedLM.from_pretrained(masked).eval()
    predictor = open_model(str(masked), options=("top=20",), precision="fp32")
    assert isinstance(predictor.task, FillMask)
    tokenizer = predictor.tokenizer
    text = "the [MASK] was good, 一条[MASK]"
    (output,) = predictor([Cloze(text, ("film", "河"))])
    pieces, answers = with_gaps(text, ("film", "河"), tokenizer)
    ids = torch.tensor([[tokenizer.cls, *pieces.ids.tolist(), tokenizer.sep]])
    with torch.no_grad():
        wanted = judge(input_ids=ids).logits[0].softmax(-1)
    places = (ids[0] == tokenizer.mask).nonzero()[:, 0].tolist()
    assert [text[gap.start : gap.end] for gap in output.gaps] == ["[MASK]", "[MASK]"]
    for gap, place in zip(output.gaps, places, strict=True):
        for candidate in gap.candidates:
            assert any(
                tokenizer.decode([id]).strip() in (candidate.text, candidate.text.removeprefix("##"))
                and abs(float(wanted[place, id]) - candidate.probability) < 1e-5
                for id in range(tokenizer.size)
            )
        probabilities = [candidate.probability for candidate in gap.candidates]
        assert probabilities == sorted(probabilities, reverse=True) and len(probabilities) == 20
        assert gap.answer is not None
        assert gap.answer.probability == pytest.approx(float(wanted[place, answers[place - 1]]), abs=1e-6)


def test_only_a_gap_is_special(masked: Path) -> None:
    model = load(str(masked), precision="fp32")
    with pytest.raises(InputError, match=r"no \[MASK\]") as caught:
        model(["the [SEP] was good"])
    assert caught.value.code == "no_gap"
    with pytest.raises(InputError, match="3 pieces of the vocabulary"):
        model([{"text": "a [MASK]", "answers": ["qqz"]}])
    with pytest.raises(InputError, match=r"1 \[MASK\], but there are 2 answers"):
        model([{"text": "a [MASK]", "answers": ["it", "good"]}])
    with pytest.raises(InputError, match="on-long window") as caught:
        model(["it " * 100 + "[MASK]"])
    assert caught.value.code == "too_long"
    (output,) = load(str(masked), options=("on_long=window",))(["it " * 100 + "[MASK]"])
    assert [gap.start for gap in output.gaps] == [300]


def test_a_piece_after_a_gap_does_not_begin_a_word() -> None:
    """SentencePiece marks the beginning of a text as that of a word, and a part is no text."""
    tokenizer = open_source(None).tokenizer
    pieces, _ = with_gaps("今天[MASK]气很好, the [MASK] s", (), tokenizer)
    written = [tokenizer.piece(int(id)) for id in pieces.ids]
    at = [place for place, piece in enumerate(written) if piece == "[MASK]"]
    assert not written[at[0] + 1].startswith("▁") and written[at[1] + 1].startswith("▁")


def test_plain_text_hides_some_of_its_pieces_always_the_same(masked: Path) -> None:
    model = load(str(masked), precision="fp32")
    once, again = (model([Cloze(TEXTS[0], hide=0.5)])[0] for _ in range(2))
    assert once == again and len(once.gaps) == 3
    assert all(gap.answer is not None and gap.answer.text in TEXTS[0] for gap in once.gaps)
    measured = FillMask().measure([once], [Filled()])
    logs = [math.log(gap.answer.probability) for gap in once.gaps if gap.answer]
    assert measured["perplexity"] == pytest.approx(math.exp(-sum(logs) / 3))
    assert FillMask().measure([Filled()], [Filled()]) == {"accuracy": 0.0, "perplexity": 0.0}


def test_plain_text_is_learnt_from(runs: Runs, tmp_path: Path) -> None:
    rows = [{"text": "the river walked there in spring and it was good"} for _ in range(40)]
    data = str(write(tmp_path / "plain.jsonl", rows))
    results = litebert.train(
        task="fill-mask", train=data, dev=data, model=str(runs.model), out=tmp_path / "run", **FAST
    )
    guessing = open_source(str(runs.model)).tokenizer.size
    assert results["dev"]["accuracy"] == 1.0 and results["dev"]["perplexity"] < guessing / 2
    found = litebert.evaluate(data, model=str(tmp_path / "run")).metrics
    assert found["accuracy"] == 1.0


def test_a_gap_without_its_answer_is_no_example(runs: Runs, tmp_path: Path) -> None:
    data = str(write(tmp_path / "gaps.jsonl", [{"text": "a [MASK]"}]))
    with pytest.raises(DataError, match=r"gaps.jsonl:1: .*no answers to learn from"):
        litebert.train(task="fill-mask", train=data, dev=data, model=str(runs.model), out=tmp_path / "run")


# Any encoder, without training.


def test_an_encoder_answers_without_training(masked: Path, runs: Runs) -> None:
    assert isinstance(load(str(masked))(["a [MASK]"])[0], Filled)
    assert isinstance(load(str(masked), task="embedding")(["a"])[0], Embedded)
    assert isinstance(load(str(runs.trained("classification")), task="embedding")(["a"])[0], Embedded)
    with pytest.raises(ModelError, match="is for the task classification, and has no head for fill-mask"):
        load(str(runs.trained("classification")), task="fill-mask")
    with pytest.raises(ModelError, match="no head for the task ranking yet"):
        load(str(runs.model), task="ranking")


def test_options_are_a_tasks_own() -> None:
    assert with_options(Embedding(), ("pooling=max", "temperature=0.5")) == Embedding(
        pooling="max", temperature=0.5
    )
    for options, told in (
        (("poling=max",), "did you mean 'pooling'"),
        (("pooling=sum",), "'mean', 'first' or 'max'"),
        (("pooling",), "expected name=value"),
        (("temperature=0",), "above 0"),
    ):
        with pytest.raises(UsageError, match=told):
            with_options(Embedding(), options)


# Embedding.


@pytest.mark.parametrize("pooling", ["mean", "first", "max"])
def test_vectors_are_transformers_states_pooled(masked: Path, pooling: str) -> None:
    from transformers import AlbertModel

    judge = AlbertModel.from_pretrained(masked, add_pooling_layer=False).eval()
    predictor = open_model(str(masked), task="embedding", options=(f"pooling={pooling}",), precision="fp32")
    for text, output in zip(TEXTS, predictor([Passage(text) for text in TEXTS]), strict=True):
        (encoding,) = predictor.task.encode(Passage(text), predictor.tokenizer)
        with torch.no_grad():
            states = judge(torch.tensor([encoding.ids.tolist()])).last_hidden_state[0]
        pooled = {"mean": states.mean(0), "first": states[0], "max": states.max(0).values}[pooling]
        wanted = torch.nn.functional.normalize(pooled, dim=0)
        assert torch.allclose(torch.tensor(output.embedding), wanted, atol=1e-5)


def test_windows_of_a_long_text_make_one_vector(masked: Path) -> None:
    model = load(str(masked), task="embedding", options=("on_long=window",), precision="fp32")
    (long,) = model(["it walked there " * 60])
    assert np.linalg.norm(long.embedding) == pytest.approx(1)


def by_hand(rows: np.ndarray[Any, Any], examples: list[int], roles: list[int], texts: list[int]) -> float:
    """The contrastive loss as it is defined, one pair at a time."""
    losses = []
    for a in (i for i, role in enumerate(roles) if role == Role.ANCHOR):
        own = [i for i, r in enumerate(roles) if r == Role.POSITIVE and examples[i] == examples[a]]
        said = {texts[i] for i in own} | {texts[a]}
        rivals = [
            i for i, r in enumerate(roles) if r != Role.ANCHOR and i not in own and texts[i] not in said
        ]
        for p in own:
            against = sum(math.exp(rows[a] @ rows[i] / 0.1) for i in rivals)
            own_share = math.exp(rows[a] @ rows[p] / 0.1)
            losses.append(-math.log(own_share / (own_share + against)))
    return sum(losses) / len(losses) if losses else 0.0


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from([0, 1, 2]), st.integers(0, 5)), min_size=1, max_size=9
    )
)
def test_contrast_is_what_it_is_defined_to_be(parts: list[tuple[int, int, int]]) -> None:
    examples, roles, texts = (list(side) for side in zip(*parts, strict=True))
    draw = np.random.default_rng(len(parts)).normal(size=(len(parts), 5))
    rows = draw / np.linalg.norm(draw, axis=1, keepdims=True)
    targets = {
        EXAMPLE: torch.tensor(examples),
        "role": torch.tensor(roles),
        "text": torch.tensor(texts),
    }
    found = vectors.contrast(torch.tensor(rows), targets, 0.1)
    assert float(found) == pytest.approx(by_hand(rows, examples, roles, texts), abs=1e-6)


def test_pairs_and_triples_bring_what_is_alike_together(runs: Runs, tmp_path: Path) -> None:
    things = ["film", "river", "people", "spring", "电影", "河", "bank", "piano"]
    rows = [
        {"text": f"the {one}", "positive": f"{one} was good", "negative": f"the {things[i - 1]}"}
        for i, one in enumerate(things)
    ]
    data = str(write(tmp_path / "triples.jsonl", [*rows, {"text": "alone"}] * 6))
    options = {**FAST, "epochs": 12.0}
    results = litebert.train(
        task="embedding", train=data, dev=data, model=str(runs.model), out=tmp_path / "run", **options
    )
    assert results["best_by"] == "mrr" and results["dev"]["accuracy"] > 0.9
    model = load(str(tmp_path / "run"), precision="fp32")
    film, good, bank = (np.array(one.embedding) for one in model(["the film", "film was good", "the bank"]))
    assert film @ good > film @ bank


def test_a_texts_own_positive_is_looked_for_among_the_others() -> None:
    east, north = (1.0, 0.0), (0.0, 1.0)
    right, wrong = Compared(east, near=east), Compared(east, near=north)
    task = Embedding()
    assert task.measure([right, Compared(north, near=north)], [Embedded()] * 2) == {
        "accuracy": 1.0,
        "mrr": 1.0,
    }
    assert task.measure([wrong, Compared(north, near=east)], [Embedded()] * 2) == {
        "accuracy": 0.0,
        "mrr": 0.5,
    }
    assert task.mistake(Compared(east, near=north, far=east), Embedded()) == 1.0
    assert task.mistake(right, Embedded()) is None
    assert task.measure([Embedded(east)], [Embedded()]) == {"accuracy": 0.0, "mrr": 0.0}


# Similarity.


def overlapping(draw: random.Random) -> Row:
    """Two texts that share 0, 1 or 2 of 2 words, scored 1, 3 or 5."""
    a, b, c, d = draw.sample(["film", "river", "spring", "bank", "piano", "good", "bad", "people"], 4)
    shared = draw.randrange(3)
    return {
        "text": f"{a} {b}",
        "second": [f"{c} {d}", f"{a} {c}", f"{b} {a}"][shared],
        "score": 1 + 2 * shared,
    }


def felt(draw: random.Random) -> Row:
    """Two texts, of which the second has the feeling, scored 1 or 5: a tiny new model sees no more."""
    good = draw.random() < 0.5
    return {
        "text": draw.choice(["a film", "the river"]),
        "second": draw.choice(WORDS["positive" if good else "negative"]),
        "score": 5 if good else 1,
    }


@pytest.mark.parametrize(("encoder", "row"), [("cross", felt), ("bi", overlapping)])
def test_similarity_is_learnt_both_ways_on_the_datas_scale(
    runs: Runs, tmp_path: Path, encoder: str, row: Callable[[random.Random], Row]
) -> None:
    draw, out = random.Random(1), tmp_path / "run"
    rows = [row(draw) for _ in range(200)]
    data = str(write(tmp_path / "pairs.jsonl", rows))
    results = litebert.train(
        task="similarity",
        options=(f"encoder={encoder}",),
        train=data,
        dev=data,
        model=str(runs.model),
        out=out,
        **FAST,
    )
    assert results["best_by"] == "pearson" and results["dev"]["pearson"] > 0.8
    high, low = (next(one for one in rows if one["score"] == score) for score in (5, 1))
    alike, other = load(str(out), precision="fp32")([high, low])
    assert other.score < 3 < alike.score < 7
    kept = json.loads((out / "task.json").read_text("utf-8"))
    assert (kept["encoder"], kept["low"], kept["high"]) == (encoder, 1, 5)


def test_vectors_are_compared_without_training(masked: Path) -> None:
    model = load(str(masked), task="similarity", options=("encoder=bi", "high=5"), precision="fp32")
    (same,) = model([Pair("the film", "the film")])
    assert same.score == pytest.approx(5, abs=1e-4)


def test_a_cross_encoder_is_a_regression_to_transformers(runs: Runs, tmp_path: Path) -> None:
    source, task = open_source(str(runs.model)), Similarity(encoder="cross", mean=2.0, scale=1.5)
    save(tmp_path / "cross", source.model(task), task, source.tokenizer)
    config = json.loads((tmp_path / "cross" / "config.json").read_text("utf-8"))
    assert config["architectures"] == ["AlbertForSequenceClassification"]
    assert config["problem_type"] == "regression"
    save(tmp_path / "bi", source.model(Similarity(encoder="bi")), Similarity(encoder="bi"), source.tokenizer)
    config = json.loads((tmp_path / "bi" / "config.json").read_text("utf-8"))
    assert config["architectures"] == ["AlbertModel"]


# Ranking.

RANKINGS = st.lists(
    st.lists(
        st.tuples(st.integers(-50, 50), st.integers(0, 3)), min_size=1, max_size=25, unique_by=lambda p: p[0]
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=50, deadline=None)
@given(RANKINGS)
def test_measures_are_trec_evals(rankings: list[list[tuple[int, int]]]) -> None:
    pytrec_eval = pytest.importorskip("pytrec_eval")
    run = {
        f"q{q}": {f"d{d}": float(score) for d, (score, _) in enumerate(one)} for q, one in enumerate(rankings)
    }
    right = {f"q{q}": {f"d{d}": rel for d, (_, rel) in enumerate(one)} for q, one in enumerate(rankings)}
    judge = pytrec_eval.RelevanceEvaluator(right, {"map", "recip_rank", "ndcg_cut.10"}).evaluate(run)
    found = Rank().measure(
        [Ranking(tuple(float(score) for score, _ in one)) for one in rankings],
        [Ranking(tuple(float(rel) for _, rel in one)) for one in rankings],
    )
    for ours, theirs in (("map", "map"), ("mrr", "recip_rank"), ("ndcg@10", "ndcg_cut_10")):
        wanted = np.mean([judge[query][theirs] for query in run])
        assert found[ours] == pytest.approx(wanted, abs=1e-9)


def test_measures_worked_by_hand() -> None:
    assert metrics.average_precision([3, 2, 1], [0, 1, 1]) == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert metrics.reciprocal_rank([1, 5], [1, 0]) == 0.5
    assert metrics.ndcg([2, 1], [1, 3]) == pytest.approx((1 + 3 / math.log2(3)) / (3 + 1 / math.log2(3)))
    assert metrics.ndcg([2, 1], [0, 0]) == metrics.average_precision([1], [0]) == 0.0


@pytest.mark.parametrize("encoder", ["cross", "bi"])
def test_ranking_is_learnt_both_ways(runs: Runs, tmp_path: Path, encoder: str) -> None:
    """Of cross by what answers look like, all that a tiny new model sees; of bi by what they are about."""
    things, draw = ["film", "river", "people", "spring", "bank", "piano"], random.Random(1)
    rows = []
    for _ in range(90):
        thing, *others = draw.sample(things, 3)
        good = f"{thing} was there" if encoder == "bi" else "it is excellent"
        candidates = [good, *(f"{other} was there" for other in others)]
        draw.shuffle(candidates)
        scores = [float(one == good) for one in candidates]
        rows.append({"query": f"a {thing}", "candidates": candidates, "scores": scores})
    data = str(write(tmp_path / "rows.jsonl", rows))
    results = litebert.train(
        task="ranking",
        options=(f"encoder={encoder}",),
        train=data,
        dev=data,
        model=str(runs.model),
        out=tmp_path / "run",
        **FAST,
    )
    assert list(results["dev"])[:3] == ["mrr", "map", "ndcg@10"] and results["dev"]["mrr"] > 0.9
    (output,) = load(str(tmp_path / "run"))([Query(rows[0]["query"], tuple(rows[0]["candidates"]))])
    assert output.order == tuple(sorted(range(3), key=lambda i: -output.scores[i]))


def test_a_ranking_that_does_not_fit_its_candidates_is_refused(runs: Runs, tmp_path: Path) -> None:
    data = str(write(tmp_path / "rows.jsonl", [{"query": "a", "candidates": ["b", "c"], "scores": [1]}]))
    with pytest.raises(DataError, match=r"rows.jsonl:1: there are 2 candidates, but 1 scores"):
        litebert.train(task="ranking", train=data, dev=data, model=str(runs.model), out=tmp_path / "run")
    with pytest.raises(DataError, match="no query has both"):
        Rank().fit([Ranking((1.0, 2.0)), Ranking((0.0,))])
    with pytest.raises(InputError, match="no candidates"):
        Rank().encode(Query("a", ()), open_source(str(runs.model)).tokenizer)


def test_the_best_window_of_a_candidate_counts(runs: Runs, tmp_path: Path) -> None:
    source = open_source(str(runs.model))
    task = Rank(on_long="window", max_pieces=32)
    save(tmp_path / "run", source.model(task), task, source.tokenizer)
    model = load(str(tmp_path / "run"), precision="fp32")
    (output,) = model([Query("good", ("it walked there " * 40, "it"))])
    assert len(output.scores) == 2 and np.isfinite(output.scores).all()
