"""The sizes of an encoder and the order of its blocks: plain data, no torch.

Sharing is a list of integers. `attention` and `feedforward` name, for each application of a layer,
which block of weights it uses: `(0,) * 12` is ALBERT, `tuple(range(12))` is BERT,
`(0, 0, 0, 1, 1, 1)` is two groups, `(0, 1, 0, 1)` is one group of two inner layers applied twice.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass, replace
from typing import Literal

from litebert.errors import ModelError, nearest, short

Activation = Literal["gelu", "gelu_new", "relu"]
"""`gelu` is the erf form; `gelu_new` the tanh form, which Google's files call `gelu`."""
Order = tuple[int, ...]
Sharing = Literal["all", "attention", "ffn", "none"]


@dataclass(frozen=True)
class Ranks:
    """How many numbers pass between the two thin matrices that stand for one (`compression/rank.py`); 0 where
    it is whole. Queries, keys and values read the same states through one thin matrix."""

    qkv: int = 0
    output: int = 0
    up: int = 0
    down: int = 0


@dataclass(frozen=True, kw_only=True)
class EncoderConfig:
    """An ALBERT or BERT encoder (arXiv 1909.11942 §3; defaults: base v2)."""

    vocabulary: int = 30_000
    """How many pieces."""
    embedding: int = 128
    """E, the width of a piece's vector; the map E → H is there when it differs from `hidden`."""
    hidden: int = 768
    """H, the width of a layer."""
    heads: int = 12
    intermediate: int = 3072
    """I, the width inside the feed-forward net."""
    attention: Order = (0,) * 12
    """Which attention block each application uses."""
    feedforward: Order = (0,) * 12
    """Which feed-forward block each application uses."""
    activation: Activation = "gelu_new"
    positions: int = 512
    segments: int = 2
    hidden_dropout: float = 0.0
    attention_dropout: float = 0.0
    classifier_dropout: float = 0.1
    """Before a task's head, outside the encoder."""
    initial_std: float = 0.02
    """Of the truncated normal that kernels and tables start from."""
    norm_epsilon: float = 1e-12
    block_heads: Order = ()
    """How many heads each attention block has, where some were taken out (`compression/`): their width stays
    H / `heads`, so that together they are narrower than H. Empty: `heads` each."""
    block_units: Order = ()
    """How many units each feed-forward block has inside, where they differ. Empty: `intermediate` each."""
    ranks: Ranks = Ranks()
    factor: Literal["early", "late", "always"] = "early"
    """`early`: positions, segments and the norm live at E, then E → H with a bias (Google).
    `late`: the words alone go E → H, without a bias; the rest lives at H (brightmart).
    `always`: as `early`, and the map is there even where E = H (Hugging Face's ALBERT)."""
    family: Literal["albert", "bert", "lstm"] = "albert"
    """Under whose names the weights are saved; an `lstm` has layers of that kind, as many as `attention` is
    long, in place of blocks (`encoders/lstm.py`), and is saved under our own."""

    def __post_init__(self) -> None:
        if self.hidden % self.heads:
            raise ModelError(
                f"hidden ({self.hidden}) must be a multiple of heads ({self.heads}); "
                f"{self.hidden // self.heads * self.heads or self.heads} is the nearest"
            )
        if len(self.attention) != len(self.feedforward) or not self.attention:
            raise ModelError(
                f"attention and feedforward must name a block for each layer, at least one, "
                f"but are {len(self.attention)} and {len(self.feedforward)} long"
            )
        for name in ("attention", "feedforward"):
            order: Order = getattr(self, name)
            if sorted(set(order)) != list(range(max(order) + 1)) or min(order) < 0:
                raise ModelError(
                    f"{name} must number its blocks 0, 1, 2, … without a gap, but is {short(str(order))}"
                )
        sizes = ("vocabulary", "embedding", "hidden", "heads", "intermediate", "positions", "segments")
        for name in sizes:
            if getattr(self, name) < 1:
                raise ModelError(f"{name} must be at least 1, but is {getattr(self, name)}")
        self._check_blocks()
        if not self.initial_std > 0:
            raise ModelError(f"initial_std must be more than 0, but is {self.initial_std}")

    def _check_blocks(self) -> None:
        for name, order, most in (
            ("block_heads", self.attention, self.heads),
            ("block_units", self.feedforward, self.intermediate),
        ):
            counts: Order = getattr(self, name)
            if counts and (len(counts) != len(set(order)) or not all(1 <= n <= most for n in counts)):
                raise ModelError(
                    f"{name} must have a number from 1 to {most} for each of {len(set(order))} blocks, "
                    f"but is {short(str(counts))}"
                )
        if min(astuple(self.ranks)) < 0:
            raise ModelError(f"ranks must be 0 (whole) or more, but are {astuple(self.ranks)}")

    @property
    def layers(self) -> int:
        """How many times a layer is applied."""
        return len(self.attention)

    @property
    def head_size(self) -> int:
        return self.hidden // self.heads

    def heads_of(self, block: int) -> int:
        """How many heads an attention block has."""
        return self.block_heads[block] if self.block_heads else self.heads

    def units_of(self, block: int) -> int:
        """How many units a feed-forward block has inside."""
        return self.block_units[block] if self.block_units else self.intermediate

    @property
    def whole(self) -> EncoderConfig:
        """The same with every block as wide as in the published graph, and its matrices whole."""
        return replace(self, block_heads=(), block_units=(), ranks=Ranks())

    @property
    def factored(self) -> bool:
        """Whether there is a map E → H."""
        return self.embedding != self.hidden or self.factor == "always"

    @property
    def parameters(self) -> int:
        """How many numbers the encoder holds, pooler included (the paper's Table 1; no head)."""
        e, h = self.embedding, self.hidden
        width = h if self.factor == "late" else e
        embeddings = self.vocabulary * e + (self.positions + self.segments) * width + 2 * width
        bias = 0 if self.factor == "late" else h
        factor = e * h + bias if self.factored else 0
        if self.family == "lstm":
            return embeddings + factor + self.layers * (6 * h * h + 8 * h) + h * h + h
        blocks = sum(map(self._attention_parameters, set(self.attention)))
        blocks += sum(map(self._feedforward_parameters, set(self.feedforward)))
        return embeddings + factor + blocks + h * h + h

    def multiplications(self, layer: int, length: float = 0.0) -> float:
        """Of one piece in one application of a layer: of matrices, and in attention to `length` pieces."""
        if self.family == "lstm":
            return 6 * self.hidden**2
        attention, feedforward = self.attention[layer], self.feedforward[layer]
        matrices = self._attention_matrices(attention) + self._feedforward_matrices(feedforward)
        return matrices + 2 * self._width_of(attention) * length

    def _width_of(self, block: int) -> int:
        """Of all heads of an attention block together."""
        return self.heads_of(block) * self.head_size

    def _attention_matrices(self, block: int) -> int:
        h, width, ranks = self.hidden, self._width_of(block), self.ranks
        return _product(h, 3 * width, ranks.qkv) + _product(width, h, ranks.output)

    def _feedforward_matrices(self, block: int) -> int:
        h, units, ranks = self.hidden, self.units_of(block), self.ranks
        return _product(h, units, ranks.up) + _product(units, h, ranks.down)

    def _attention_parameters(self, block: int) -> int:
        return self._attention_matrices(block) + 3 * self._width_of(block) + 3 * self.hidden

    def _feedforward_parameters(self, block: int) -> int:
        return self._feedforward_matrices(block) + self.units_of(block) + 3 * self.hidden

    def shared(self, sharing: Sharing) -> EncoderConfig:
        """The same sizes under one of the paper's four sharing plans (Table 4)."""
        one, each = (0,) * self.layers, tuple(range(self.layers))
        plans: dict[str, tuple[Order, Order]] = {
            "all": (one, one),
            "attention": (one, each),
            "ffn": (each, one),
            "none": (each, each),
        }
        if sharing not in plans:
            raise ModelError(nearest(sharing, plans, "sharing plan"))
        attention, feedforward = plans[sharing]
        return replace(self, attention=attention, feedforward=feedforward)


