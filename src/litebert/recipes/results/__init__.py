"""The page of results, `docs/results.md`, by one command:

    LITEBERT_DATA=… python -m litebert.recipes.results OUT --page docs/results.md

Each row is a task on a public set: litebert-tiny is trained and judged on the set's development split, the
baselines on the same split in the same run. Given again it goes on where it was stopped; what is there is not
made again. `--only` chooses rows, `--minutes` ends after so long, `--recurrent` trains the LSTM, too. The
page keeps what it holds of rows that OUT has no finished run of.
"""
