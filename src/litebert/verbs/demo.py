"""`litebert demo`: the whole road on the example reviews, in some minutes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

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
    epochs: float | None = None
    """How often to go through the training reviews; left out, by the preset."""
    progress: Literal["auto", "bar", "plain", "json", "silent"] = "auto"
    """How to show what happens."""

    def run(self) -> dict[str, Any]:
        """Accuracy on the test reviews, of the model and of the baseline, and the answers."""
        from litebert.data.examples import read
        from litebert.engine.opening import open_model
        from litebert.evaluation.baseline import tfidf_accuracy
        from litebert.evaluation.evaluate import evaluate
        from litebert.training.settings import TrainSettings
        from litebert.verbs.train import Train

        settings = TrainSettings(epochs=self.epochs)
        Train(train="reviews.both:train", out=self.out, settings=settings, progress=self.progress).run()
        predictor = open_model(str(self.out))
        test = read("reviews.both:test", predictor.task)
        evaluation = evaluate(predictor, test.rows)
        return {
            "accuracy": evaluation.metrics["accuracy"],
            "interval": list(evaluation.intervals["accuracy"]),
            "tfidf_accuracy": tfidf_accuracy(read("reviews.both:train", predictor.task).rows, test.rows),
            "answers": {
                text: {"label": answer.label, "probability": answer.probability}
                for text, answer in zip(
                    SENTENCES, predictor(map(predictor.task.Input, SENTENCES)), strict=True
                )
            },
        }

    def main(self) -> int:
        found = self.run()
        low, high = found["interval"]
        print(f"\nAccuracy on the test reviews: {found['accuracy']:.3f} (95 %: {low:.3f} to {high:.3f})")
        print(f"TF-IDF and a linear model:    {found['tfidf_accuracy']:.3f}")
        for text, answer in found["answers"].items():
            print(f"  {text}  →  {answer['label']} ({answer['probability']:.2f})")
        print(NEXT.format(out=self.out))
        return 0