def _product(inputs: int, outputs: int, rank: int) -> int:
    """How many numbers a matrix has, or the two thin ones that stand for it."""
    return rank * (inputs + outputs) if rank else inputs * outputs


def _sizes(hidden: int, layers: int, heads: int, **more: object) -> EncoderConfig:
    order = (0,) * layers
    return EncoderConfig(
        hidden=hidden,
        heads=heads,
        intermediate=4 * hidden,
        attention=order,
        feedforward=order,
        **more,  # type: ignore[arg-type]
    )


def _english(version: int) -> dict[str, EncoderConfig]:
    """v1 has dropout but for xxlarge; v2 has none (google-research/albert, README)."""
    rate = 0.1 if version == 1 else 0.0
    dropout = {"hidden_dropout": rate, "attention_dropout": rate}
    return {
        f"albert-base-v{version}": _sizes(768, 12, 12, **dropout),
        f"albert-large-v{version}": _sizes(1024, 24, 16, **dropout),
        f"albert-xlarge-v{version}": _sizes(2048, 24, 16, **dropout),
        f"albert-xxlarge-v{version}": _sizes(4096, 12, 64),
    }


_ZH = {"vocabulary": 21_128}

PUBLISHED: dict[str, EncoderConfig] = {
    **_english(1),
    **_english(2),
    # Google's Chinese models: ReLU from base up, and 16 heads in xxlarge.
    "albert-zh-tiny": _sizes(312, 4, 12, **_ZH),
    "albert-zh-small": _sizes(384, 6, 12, **_ZH),
    "albert-zh-base": _sizes(768, 12, 12, **_ZH, activation="relu"),
    "albert-zh-large": _sizes(1024, 24, 16, **_ZH, activation="relu"),
    "albert-zh-xlarge": _sizes(2048, 24, 16, **_ZH, activation="relu", initial_std=0.014),
    "albert-zh-xxlarge": _sizes(4096, 12, 16, **_ZH, activation="relu", initial_std=0.01),
    # brightmart's own graph, read from the checkpoints named albert_*_zh.
    "albert-zh-brightmart-tiny": _sizes(312, 4, 12, **_ZH, factor="late"),
    "albert-zh-brightmart-base": _sizes(768, 12, 12, **_ZH, factor="late"),
    "albert-zh-brightmart-large": _sizes(1024, 24, 16, **_ZH, factor="late"),
    "albert-zh-brightmart-xlarge": _sizes(2048, 24, 32, **_ZH, factor="late"),
    # BERT, as baseline and teacher (arXiv 1810.04805 §3).
    "bert-base-uncased": replace(
        _sizes(768, 12, 12, vocabulary=30_522, embedding=768, activation="gelu", family="bert"),
        hidden_dropout=0.1,
        attention_dropout=0.1,
    ).shared("none"),
    "bert-large-uncased": replace(
        _sizes(1024, 24, 16, vocabulary=30_522, embedding=1024, activation="gelu", family="bert"),
        hidden_dropout=0.1,
        attention_dropout=0.1,
    ).shared("none"),
    "bert-base-chinese": replace(
        _sizes(768, 12, 12, vocabulary=21_128, embedding=768, activation="gelu", family="bert"),
        hidden_dropout=0.1,
        attention_dropout=0.1,
    ).shared("none"),
}
"""The published configurations, by name (`litebert train --model config:NAME`)."""

