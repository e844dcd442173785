"""Exported folders: each task's answers are those of the model itself, in every format and precision."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from litebert.embedded import tokenizer_folder
from litebert.engine.opening import as_input, open_model
from litebert.errors import LitebertError, ModelError, UsageError
from litebert.exporting.agreement import batches
from litebert.exporting.export import export
from litebert.exporting.sample import inputs
from litebert.model.config import EncoderConfig, Ranks
from litebert.model.encoders.albert import Encoder
from litebert.model.model import Model
from litebert.run import save
from litebert.tasks.naming import named
from litebert.text.loading import load_tokenizer

LAYERS = 3
SMALL = EncoderConfig(
    vocabulary=load_tokenizer(tokenizer_folder()).size,
    embedding=16,
    hidden=32,
    heads=2,
    intermediate=64,
    attention=(0,) * LAYERS,
    feedforward=(0, 1, 0),
    positions=64,
    initial_std=0.2,
)
NAMES, TAGS = ("no", "perhaps", "yes"), ("O", "B-who", "I-who")
TASKS: dict[str, tuple[str, dict[str, Any]]] = {
    "classification": ("classification", {"labels": NAMES}),
    "multilabel": ("multilabel", {"labels": NAMES}),
    "regression": ("regression", {}),
    "entities": ("entities", {"labels": TAGS}),
    "crf": ("entities", {"labels": TAGS, "crf": True}),
    "tagging": ("tagging", {"labels": NAMES}),
    "question-answering": ("question-answering", {}),
    "conditional": ("question-answering", {"kind": "conditional", "unanswerable": True}),
    "choice": ("choice", {}),
    "similarity": ("similarity", {"encoder": "cross"}),
    "embedding": ("embedding", {}),
    "embedding-max": ("embedding", {"pooling": "max"}),
    "ranking": ("ranking", {}),
    "relations": ("relations", {"labels": NAMES}),
    "roles": ("roles", {"labels": TAGS}),
    "fill-mask": ("fill-mask", {}),
}
INT8_LOSS = 0.12
"""Of the scores' standard deviation, on average: what int8 may cost these random models."""


class Made:
    """Folders of random models, each made when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def model(self, name: str, config: EncoderConfig = SMALL) -> Path:
        place = self.folder / f"{name}-{config.hidden}-{config.factor}"
        if not place.exists():
            kind, options = TASKS[name]
            task = named(kind)(max_pieces=64, **options)
            torch.manual_seed(1)
            encoder, head = Encoder(config), task.head(config)
            for weight in head.parameters():
                torch.nn.init.normal_(weight, std=0.3)
            if meet := getattr(head, "meet", None):
                meet(encoder, load_tokenizer(tokenizer_folder()))
            save(place, Model(encoder, head), task, load_tokenizer(tokenizer_folder()))
        return place


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Inputs to compare by."""
    monkeypatch.setattr("litebert.exporting.sample.MOST", 6)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Made:
    torch.set_num_threads(1)
    return Made(tmp_path_factory.mktemp("models"))


def exported(models: Made, name: str, out: Path, to: str, precision: Any = "fp32") -> Any:
    return export(str(models.model(name)), out, to=to, precision=precision, task=TASKS[name][0])


