"""The same outputs as transformers, fp32 within 1e-5, from its files and from ours."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from reference import LENGTHS, checkpoint, encoder, encodings, far, lively, padded, small
from torch import Tensor, nn

from litebert.errors import ModelError
from litebert.model.checkpoints.checkpoint import Checkpoint
from litebert.model.checkpoints.huggingface_names import family_of
from litebert.model.checkpoints.loading import open_checkpoint, write_folder
from litebert.model.config import OTHER_GRAPHS, PUBLISHED, EncoderConfig, published
from litebert.model.encoders.albert import Encoder
from litebert.model.hidden import Hidden
from litebert.model.packing import pack
from litebert.model.pretraining_heads import MaskedLanguage, SentenceOrder
from litebert.tasks.heads import Choice, Pooled, Span, Tokens

transformers = pytest.importorskip("transformers")
pytestmark = pytest.mark.filterwarnings("ignore")
transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()

NEAR = 1e-5
SIZES = {
    "vocab_size": 60,
    "hidden_size": 24,
    "num_hidden_layers": 4,
    "num_attention_heads": 3,
    "intermediate_size": 40,
    "max_position_embeddings": 80,
}
CHOICES = 2


def theirs(cls: str, **keys: Any) -> Any:
    """A model of transformers' with lively weights."""
    albert = cls.startswith("Albert")
    config = transformers.AlbertConfig if albert else transformers.BertConfig
    sizes = {**SIZES, "embedding_size": 16} if albert else SIZES
    model = getattr(transformers, cls)(config(**{**sizes, "attn_implementation": "eager", **keys}))
    lively(model)
    with torch.no_grad():  # whatever the lookup of the padding piece is, it is a row like any other
        model.tie_weights()
    return model.eval()


def states(hf: Any) -> tuple[Tensor, Tensor | None]:
    """Of a bare model, on the batch of `LENGTHS`: the pieces' states [N, H], the pooled ones [B, H]."""
    batch = padded(encodings())
    with torch.no_grad():
        out = hf(**batch)
    return out.last_hidden_state[batch["attention_mask"].bool()], out.pooler_output


def ours(checkpoint: Checkpoint) -> Hidden:
    with torch.no_grad():
        return checkpoint.build().eval()(pack(encodings()))


def reread(cls: str, folder: Path) -> Any:
    """What transformers makes of a folder of ours, which it must find whole."""
    model, info = getattr(transformers, cls).from_pretrained(
        folder, output_loading_info=True, attn_implementation="eager"
    )
    assert not any(info[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys")), info
    return model.eval()


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"num_hidden_groups": 2},
        {"num_hidden_groups": 3},
        {"num_hidden_groups": 4},
        {"inner_group_num": 2, "num_hidden_layers": 3, "num_hidden_groups": 2},
        {"embedding_size": 24},
        {"hidden_act": "gelu"},
        {"hidden_act": "relu"},
        {"hidden_act": "gelu_pytorch_tanh"},
        {"layer_norm_eps": 1e-3, "type_vocab_size": 3},
        {"attn_implementation": "sdpa"},
    ],
    ids=str,
)
def test_albert_model(keys: dict[str, Any], tmp_path: Path) -> None:
    hf = theirs("AlbertModel", **keys)
    hf.save_pretrained(tmp_path / "theirs")
    found = open_checkpoint(tmp_path / "theirs")
    assert str(found.report) == ""
    assert _same(hf, found)
    write_folder(tmp_path / "ours", found)
    back = reread("AlbertModel", tmp_path / "ours")
    assert all(torch.equal(t, back.state_dict()[name]) for name, t in hf.state_dict().items())


@pytest.mark.parametrize("keys", [{}, {"hidden_act": "gelu_new"}, {"hidden_act": "relu"}], ids=str)
def test_bert_model(keys: dict[str, Any], tmp_path: Path) -> None:
    hf = theirs("BertModel", **keys)
    hf.save_pretrained(tmp_path / "theirs")
    found = open_checkpoint(tmp_path / "theirs")
    assert str(found.report) == ""
    assert found.config.attention == (0, 1, 2, 3)
    assert _same(hf, found)
    write_folder(tmp_path / "ours", found)
    assert _same(reread("BertModel", tmp_path / "ours"), found)


