"""Semantic roles."""

from __future__ import annotations

from litebert.data.source import Source, by_hash, from_file
from litebert.tasks.roles import RoleTask

TASK = RoleTask()

english = Source(
    TASK,
    by_hash(from_file("up_en_ewt/en_ewt-up-dev.conllu", TASK, {}, format="propositions")),
    "Universal Propositions, English: its dev alone (Akbik et al. 2015)",
)
chinese = Source(
    TASK,
    {
        **by_hash(from_file("up_zh/zh-up-dev.conllu", TASK, {}, format="propositions")),
        "test": from_file("up_zh/zh-up-test.conllu", TASK, {}, format="propositions"),
    },
    "Universal Propositions, traditional Chinese: its dev and its test (Akbik et al. 2015)",
)