OWN: dict[str, EncoderConfig] = {
    "lstm-tiny": EncoderConfig(
        vocabulary=25_400,
        embedding=128,
        hidden=384,
        heads=12,
        intermediate=1152,
        attention=(0, 1, 2),
        feedforward=(0, 1, 2),
        hidden_dropout=0.1,
        family="lstm",
    ),
}
"""Published nowhere: a recurrent baseline of about litebert-tiny's size."""

_GROUPED = "its feed-forward nets are cut into 16 parts (brightmart/albert_zh, modeling_google_fast.py)"
OTHER_GRAPHS = {
    "albert-zh-tiny-fast": _GROUPED,
    "albert-zh-base-fast": _GROUPED,
    "albert-zh-brightmart-xxlarge": "its norms stand before each part of a layer, not after (pre-LN)",
}
"""Published as well, but with blocks that litebert does not have."""


def published(name: str) -> EncoderConfig:
    """The published configuration of that name. Raises `ModelError` for another, and for `OTHER_GRAPHS`.

    >>> published("albert-base-v2").parameters
    11683584
    """
    if name in OTHER_GRAPHS:
        raise ModelError(f"litebert has no blocks for {name}: {OTHER_GRAPHS[name]}")
    known = PUBLISHED | OWN
    if name not in known:
        raise ModelError(nearest(name, known, "published configuration"))
    return known[name]