ORDERS = {
    "all": {},
    "attention only": {"feedforward": (0, 1, 2, 3)},
    "feed-forward only": {"attention": (0, 1, 2, 3)},
    "none": {"attention": (0, 1, 2, 3), "feedforward": (0, 1, 2, 3)},
    "two groups": {"attention": (0, 0, 1, 1), "feedforward": (0, 0, 1, 1)},
    "inner": {"attention": (0, 1, 0, 1), "feedforward": (0, 1, 0, 1)},
    "any": {"attention": (1, 0, 0, 1), "feedforward": (0, 2, 1, 0)},
    "seven": {"attention": (0, 1, 0, 2, 0, 1, 0), "feedforward": (0, 0, 1, 0, 0, 1, 1)},
    "no map": {"embedding": 24},
    "square map": {"embedding": 24, "factor": "always"},
    "late": {"factor": "late"},
    "late, none shared": {"factor": "late", "attention": (0, 1, 2, 3), "feedforward": (0, 1, 2, 3)},
    "bert": {"family": "bert", "embedding": 24, "attention": (0, 1, 2, 3), "feedforward": (0, 1, 2, 3)},
    "bert, shared": {"family": "bert", "embedding": 24, "feedforward": (0, 1, 0, 1)},
    "bert, factored": {"family": "bert"},
    "bert, late": {"family": "bert", "factor": "late"},
}


@pytest.mark.parametrize("changes", ORDERS.values(), ids=ORDERS)
def test_any_plan_runs_in_transformers_and_comes_back_shared(changes: dict[str, Any], tmp_path: Path) -> None:
    given = checkpoint(small(**changes))
    write_folder(tmp_path, given)
    cls = "BertModel" if family_of(given.config) == "bert" else "AlbertModel"
    assert _same(reread(cls, tmp_path), given)
    back = open_checkpoint(tmp_path)
    assert back.config == given.config
    assert back.encoder.keys() == given.encoder.keys()
    assert all(torch.equal(tensor, given.encoder[name]) for name, tensor in back.encoder.items())
    assert str(back.report) == ""


def test_late_factor_of_no_width_is_none(tmp_path: Path) -> None:
    given = checkpoint(small(factor="late", embedding=24))
    write_folder(tmp_path, given)
    assert _same(reread("AlbertModel", tmp_path), given)
    back = open_checkpoint(tmp_path)
    assert back.config == replace(given.config, factor="early")
    assert far(ours(back).first, ours(given).first) == 0


def _same(hf: Any, found: Checkpoint) -> bool:
    pieces, pooled = states(hf)
    hidden = ours(found)
    assert hidden.pieces is not None
    return far(pieces, hidden.pieces) < NEAR and (pooled is None or far(pooled, hidden.pooled) < NEAR)


HEADS = (
    "ForSequenceClassification",
    "ForTokenClassification",
    "ForQuestionAnswering",
    "ForMultipleChoice",
    "ForMaskedLM",
    "ForPreTraining",
)
CLASSES = [family + head for family in ("Albert", "Bert") for head in HEADS]


@pytest.mark.parametrize("cls", CLASSES)
def test_heads_from_their_files(cls: str, tmp_path: Path) -> None:
    hf = theirs(
        cls, **({"num_labels": 5} if cls.endswith(("SequenceClassification", "TokenClassification")) else {})
    )
    hf.save_pretrained(tmp_path / "theirs")
    found = open_checkpoint(tmp_path / "theirs")
    assert cls.endswith(found.architecture)
    assert not found.report.unexpected and not found.report.notes
    assert all("pooler" in name for name in found.report.missing)
    assert _agree(hf, scores(found))
    write_folder(tmp_path / "ours", found)
    assert _agree(reread(cls, tmp_path / "ours"), scores(found))