@pytest.mark.parametrize("to", ["onnx", "openvino"])
def test_answers_come_without_torch(models: Made, to: str, tmp_path: Path) -> None:
    """Importing it would take longer than all else, from nothing to the first answer."""
    pytest.importorskip("onnxruntime" if to == "onnx" else to)
    exported(models, "classification", tmp_path / "out", to)
    (tmp_path / "in.jsonl").write_text('{"text": "fine", "second": "好"}\n' * 3, "utf-8")
    program = (
        "import sys; from litebert.cli import main; code = main(sys.argv[1:]);"
        "assert 'torch' not in sys.modules; sys.exit(code)"
    )
    for output in ("-", str(tmp_path / "out.jsonl")):
        flags = ["--model", str(tmp_path / "out"), "--input", str(tmp_path / "in.jsonl"), "--output", output]
        done = subprocess.run(
            [sys.executable, "-c", program, "predict", *flags], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    answers = (tmp_path / "out.jsonl").read_text("utf-8").splitlines()
    assert len(answers) == 3 and {json.loads(a)["label"] for a in answers} <= set(NAMES)


@pytest.mark.parametrize("name", TASKS)
def test_onnx_gives_every_tasks_scores(models: Made, name: str, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    found = exported(models, name, tmp_path / "out", "onnx").agreement
    assert found["difference"] < 1e-4
    assert found["changed"] == 0


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_blocks_that_were_made_smaller(models: Made, precision: str, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    smaller = replace(SMALL, hidden=40, block_heads=(1,), block_units=(20, 64), ranks=Ranks(8, 6, 9, 7))
    model = models.model("classification", smaller)
    found = export(str(model), tmp_path / "out", to="onnx", precision=precision)  # type: ignore[arg-type]
    assert found.agreement["difference"] < (1e-4 if precision == "fp32" else 0.5)


@pytest.mark.parametrize("name", ["classification", "conditional", "crf", "embedding-max", "fill-mask"])
def test_openvino_gives_the_scores(models: Made, name: str, tmp_path: Path) -> None:
    pytest.importorskip("openvino")
    found = exported(models, name, tmp_path / "out", "openvino").agreement
    assert found["difference"] < 1e-4
    assert found["changed"] == 0


@pytest.mark.parametrize("name", ["classification", "embedding-max"])
def test_openvino_in_bf16_loses_little(models: Made, name: str, tmp_path: Path) -> None:
    pytest.importorskip("openvino")
    exported(models, name, tmp_path / "fp32", "openvino")
    found = exported(models, name, tmp_path / "bf16", "openvino", "bf16").agreement
    assert 1e-4 < found["difference"] < 0.1  # less would not be bf16
    sizes = [(tmp_path / kind / "model.bin").stat().st_size for kind in ("bf16", "fp32")]
    assert sizes[0] < 0.55 * sizes[1]


@pytest.mark.parametrize("to", ["onnx", "openvino"])
@pytest.mark.parametrize("name", ["classification", "tagging", "embedding"])
def test_int8_loses_little_and_quantises_every_use(models: Made, name: str, to: str, tmp_path: Path) -> None:
    pytest.importorskip("openvino" if to == "openvino" else "onnxruntime")
    manifest = exported(models, name, tmp_path / "out", to, "int8")
    assert manifest.facts["int8_products"] >= 4 * LAYERS
    ours = open_model(str(models.model(name)), task=TASKS[name][0], precision="fp32")
    theirs = open_model(str(tmp_path / "out"))
    (score,) = manifest.outputs
    (batch, *_) = batches(ours, inputs(ours.task, None))
    wanted, found = ours.runner(batch)[score], theirs.runner(batch)[score]
    assert np.abs(wanted - found).mean() < INT8_LOSS * wanted.std()
    assert np.abs(wanted - found).max() > 0  # else nothing was quantised


def test_onnx_holds_each_shared_weight_once_and_quantises_all_its_uses(models: Made, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    exported(models, "classification", tmp_path / "out", "onnx", "int8")
    graph = onnx.load(tmp_path / "out" / "model.onnx").graph
    uses = Counter(node.input[1] for node in graph.node if node.op_type == "MatMulInteger")
    assert uses["attention.0.qkv.weight.int8"] == uses["attention.0.output.weight.int8"] == LAYERS
    assert (uses["feedforward.0.up.weight.int8"], uses["feedforward.1.up.weight.int8"]) == (2, 1)
    held = Counter(tensor.name for tensor in graph.initializer)
    assert set(held.values()) == {1}
    wide = [t.name for t in graph.initializer if len(t.dims) == 2 and t.data_type == onnx.TensorProto.FLOAT]
    assert sorted(wide) == ["head.output.weight", "positions", "segments"]


def test_onnx_files_are_valid_and_hold_nothing_but_the_model(models: Made, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    manifest = exported(models, "entities", tmp_path / "out", "onnx")
    model = onnx.load(tmp_path / "out" / "model.onnx")
    onnx.checker.check_model(model, full_check=True)
    assert [opset.version for opset in model.opset_import] == [manifest.facts["opset"]]
    assert not model.metadata_props and not model.graph.value_info and not model.doc_string
    assert not any(node.name or node.doc_string or node.metadata_props for node in model.graph.node)


@pytest.mark.parametrize(("to", "file"), [("onnx", "model.onnx"), ("openvino", "model.bin")])
@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_files_are_hardly_larger_than_the_weights(
    models: Made, to: str, file: str, precision: str, tmp_path: Path
) -> None:
    pytest.importorskip("openvino" if to == "openvino" else "onnxruntime")
    exported(models, "classification", tmp_path / "out", to, precision)
    weights = (models.model("classification") / "model.safetensors").stat().st_size
    size = (tmp_path / "out" / file).stat().st_size
    # Of so small a model the scales of the table's rows of 16 numbers are a quarter of the file.
    assert size <= (1.15 * weights if precision == "fp32" else 0.45 * weights)


def test_brightmarts_factor_and_the_tied_table_are_held_once(models: Made, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    from dataclasses import replace

    late = replace(SMALL, factor="late")
    for precision in ("fp32", "int8"):
        folder = models.model("fill-mask", late)
        found = export(str(folder), tmp_path / precision, to="onnx", precision=precision)  # type: ignore[arg-type]
        tables = [
            t
            for t in onnx.load(tmp_path / precision / "model.onnx").graph.initializer
            if SMALL.vocabulary in t.dims
        ]
        assert sorted(t.name for t in tables if len(t.dims) == 2) == [
            "words" if precision == "fp32" else "words.int8"
        ]
        assert found.agreement["difference"] < (1e-4 if precision == "fp32" else 2.0)


def test_an_exported_folder_is_a_model_like_any_other(models: Made, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    from litebert import predict

    out = tmp_path / "out"
    exported(models, "entities", out, "onnx")
    texts = [{"text": "the film was about a river"}, {"text": ""}, {"text": "电影说的是一条河 " * 60}]
    theirs = predict(texts, model=str(out))
    ours = predict(texts, model=str(models.model("entities")), precision="fp32")
    assert [getattr(one, "entities", None) for one in theirs] == [
        getattr(one, "entities", None) for one in ours
    ]
    with pytest.raises(UsageError, match="exported in fp32"):
        open_model(str(out), precision="bf16")
    with pytest.raises(ModelError, match="exported for the task entities"):
        open_model(str(out), task="classification")
    with pytest.raises(UsageError, match="exported already"):
        export(str(out), tmp_path / "again", to="onnx")


def test_what_cannot_be_is_said(models: Made, tmp_path: Path) -> None:
    folder = str(models.model("classification"))
    with pytest.raises(UsageError, match=r"no format is named 'onxx'; did you mean 'onnx'"):
        export(folder, tmp_path / "a", to="onxx")
    with pytest.raises(UsageError, match="onnx can be written in fp32, int8, not in bf16"):
        export(folder, tmp_path / "a", to="onnx", precision="bf16")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").touch()
    with pytest.raises(UsageError, match="is not empty"):
        export(folder, tmp_path / "full", to="onnx")
    (tmp_path / "file").touch()
    with pytest.raises(LitebertError) as caught:
        export(folder, tmp_path / "file" / "out", to="onnx")
    assert caught.value.code == "disk"
    with pytest.raises(LitebertError):
        export(folder, tmp_path / "b", to="onnx", sample=str(tmp_path / "none.jsonl"))
    assert not (tmp_path / "a").exists() and not (tmp_path / "b").exists()


def test_a_task_that_writes_is_refused_with_a_reason(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    task = named("generation")(max_pieces=64)
    tokenizer = load_tokenizer(tokenizer_folder())
    save(tmp_path / "model", Model(Encoder(SMALL), task.head(SMALL)), task, tokenizer)
    with pytest.raises(UsageError, match="piece by piece"):
        export(str(tmp_path / "model"), tmp_path / "out", to="onnx")


def test_a_missing_package_is_named(models: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from litebert.engine import exported as home

    monkeypatch.setattr(home, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"needs onnx and onnxruntime: pip install 'litebert\[onnx\]'"):
        export(str(models.model("classification")), tmp_path / "out", to="onnx")


def test_damaged_folders_are_model_errors(models: Made, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    exported(models, "classification", tmp_path / "out", "onnx")
    shutil.copytree(tmp_path / "out", tmp_path / "cut")
    data = (tmp_path / "out" / "model.onnx").read_bytes()
    (tmp_path / "cut" / "model.onnx").write_bytes(data[: len(data) // 2])
    with pytest.raises(ModelError, match="cannot open it"):
        open_model(str(tmp_path / "cut"))
    (tmp_path / "cut" / "model.onnx").unlink()
    with pytest.raises(ModelError, match="without its weights"):
        open_model(str(tmp_path / "cut"))
    raw = json.loads((tmp_path / "out" / "export.json").read_text())
    (tmp_path / "out" / "export.json").write_text(json.dumps({**raw, "precision": "int3"}))
    with pytest.raises(ModelError, match="precision"):
        open_model(str(tmp_path / "out"))


@pytest.mark.parametrize("name", ["classification", "entities", "fill-mask"])
def test_torch_in_bf16_loses_little(models: Made, name: str, tmp_path: Path) -> None:
    exported(models, name, tmp_path / "fp32", "torch")
    found = exported(models, name, tmp_path / "bf16", "torch", "bf16").agreement
    assert 1e-4 < found["difference"] < 0.1  # less would not be bf16
    sizes = [(tmp_path / kind / "model.pt2").stat().st_size for kind in ("bf16", "fp32")]
    assert sizes[0] < 0.8 * sizes[1]


@pytest.mark.parametrize("name", ["classification", pytest.param("fill-mask", marks=pytest.mark.slow)])
def test_torch_gives_the_scores(models: Made, name: str, tmp_path: Path) -> None:
    found = exported(models, name, tmp_path / "out", "torch").agreement
    assert found["difference"] < 1e-4
    assert found["changed"] == 0


@pytest.mark.slow
@pytest.mark.parametrize(("to", "file"), [("onnx", "model.onnx"), ("openvino", "model.bin")])
def test_albert_base_in_int8_is_of_13_megabytes(to: str, file: str, tmp_path: Path) -> None:
    pytest.importorskip("openvino" if to == "openvino" else "onnxruntime")
    config = EncoderConfig()
    from litebert.exporting import onnx, openvino
    from litebert.exporting.padded import padded_form
    from litebert.tasks.heads import Pooled

    padded = padded_form(Model(Encoder(config), Pooled(config, 2)))
    batch = (torch.ones(2, 16, dtype=torch.int64), torch.zeros(2, 16, dtype=torch.int64))
    form: Any = onnx if to == "onnx" else openvino
    facts = form.save(tmp_path, padded, "int8", [(*batch, torch.ones(2, 16, dtype=torch.int64))])
    assert facts["int8_products"] == 4 * 12 + 2
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 13_000_000
    assert (tmp_path / file).stat().st_size <= 1.15 * config.parameters


@pytest.mark.parametrize("name", ["classification", "multilabel", "regression"])
def test_the_pages_program_answers_without_litebert(models: Made, name: str, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    page = (Path(__file__).parents[2] / "docs" / "export.md").read_text("utf-8")
    program = page.split("<!-- file: answer.py -->\n```python\n")[1].split("```")[0]
    (tmp_path / "answer.py").write_text(program, "utf-8")
    assert "litebert" not in program and len(program.splitlines()) <= 40
    exported(models, name, tmp_path / "out", "onnx")
    text = "the film was about a river"
    done = subprocess.run(
        [sys.executable, "answer.py", "out", text], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    predictor = open_model(str(models.model(name)), precision="fp32")
    (answer,) = predictor([as_input(predictor.task, text)])
    if name == "multilabel":
        assert set(ast.literal_eval(done.stdout)) == {one.label for one in answer.labels}
    elif name == "regression":
        assert float(done.stdout) == pytest.approx(answer.score, abs=1e-4)
    else:
        label, probability = done.stdout.split()
        assert label == answer.label
        assert float(probability) == pytest.approx(answer.probability, abs=1e-4)
