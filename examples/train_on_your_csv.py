"""Train a classifier on a CSV of your own, and see how good it is and where it is wrong.

    python examples/train_on_your_csv.py [FILE.csv] [FOLDER]

The CSV has a column of texts and a column of labels. The messages beside this script stand in for yours;
they are so few that what is learnt from them is little.
"""

import json
import sys
from pathlib import Path

import litebert

HERE = Path(__file__).parent


def main(file: str = str(HERE / "messages.csv"), folder: str = "runs/mine") -> None:
    results = litebert.train(task="classification", train=file, out=folder, epochs=3)
    dev = results["dev"]
    low, high = dev["intervals"]["accuracy"]
    print(
        f"accuracy {dev['accuracy']:.2f} (95 %: {low:.2f} to {high:.2f}) on {dev['examples']} texts held out"
    )

    mistakes = (Path(folder) / "mistakes.jsonl").read_text("utf-8").splitlines()
    for mistake in map(json.loads, mistakes[:3]):
        print(f"  {mistake['given']['text']}")
        print(f"    is {mistake['wanted']['label']}, was taken for {mistake['answered']['label']}")


if __name__ == "__main__":
    main(*sys.argv[1:])
