"""Convert a run, open it with Hugging Face's `transformers`, and compare the two's answers.

pip install transformers
python examples/open_with_transformers.py [FOLDER] [NEW_FOLDER]
"""

import sys

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

import litebert

TEXTS = ["The parcel has not come.", "包裹还没到"]


def main(folder: str = "runs/messages", converted: str = "messages-for-transformers") -> None:
    litebert.convert(folder, converted, to="huggingface")
    tokenizer = AutoTokenizer.from_pretrained(converted)
    theirs = AutoModelForSequenceClassification.from_pretrained(converted).eval()
    ours = litebert.load(folder, precision="fp32")

    with torch.inference_mode():
        scores = theirs(**tokenizer(TEXTS, padding=True, return_tensors="pt")).logits.softmax(-1)
    for text, answer, row in zip(TEXTS, ours(TEXTS), scores, strict=True):
        label = theirs.config.id2label[int(row.argmax())]
        print(
            f"{text}: litebert {answer.label} {answer.probability:.5f}, transformers {label} {row.max():.5f}"
        )
        if label != answer.label or abs(answer.probability - float(row.max())) > 1e-4:
            raise SystemExit("the two do not agree")


if __name__ == "__main__":
    main(*sys.argv[1:])
