"""Load a trained model and ask it: texts, a pair, and one that cannot be answered.

python examples/load_and_ask.py [FOLDER]
"""

import sys

import litebert

TEXTS = [
    "Your driver left the box in the rain.",
    "退款怎么还没到账？",
    {"text": "It will not switch on.", "second": "I have tried two sockets."},
    "half a character: \ud83d",
]


def main(folder: str = "runs/messages") -> None:
    model = litebert.load(folder)
    best = model(["The parcel has not come."])[0]
    print(f"{best.label}, {best.probability:.0%} sure")

    # `model` raises for what cannot be answered; `predict` leaves the error in its place.
    for text, answer in zip(TEXTS, litebert.predict(TEXTS, model=folder), strict=True):
        shown = answer.code if isinstance(answer, litebert.LitebertError) else answer.label
        print(f"{text!r:<60} {shown}")


if __name__ == "__main__":
    main(*sys.argv[1:])
