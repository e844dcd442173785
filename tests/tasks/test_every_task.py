"""What every task keeps, by being in the folder.

A task brings `samples/NAME.jsonl`: some rows of its Input and its Output, as a data file has them, short, in
Chinese and in English, with every label and every optional field. Here a tiny model of random weights answers
them: what it says is nonsense, but it must be nonsense of the right form.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from litebert.cli import main
from litebert.data.examples import Example, read
from litebert.engine.opening import as_input, open_model
from litebert.engine.predictor import Predictor
from litebert.errors import DataError, InputError
from litebert.model.native.compiler import compiler
from litebert.model_source import open_source
from litebert.names import known
from litebert.run import save
from litebert.tasks.as_json import from_json, to_json, to_try
from litebert.tasks.naming import named
from litebert.tasks.task import Task
from litebert.training import prepared
from litebert.verbs.train import train, tried
from small_runs import Runs

SAMPLES = Path(__file__).parent / "samples"
EVERY = known("litebert.tasks")
WITH_SAMPLES = [name for name in EVERY if (SAMPLES / f"{name}.jsonl").is_file()]
PIECES = 40
A_FEW_STEPS = {"steps": 3, "batch_size": 4, "precision": "fp32", "threads": 1, "progress": "silent"}
NASTY = {
    "empty": "",
    "white space": " \t\u3000\n",
    "NUL": "a\0b",
    "lone surrogate": "half \ud83d",
    "right to left": "שלום \u202eabc\u202c مرحبا",
    "one word of a megabyte": "a" * (1 << 20),
    "a word of many windows": "字a" * 1_000,
    "special tokens": "[CLS] [SEP] [PAD] <s> </s> <unk> [MASK][SEP]",
    "accents without letters": "\u0301\u0301\u200d\ufe0f",
    "beyond the first plane": "𝔘𝔫𝔦 👩‍👩‍👧 𠮷野",
    "taken apart": "㍿½ﬃ\ufdfa",
}


@dataclass(frozen=True)
class Trial:
    """A task with its samples, and a model of random weights saved and opened again."""

    task: Task[Any, Any]
    rows: list[Example[Any, Any]]
    predictor: Predictor[Any, Any]
    folder: Path

    @property
    def inputs(self) -> list[Any]:
        return [row.given for row in self.rows]


@pytest.fixture(scope="module", params=WITH_SAMPLES)
def trial(request: pytest.FixtureRequest, runs: Runs, tmp_path_factory: pytest.TempPathFactory) -> Trial:
    kind = named(request.param)
    examples = read(SAMPLES / f"{request.param}.jsonl", kind(max_pieces=PIECES), fit=True)
    source = open_source(str(runs.model))
    task, tokenizer = examples.task.vocabularies(
        [row.given for row in examples],
        [row.wanted for row in examples],
        source.tokenizer,
        before=None,
        free=False,
    )
    folder = tmp_path_factory.mktemp(request.param)
    save(folder, source.model(task), task, tokenizer)
    predictor = open_model(str(folder), task=request.param, precision="fp32")
    return Trial(task, list(examples.rows), predictor, folder)


@pytest.mark.parametrize("name", EVERY)
def test_a_task_brings_samples(name: str) -> None:
    assert name in WITH_SAMPLES, f"write some rows of the task {name} as {SAMPLES / name}.jsonl"


def test_inputs_and_outputs_come_back_from_json(trial: Trial) -> None:
    for noun, things in (
        (trial.task.Input, trial.inputs),
        (trial.task.Wanted or trial.task.Output, [row.wanted for row in trial.rows]),
        (trial.task.Output, trial.predictor(trial.inputs)),
    ):
        for thing in things:
            assert isinstance(thing, noun)
            adapter = TypeAdapter(type(thing))
            text = json.dumps(asdict(thing), ensure_ascii=False, allow_nan=False)
            assert adapter.validate_python(json.loads(text)) == thing
            assert adapter.validate_json(text) == thing


def test_examples_come_back_from_a_file(trial: Trial, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    rows = [{**asdict(row.given), **asdict(row.wanted)} for row in trial.rows]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    again = read(path, trial.task)
    assert [(row.given, row.wanted) for row in again] == [(row.given, row.wanted) for row in trial.rows]


def test_the_line_to_try_works_where_it_is_pasted(
    trial: Trial, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What `litebert train` ends with: bash makes the Input of it, and the verb answers that."""
    line = tried({"example": to_try(trial.task, trial.inputs[0])}, shlex.quote(str(trial.folder)))
    echo, verb = line.split(" | ")
    typed = subprocess.run(["bash", "-c", echo], capture_output=True, check=True).stdout
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(typed)))
    assert "…" not in line
    assert main(shlex.split(verb)[1:]) == 0
    assert set(json.loads(capsys.readouterr().out)) >= {field.name for field in fields(trial.task.Output)}


def test_what_to_try_has_what_the_training_data_had() -> None:
    task = named("classification")()
    assert to_try(task, task.Input("a")) == {"text": "Where is my parcel?"}
    assert to_try(task, task.Input("a", "b")) == {
        "text": "Where is my parcel?",
        "second": "It was sent on Monday.",
    }


def test_labels_are_never_lost(trial: Trial) -> None:
    """From the data to the folder and back: each is still known, and can be aimed at."""
    again = from_json(json.loads(json.dumps(to_json(trial.task))))
    assert again == trial.task
    assert getattr(trial.predictor.task, "labels", ()) == getattr(trial.task, "labels", ())
    for row in trial.rows:
        trial.predictor.task.check(row.wanted)
        encodings = trial.predictor.task.encode(row.given, trial.predictor.tokenizer)
        assert len(trial.predictor.task.targets(encodings, row.wanted)) == len(encodings)
    measured = trial.task.measure(*([row.wanted for row in trial.rows],) * 2)
    assert trial.task.best in measured


