"""`litebert demo`: the whole road on the example reviews, in some minutes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from litebert.verbs.stopping import going_on_later
from litebert.verbs.telling import Progress

TRAIN, TEST = "reviews.both:train", "reviews.both:test"
SENTENCES = ("The handle came off in my hand, and nobody answers.", "比我想象的好，会再来的")

NEXT = """
Next:
  echo '{{"text": "物流太慢了"}}' | litebert predict --model {out}
  litebert train --task classification --train YOUR.csv --out runs/mine
  look at {out}/README.md, curves.png and mistakes.jsonl"""


@dataclass(frozen=True, kw_only=True)
class Demo:
    """Train a classifier on the example reviews, judge it on held-out ones, and answer two sentences.

    Chinese and English, from the embedded model; a TF-IDF baseline stands beside it. Some minutes.

    Example: litebert demo
    """

    out: Path = Path("runs/demo")
    """The run's folder; the same command goes on with it."""
    model: str | None = None
    """What to train, as for `litebert train`; left out, the embedded model."""
    epochs: float | None = None
    """How often to go through the training reviews; left out, by the preset."""
    progress: Progress = "auto"
    """How to show what happens."""

    def run(self) -> dict[str, Any]:
        """Accuracy on the test reviews, of the model and of the baseline, and the answers."""
        from litebert.data.examples import read
        from litebert.engine.opening import open_model
        from litebert.evaluation.baseline import judge
        from litebert.evaluation.evaluate import evaluate
        from litebert.training.settings import TrainSettings
        from litebert.verbs.train import Train

        settings = TrainSettings(epochs=self.epochs)
        Train(train=TRAIN, out=self.out, model=self.model, settings=settings, progress=self.progress).run()
        predictor = open_model(str(self.out))
        test = read(TEST, predictor.task)
        evaluation = evaluate(predictor, test.rows)
        answers = predictor(map(predictor.task.Input, SENTENCES))
        train = read(TRAIN, predictor.task)
        tfidf = judge("tfidf", predictor.task, train.rows, test.rows, intervals=False)
        return {
            "accuracy": evaluation.metrics["accuracy"],
            "interval": list(evaluation.intervals["accuracy"]),
            "tfidf_accuracy": tfidf.metrics["accuracy"],
            "answers": dict(zip(SENTENCES, map(asdict, answers), strict=True)),
        }

    def main(self) -> int:
        with going_on_later():
            found = self.run()
        low, high = found["interval"]
        print(f"\nAccuracy on the test reviews: {found['accuracy']:.3f} (95 %: {low:.3f} to {high:.3f})")
        print(f"TF-IDF and a linear model:    {found['tfidf_accuracy']:.3f}")
        for text, answer in found["answers"].items():
            print(f"  {text}  →  {answer['label']} ({answer['probability']:.2f})")
        print(NEXT.format(out=self.out))
        return 0