@pytest.mark.parametrize("factor", ["early", "late"])
@pytest.mark.parametrize("cls", CLASSES)
def test_heads_from_our_files(cls: str, factor: str, tmp_path: Path) -> None:
    family = cls.partition("For")[0].lower()
    config = small(factor=factor, family=family, feedforward=(0, 1, 0, 2))
    if (family, factor) == ("bert", "early"):
        config = replace(config, embedding=24)
    architecture = cls.removeprefix(cls.partition("For")[0])
    labels = (
        ("spring", "夏", "autumn")
        if architecture in ("ForSequenceClassification", "ForTokenClassification")
        else ()
    )
    given = checkpoint(
        config, heads=new_heads(config, architecture), architecture=architecture, labels=labels
    )
    write_folder(tmp_path, given)
    hf = reread(cls, tmp_path)
    assert _agree(hf, scores(given))
    if labels:
        assert tuple(hf.config.id2label[i] for i in range(3)) == labels
    back = open_checkpoint(tmp_path)
    assert (back.labels, back.architecture, back.config) == (labels, architecture, config)
    assert all(torch.equal(tensor, given.heads[name]) for name, tensor in back.heads.items())
    assert back.heads.keys() == given.heads.keys()


def new_heads(config: EncoderConfig, architecture: str) -> dict[str, Tensor]:
    return {
        f"{name}.{key.removeprefix('output.')}": tensor
        for name, head in modules(config, architecture, 3).items()
        for key, tensor in lively(head, seed=1).state_dict().items()
    }


def modules(config: EncoderConfig, architecture: str, outputs: int) -> dict[str, nn.Module]:
    if architecture == "ForSequenceClassification":
        return {"classifier": Pooled(config, outputs)}
    if architecture == "ForMultipleChoice":
        return {"classifier": Choice(config)}
    if architecture == "ForTokenClassification":
        return {"classifier": Tokens(config, outputs)}
    if architecture == "ForQuestionAnswering":
        return {"span": Span(config)}
    masked = {"masked": MaskedLanguage(config)}
    return masked if architecture == "ForMaskedLM" else {**masked, "order": SentenceOrder(config)}


def scores(given: Checkpoint) -> dict[str, Tensor]:
    """Our heads' scores on the batch of `LENGTHS`, all under one name each."""
    body = given.build().eval()
    rows = given.heads.get("classifier.bias", torch.zeros(1)).shape[0]
    with torch.no_grad():
        hidden = body(pack(encodings()))
        out: dict[str, Tensor] = {}
        for name, head in modules(given.config, given.architecture, rows).items():
            weights = given.head(name)
            plain = isinstance(head, MaskedLanguage)
            head.load_state_dict(weights if plain else {f"output.{k}": t for k, t in weights.items()})
            if isinstance(head, MaskedLanguage):
                head.tied_to(body.embeddings)
            out |= head.eval()(hidden)
    return out