def test_what_is_pointed_at_stands_in_the_text(trial: Trial) -> None:
    for given_, output in zip(trial.inputs, trial.predictor(trial.inputs), strict=True):
        texts = _texts(given_)
        for encoding in trial.predictor.task.encode(given_, trial.predictor.tokenizer):
            framed = encoding.spans[:, 0] < 0
            assert (encoding.spans[~framed, 0] <= encoding.spans[~framed, 1]).all()
            assert encoding.spans.max(initial=0) <= max(map(len, texts), default=0)
            assert (encoding.spans[framed] == -1).all()
        for start, end, text in _pointed(asdict(output)):
            assert any(0 <= start <= end <= len(whole) for whole in texts)
            assert text is None or any(whole[start:end] == text for whole in texts)


def test_an_answer_is_the_same_alone_and_in_any_batch(trial: Trial) -> None:
    alone = [trial.predictor([one])[0] for one in trial.inputs]
    for order in (trial.inputs * 3, trial.inputs[::-1]):
        many = trial.predictor(order)
        for one, output in zip(order, many, strict=True):
            _same(asdict(output), asdict(alone[trial.inputs.index(one)]))


@pytest.mark.parametrize("name", NASTY)
def test_nasty_text_gets_an_answer_or_a_coded_error(trial: Trial, name: str) -> None:
    good = trial.inputs[0]
    expected = asdict(trial.predictor([good])[0])
    for cells in _with(trial.inputs, NASTY[name]):
        first, answer, last = trial.predictor.answers([good, _read(trial.task, cells), good])
        _same(asdict(first), expected)
        _same(asdict(last), expected)
        if isinstance(answer, InputError):
            assert answer.code and answer.message and len(answer.message) < 1000
        else:
            assert isinstance(answer, trial.task.Output)
            json.dumps(asdict(answer), allow_nan=False)


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.text(max_size=60))
def test_any_text_gets_an_answer_or_a_coded_error(trial: Trial, text: str) -> None:
    for cells in _with(trial.inputs[:1], text):
        (answer,) = trial.predictor.answers([_read(trial.task, cells)])
        assert isinstance(answer, InputError | trial.task.Output)


@pytest.mark.skipif(compiler() is None, reason="needs a C++ compiler")
def test_compiled_kernels_learn_what_torch_does(
    trial: Trial, runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = {}
    for kernels in (False, True):
        monkeypatch.setattr(prepared, "worth_compiling", lambda *_, kernels=kernels: kernels)
        out = tmp_path / str(kernels)
        data = {"train": str(SAMPLES / f"{trial.task.name}.jsonl"), "task": trial.task.name}
        train(**data, out=str(out), model=str(runs.model), dropout=0.2, max_pieces=PIECES, **A_FEW_STEPS)
        steps = map(json.loads, (out / "metrics.jsonl").read_text("utf-8").splitlines())
        losses[kernels] = [step["loss"] for step in steps if step["kind"] == "step"]
    assert losses[True] == pytest.approx(losses[False], rel=2e-4) and len(losses[True]) == 3


def _read(task: Task[Any, Any], cells: dict[str, Any]) -> Any:
    """An Input, or why it is none: what a row becomes that a person gives."""
    try:
        return as_input(task, cells)
    except InputError as error:
        return error


def _with(inputs: list[Any], text: str) -> Iterator[dict[str, Any]]:
    """The Inputs, each with this text in the place of one of theirs."""
    for cells in map(asdict, inputs):
        for name, value in cells.items():
            if isinstance(value, str):
                yield {**cells, name: text}
            elif isinstance(value, tuple) and value and isinstance(value[0], str):
                yield {**cells, name: (text, *value[1:])}


def _texts(given_: Any) -> list[str]:
    """All texts of an Input; of tokens alone, the text that they make."""
    values = list(asdict(given_).values())
    texts = [value for value in values if isinstance(value, str)]
    listed = [value for value in values if isinstance(value, tuple) and value and isinstance(value[0], str)]
    return texts + [text for many in listed for text in (*many, " ".join(many), "".join(many))]


def _pointed(output: Any) -> Iterator[tuple[int, int, str | None]]:
    """All that has a start and an end in an Output, and what it says stands there."""
    if isinstance(output, dict):
        if isinstance(output.get("start"), int) and isinstance(output.get("end"), int):
            yield output["start"], output["end"], output.get("text")
        for value in output.values():
            yield from _pointed(value)
    elif isinstance(output, list | tuple):
        for value in output:
            yield from _pointed(value)


def _same(one: Any, other: Any) -> None:
    """Numbers to 1e-5, all else exactly."""
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            _same(one[key], other[key])
    elif isinstance(one, list | tuple):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            _same(a, b)
    elif isinstance(one, float):
        assert one == pytest.approx(other, abs=1e-5, rel=1e-5)
    else:
        assert one == other


def test_a_task_of_unknown_labels_says_so(trial: Trial) -> None:
    """What a task cannot aim at it refuses, unless it is only judged by it."""
    labels = getattr(trial.task, "labels", ())
    if not labels or trial.task.judges_unknown:
        pytest.skip("it has no names of labels to miss, or counts them as missed")
    fewer = named(trial.task.name)(labels=(*labels[:1], "another"))
    with pytest.raises(DataError, match="no label is named"):
        for row in trial.rows:
            fewer.check(row.wanted)
