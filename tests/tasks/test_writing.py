"""Tasks that write: exact text, measures as sacrebleu and rouge-score give them, runs that learn."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from litebert.data.examples import read
from litebert.data.inputs import read_inputs
from litebert.engine.opening import open_model
from litebert.errors import DataError, UsageError
from litebert.tasks import written
from litebert.tasks.code import Code
from litebert.tasks.fill_mask import FillMask
from litebert.tasks.generation import Generation
from litebert.tasks.summarisation import Summarisation
from litebert.tasks.translation import Foreign, Translation
from litebert.tasks.written import Wanted, Weighed, Written
from litebert.text import exact
from litebert.text.learning import learn, tokenizer_of

PROGRAM = "def walk(River):\n    if River == 'a  b':\n\t\treturn  \"ÄÖ ▁ 河\"\n\n"
ENGLISH = ["the cat sat on the mat .", "a dog ran in the park", "there is nothing here"]
GERMAN = ["die Katze saß auf der Matte .", "ein Hund lief im Park", "hier ist gar nichts"]


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_white_space_made_visible_is_the_same_length_and_comes_back(text: str) -> None:
    for spaces in ("between", "all"):
        shown = exact.shown(text, spaces)
        assert len(shown) == len(text)
        assert "  " not in shown and shown == shown.strip(" ")
        if not any(0xF0000 <= ord(letter) < 0xF0020 for letter in text):
            assert exact.back(shown) == text


@pytest.mark.parametrize("spaces", ["between", "all"])
def test_a_vocabulary_writes_its_texts_to_the_character(spaces: Any) -> None:
    texts = [PROGRAM, " leading and trailing ", "two  spaces\u3000wide", "x_y2,004, Café", *GERMAN]
    shown = [exact.shown(text, spaces) for text in texts]
    pieces = learn(shown, 300)
    assert pieces == learn(shown, 300)
    task = Code(pieces=pieces) if spaces == "all" else Translation(pieces=pieces)
    tokenizer = tokenizer_of(pieces)
    assert [tokenizer.specials.ids({p: i for i, (p, _) in enumerate(pieces)})] == [(2, 3, 0, 4, 1)]
    for text, ids in zip(texts, tokenizer.encode_many(shown), strict=True):
        assert task.spelled(ids.ids) == text


def test_a_name_in_code_has_the_same_pieces_wherever_it_stands() -> None:
    texts = [f"call the {name} method" for name in ("settings", "backend", "settings")] * 20
    texts += [f"{name}({name}.x)" for name in ("settings", "backend")] * 20
    shown = [exact.shown(text, "all") for text in texts]
    tokenizer = tokenizer_of(learn(shown, 120))

    def pieces(text: str, name: str) -> list[int]:
        found = tokenizer.encode(exact.shown(text, "all"))
        start = text.index(name)
        inside = (found.spans[:, 0] >= start) & (found.spans[:, 1] <= start + len(name))
        return found.ids[inside].tolist()

    assert pieces("call the settings method", "settings") == pieces("backend(settings.x)", "settings")


def test_measures_are_those_of_sacrebleu_and_rouge_score() -> None:
    from rouge_score.rouge_scorer import RougeScorer
    from sacrebleu import corpus_bleu

    outputs = ["the cat sat on a mat .", "a dog ran", "nothing is here , there"]
    wanted = [Wanted(ENGLISH[0], ("a cat sat on the mat .",)), Wanted(ENGLISH[1]), Wanted(ENGLISH[2])]
    task = Translation(script="words")
    found = task.measure([Written(text) for text in outputs], wanted)
    one = corpus_bleu(outputs[1:], [[w.text for w in wanted[1:]]])
    alone = task.measure([Written(text) for text in outputs[1:]], wanted[1:])
    assert alone["bleu"] == pytest.approx(one.score)
    both = corpus_bleu(outputs[:1], [[wanted[0].text], [wanted[0].references[0]]])
    assert task.measure([Written(outputs[0])], wanted[:1])["bleu"] == pytest.approx(both.score)
    judge = RougeScorer(["rouge1", "rouge2", "rougeL"])
    for name in ("rouge1", "rouge2", "rougeL"):
        scores = [
            max(judge.score(w, o)[name].fmeasure for w in right.every)
            for o, right in zip(outputs, wanted, strict=True)
        ]
        assert found[name] == pytest.approx(np.mean(scores))
    assert found["exact_match"] == 0.0 and "perplexity" not in found


def test_chinese_is_measured_in_characters() -> None:
    from sacrebleu import corpus_bleu

    output, wanted = "一条很长的河流过这座城市", "一条长河流过这座大城市 ALBERT"
    assert written.script_of([wanted, "你好"]) == "characters"
    assert written.script_of(ENGLISH) == "words"
    found = Summarisation(script="characters").measure([Written(output)], [Wanted(wanted)])
    assert found["bleu"] == pytest.approx(corpus_bleu([output], [[wanted]], tokenize="zh").score)
    shared = 10  # of 12 and of 11 characters and a word
    assert found["rouge1"] == pytest.approx(2 * shared / (12 + 12))


def test_a_match_may_differ_in_white_space_that_cannot_be_seen() -> None:
    right = Wanted("def f( x ):\n    return x", ("pass",))
    assert written.is_match(" def f(  x ): \n    return x\n", right) and written.is_match("pass", right)
    assert not written.is_match("def f( x ):\n  return x", right)
    assert not written.is_match("def f(x ):\n    return x", right)


def test_perplexity_is_over_all_pieces() -> None:
    outputs = [Weighed("", 4.0, 2), Weighed("", 2.0, 4)]
    assert Generation().measure(outputs, outputs) == {"perplexity": pytest.approx(np.e)}


def test_parallel_text_is_two_files_line_for_line(tmp_path: Path) -> None:
    source, target = tmp_path / "a.en", tmp_path / "a.de"
    source.write_text("\n".join(ENGLISH) + "\n", encoding="utf-8")
    target.write_text("\n".join(GERMAN) + "\n", encoding="utf-8")
    examples = read(f"{source},{target}", Translation(), fit=True)
    assert [e.given.source for e in examples] == ENGLISH and [e.wanted.text for e in examples] == GERMAN
    assert [one.source for one in read_inputs(str(source), Translation())] == ENGLISH
    with pytest.raises(UsageError, match=r"parallel text is 2 files, the source's first"):
        read(str(source), Translation())
    target.write_text("\n".join(GERMAN[:2]) + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"a\.de: has fewer lines than the other file"):
        read(f"{source},{target}", Translation())


def test_plain_text_is_cut_between_words(tmp_path: Path) -> None:
    path = tmp_path / "prose.txt"
    path.write_text("a short line, and more\n\n" + "word " * 1000 + "\n", encoding="utf-8")
    examples = read(str(path), Generation())
    assert examples[0].wanted.text == "a short line, and more"
    assert max(len(e.wanted.text) for e in examples) <= 1500
    assert " ".join(e.wanted.text for e in examples[1:]) == " ".join(["word"] * 1000)
    gaps = read(str(path), FillMask())
    assert [e.given.text for e in gaps] == [e.wanted.text for e in examples]


def test_rows_of_other_sets_are_read_as_they_come(tmp_path: Path) -> None:
    path = tmp_path / "papers.jsonl"
    rows = [{"source": ["One.", "Two."], "target": ["A.", "B."]}, {"source": ["Three."], "target": ["C."]}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    first, second = read(str(path), Summarisation())
    assert first.given.document == "One. Two." and first.wanted == Wanted("A.", ("B.",))
    assert second.wanted == Wanted("C.")
    indented = {"description": "give x", "code": "    return x"}
    path.write_text(json.dumps(indented))
    assert read(str(path), Code()).rows[0].wanted == Wanted("    return x"), "indentation is code"
    for cell, told in (("", "is empty"), (" ", "is ' '"), (None, "is missing")):
        path.write_text(json.dumps({"source": "One.", "target": cell}))
        with pytest.raises(DataError, match=f"papers.jsonl:1: text {told}; expected a text to write"):
            read(str(path), Summarisation())
    questions = tmp_path / "questions.json"
    asked = [("How to sort?", "sort the list `x`"), ("Reverse a list?", None)]
    rows = [{"intent": one, "rewritten_intent": other, "snippet": "x"} for one, other in asked]
    questions.write_text(json.dumps(rows))
    described = [example.given.description for example in read(str(questions), Code())]
    assert described == ["sort the list `x`", "Reverse a list?"]


def _shouting(folder: Path, count: int = 240) -> tuple[str, str]:
    """Parallel text of some words in another order and in capitals."""
    draw, words = random.Random(1), ["red", "cat", "dog", "ran", "big", "sun"]
    pairs = [draw.sample(words, draw.randint(1, 3)) for _ in range(count)]
    (folder / "t.low").write_text("".join(" ".join(pair) + "\n" for pair in pairs))
    (folder / "t.high").write_text("".join(" ".join(pair[::-1]).upper() + "\n" for pair in pairs))
    return str(folder / "t.low"), str(folder / "t.high")


OPTIONS: dict[str, Any] = {
    "learning_rate": 5e-3,
    "batch_size": 16,
    "epochs": 12.0,
    "early_stopping": False,
    "evaluate_every": 90,
    "threads": 1,
    "precision": "fp32",
    "progress": "silent",
    "options": ("vocabulary=100", "smoothing=0.0"),
    "dropout": 0.0,
}


@pytest.fixture(scope="module")
def translator(tmp_path_factory: pytest.TempPathFactory, runs: Any) -> Path:
    import litebert

    folder = tmp_path_factory.mktemp("translator")
    pair = ",".join(_shouting(folder))
    litebert.train(
        task="translation", train=pair, dev=pair, model=str(runs.model), out=folder / "run", **OPTIONS
    )
    return folder / "run"


def test_a_translator_learns_and_its_folder_opens_again(translator: Path) -> None:
    results = json.loads((translator / "results.json").read_text())["dev"]
    assert results["exact_match"] > 0.8 and results["rougeL"] > 0.8 and results["perplexity"] < 3
    predictor = open_model(str(translator), precision="fp32")
    answer = predictor([Foreign("red cat")])[0]
    assert answer == Written("CAT RED")
    names = json.loads((translator / "task.json").read_text())
    assert names["joint"] and names["task"] == "translation"


def test_greedy_and_beams_and_batches_agree_on_what_was_learnt(translator: Path) -> None:
    inputs = [Foreign(text) for text in ("red cat", "sun", "big dog ran", "cat", "dog sun")]
    predictor = open_model(str(translator), precision="fp32")
    greedy = open_model(str(translator), options=("beams=1",), precision="fp32")
    together = predictor(inputs)
    assert together == [predictor([one])[0] for one in inputs]
    assert sum(a == b for a, b in zip(together, greedy(inputs), strict=True)) >= 4


def test_stop_words_and_limits_are_kept(translator: Path) -> None:
    stopped = open_model(str(translator), options=('stop=["RED"]',), precision="fp32")
    assert stopped([Foreign("red cat")]) == [Written("CAT ")]
    short = open_model(str(translator), options=("most=1",), precision="fp32")
    assert len(short([Foreign("red cat")])[0].text) < len("CAT RED")


def test_transformers_opens_the_encoder(translator: Path) -> None:
    from transformers import AutoModel

    model = AutoModel.from_pretrained(translator)
    assert model.config.vocab_size == len(json.loads((translator / "task.json").read_text())["pieces"])


def test_a_run_that_is_made_again_is_the_same_to_the_bit(tmp_path: Path, runs: Any) -> None:
    from safetensors.torch import load_file

    import litebert

    pair = ",".join(_shouting(tmp_path, 64))
    options = {**OPTIONS, "epochs": 2.0, "save_steps": 3, "evaluate_every": 4, "dropout": 0.1}
    common = {"task": "code", "train": pair, "dev": pair, "model": str(runs.model), **options}
    litebert.train(out=tmp_path / "whole", **common)
    litebert.train(out=tmp_path / "again", **common)
    one, two = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "again"))
    assert one.keys() == two.keys() and any(name.startswith("decoder.pointer.") for name in one)
    assert all(one[name].equal(two[name]) for name in one)


def test_a_language_model_goes_on_from_a_prompt(tmp_path: Path, runs: Any) -> None:
    import litebert

    path = tmp_path / "prose.txt"
    path.write_text("the cat sat on the mat\nthe dog ran in the park\n" * 40)
    litebert.train(
        task="generation",
        train=str(path),
        dev=str(path),
        model=str(runs.model),
        out=tmp_path / "run",
        **{**OPTIONS, "epochs": 20.0, "options": ("vocabulary=100", "temperature=0", "beams=1")},
    )
    results = json.loads((tmp_path / "run" / "results.json").read_text())["dev"]
    assert results["perplexity"] < 1.6
    answer = open_model(str(tmp_path / "run"), precision="fp32")
    prompts = ["the dog ran", "the cat"]
    assert [one.text for one in answer([Generation.Input(p) for p in prompts])] == [
        "the dog ran in the park",
        "the cat sat on the mat",
    ]


def test_a_task_without_a_vocabulary_says_so() -> None:
    with pytest.raises(UsageError, match="learns one when it is trained"):
        Translation().tokenizer  # noqa: B018
    with pytest.raises(UsageError, match="smoothing"):
        replace(Translation(), smoothing=1.0)
