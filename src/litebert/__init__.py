"""litebert: ALBERT, whole and working, in Chinese and English, on the machine you have.

    import litebert

    litebert.train(task="classification", train="reviews.both", out="runs/reviews")
    model = litebert.load("runs/reviews")
    model(["It broke on the second day.", "比想象的还要好"])

The names below are imported when they are first used, so that `import litebert` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

__all__ = [
    "LitebertError",
    "ask",
    "bench",
    "check_data",
    "compress",
    "convert",
    "corpus",
    "distill",
    "evaluate",
    "export",
    "index",
    "load",
    "predict",
    "pretrain",
    "recommend",
    "search",
    "train",
    "train_tokenizer",
    "tune",
]

_HOMES = {
    "LitebertError": "litebert.errors",
    "ask": "litebert.verbs.ask",
    "check_data": "litebert.verbs.data",
    "bench": "litebert.verbs.bench",
    "compress": "litebert.verbs.compress",
    "convert": "litebert.verbs.convert",
    "corpus": "litebert.verbs.corpus",
    "distill": "litebert.verbs.distill",
    "evaluate": "litebert.verbs.evaluate",
    "export": "litebert.verbs.export",
    "index": "litebert.verbs.index",
    "load": "litebert.engine.opening",
    "predict": "litebert.verbs.predict",
    "pretrain": "litebert.verbs.pretrain",
    "recommend": "litebert.verbs.recommend",
    "search": "litebert.verbs.search",
    "train": "litebert.verbs.train",
    "train_tokenizer": "litebert.verbs.vocabulary",
    "tune": "litebert.verbs.tune",
}

if TYPE_CHECKING:
    from litebert.engine.opening import load
    from litebert.errors import LitebertError
    from litebert.verbs.ask import ask
    from litebert.verbs.bench import bench
    from litebert.verbs.compress import compress
    from litebert.verbs.convert import convert
    from litebert.verbs.corpus import corpus
    from litebert.verbs.data import check_data
    from litebert.verbs.distill import distill
    from litebert.verbs.evaluate import evaluate
    from litebert.verbs.export import export
    from litebert.verbs.index import index
    from litebert.verbs.predict import predict
    from litebert.verbs.pretrain import pretrain
    from litebert.verbs.recommend import recommend
    from litebert.verbs.search import search
    from litebert.verbs.train import train
    from litebert.verbs.tune import tune
    from litebert.verbs.vocabulary import train_tokenizer


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'litebert' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