def _agree(hf: Any, found: dict[str, Tensor]) -> bool:
    batch = padded(encodings())
    real = batch["attention_mask"].bool()
    if type(hf).__name__.endswith("MultipleChoice"):
        batch = {name: t.view(len(LENGTHS) // CHOICES, CHOICES, -1) for name, t in batch.items()}
    with torch.no_grad():
        out = hf(**batch)
    wanted = {
        "logits": out.get("logits"),
        "start": out.get("start_logits"),
        "end": out.get("end_logits"),
        "vocabulary": out.get("prediction_logits", out.get("logits")),
        "order": out.get("sop_logits", out.get("seq_relationship_logits")),
    }
    return all(far(_rows(wanted[name], real, tensor), tensor) < NEAR for name, tensor in found.items())


def _rows(theirs: Tensor, real: Tensor, ours: Tensor) -> Tensor:
    """Their scores in the shape of ours: one row for each sequence, or each piece that is there."""
    if theirs.shape[:2] == real.shape:
        return theirs[real]
    return theirs.reshape(ours.shape)


def test_masked_language_only_where_asked() -> None:
    config = small()
    body, head = encoder(config), MaskedLanguage(config).eval()
    lively(head)
    head.tied_to(body.embeddings)
    at = torch.tensor([5, 0, 71, 100])
    with torch.no_grad():
        hidden = body(pack(encodings()))
        assert far(head(hidden)["vocabulary"][at], head(hidden, at)["vocabulary"]) < 1e-6


def test_masked_language_trains_the_word_table_and_the_factor() -> None:
    """Against the same thing written with plain products."""
    for config in (small(), small(factor="late"), small(embedding=24)):
        body, head = encoder(config), MaskedLanguage(config)
        lively(head)
        hidden = body(pack(encodings()))
        loss = head.tied_to(body.embeddings)(hidden)["vocabulary"].pow(2).mean()
        got = torch.autograd.grad(loss, [body.embeddings.words.weight, head.dense.weight, head.bias])
        again = body(pack(encodings()))
        x = nn.functional.linear(again.pieces, head.dense.weight, head.dense.bias)
        x = head.norm(nn.functional.gelu(x, approximate="tanh"))
        if config.factor == "late":
            x = x @ body.embeddings.factor.weight
        plain = (x @ body.embeddings.words.weight.T + head.bias).pow(2).mean()
        wanted = torch.autograd.grad(plain, [body.embeddings.words.weight, head.dense.weight, head.bias])
        assert all(far(a, b) < 1e-5 * float(b.abs().max()) + 1e-7 for a, b in zip(got, wanted, strict=True))


def test_masked_language_says_what_it_lacks() -> None:
    body, head = encoder(small()), MaskedLanguage(small())
    with pytest.raises(RuntimeError, match="tied_to"):
        head(body(pack(encodings())))
    with pytest.raises(TypeError, match="every piece"):
        head.tied_to(body.embeddings)(body(pack(encodings()), "first"))
    assert not any("word" in name for name, _ in head.named_parameters())


TABLE = {
    "albert-base-v2": 11_683_584,
    "albert-large-v2": 17_683_968,
    "albert-xlarge-v2": 58_724_864,
    "albert-xxlarge-v2": 222_595_584,
    "albert-base-v1": 11_683_584,
    "albert-xxlarge-v1": 222_595_584,
    "albert-zh-tiny": 4_080_520,
    "albert-zh-small": 4_742_272,
    "albert-zh-base": 10_547_968,
    "albert-zh-large": 16_548_352,
    "albert-zh-xlarge": 57_589_248,
    "albert-zh-xxlarge": 221_459_968,
    "bert-base-uncased": 109_482_240,
    "bert-large-uncased": 335_141_888,
}
"""albert.md §1.2, computed there from the paper's formula; BERT's as transformers publishes them."""


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_sizes(name: str) -> None:
    config = PUBLISHED[name]
    with torch.device("meta"):
        assert config.parameters == sum(p.numel() for p in Encoder(config).parameters())
    if name in TABLE:
        assert config.parameters == TABLE[name]


@pytest.mark.parametrize("name", OTHER_GRAPHS)
def test_what_has_other_blocks_is_refused_by_name(name: str) -> None:
    with pytest.raises(ModelError, match=f"no blocks for {name}: its (feed-forward nets|norms)"):
        published(name)


@pytest.mark.parametrize("name", [name for name, config in PUBLISHED.items() if config.factor == "early"])
def test_published_sizes_are_those_of_transformers(name: str) -> None:
    from litebert.model.checkpoints.huggingface_config import config_from_huggingface, config_to_huggingface

    config = PUBLISHED[name]
    raw = config_to_huggingface(config)
    assert config_from_huggingface(raw) == config
    cls = transformers.AlbertConfig if config.family == "albert" else transformers.BertConfig
    with torch.device("meta"):
        model = transformers.AutoModel.from_config(cls(**raw))
    assert sum(p.numel() for p in model.parameters()) == config.parameters
