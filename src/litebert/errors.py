"""What litebert says when it cannot go on: what was given, where, what was expected, what to do.

Every error that a person can cause is one of these; anything else that escapes is a fault of ours.
The exit codes are those of the command line (`docs/errors.md`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError

NAME = "NAME"
"""Stands for one that a person is to fill in."""
_NAME = 80
"""Characters of a name that a message shows: more is no name that a person gave."""
_LISTED = 100
_SEARCHED = 1000
"""How many names a message lists, and how many are searched for the nearest."""


_MEANT = {
    "huggingface": "hf transformers pytorch safetensors",
    "tensorflow": "tf tf1 ckpt google",
    "onnx": "onnxruntime ort",
    "torch": "pytorch torchscript pt",
    "openvino": "ov",
    "fp32": "float float32 32 full",
    "bf16": "bfloat16 float16 fp16 16 half",
    "int8": "8 8bit quantized quantised q8",
    "adamw": "adam",
    "classification": "classify classifier sentiment nli topic 分类 文本分类 情感分析",
    "multilabel": "multi-label 多标签 多标签分类",
    "regression": "score rating 回归 打分",
    "entities": "ner named-entities entity 实体 实体识别 命名实体识别",
    "tagging": "pos token-classification chunking 词性标注 序列标注 分词",
    "roles": "srl semantic-roles 语义角色标注",
    "relations": "re relation-extraction 关系抽取",
    "similarity": "sts pairs paraphrase 相似度 文本相似度 语义匹配",
    "ranking": "rerank reranking retrieval 排序 检索",
    "question-answering": "qa squad mrc reading-comprehension 问答 阅读理解",
    "choice": "multiple-choice mcq race 选择 多项选择",
    "embedding": "embed embeddings vector vectors 向量 句向量",
    "fill-mask": "mlm masked mask cloze 完形填空",
    "translation": "translate mt nmt 翻译",
    "summarisation": "summarization summary summarize abstractive 摘要 文本摘要",
    "extraction": "extractive extract 抽取式摘要",
    "generation": "lm generate text-generation 生成 文本生成",
    "code": "codegen program 代码",
}
"""What the same is called elsewhere, for the hint of a name that is not known here."""


class LitebertError(Exception):
    """Something asked of litebert cannot be done.

    `code` is a stable word for programs (it stands in `{"error": {"code", "message"}}`);
    `exit_code` is what the command line ends with.
    """

    code = "failed"
    exit_code = 1

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code


class UsageError(LitebertError):
    """A flag, a name or a setting is wrong: mend the command."""

    code = "usage"
    exit_code = 2


class DataError(LitebertError):
    """A data file is wrong at a place that the message names: mend the file."""

    code = "data"
    exit_code = 3

    def __init__(
        self,
        message: str,
        *,
        path: str | Path | None = None,
        line: int | None = None,
        column: int | None = None,
        code: str | None = None,
    ) -> None:
        self.path, self.line, self.column = path, line, column
        place = ":".join(str(part) for part in (path, line, column) if part is not None)
        super().__init__(f"{place}: {message}" if place else message, code=code)


HAVE_FLAGS = ("text", "second", "question", "passage", "options", "label")
"""The fields whose column has a flag of its own, as `verbs.columns` has them."""


class ColumnError(DataError):
    """A field's column must be named; how, depends on where the file was named.

    told: what is wrong, up to how to mend it, and what follows on that. naming: field, as a person calls it →
    its column.
    """

    def __init__(self, told: tuple[str, str], naming: Mapping[str, str], *, path: str | Path) -> None:
        self.told, self.naming = told, dict(naming)
        own = [f"--{field}-column {_bare(column)}" for field, column in naming.items() if field in HAVE_FLAGS]
        others = [f"{field}={_bare(column)}" for field, column in naming.items() if field not in HAVE_FLAGS]
        flags = [*own, *(["--column", *others] if others else [])]
        super().__init__(" ".join(flags).join(told), path=path, line=1)

    def in_table(self) -> str:
        """The same, with the key of a TOML table in place of flags."""
        pairs = (f"{field} = {dumps(column, ensure_ascii=False)}" for field, column in self.naming.items())
        key = "columns = {" + ", ".join(pairs) + "}"
        return f"{self.path}:{self.line}: {key.join(self.told)}"


class InputError(LitebertError):
    """One Input cannot be answered; the others can. Becomes that row's `{"error": …}`."""

    code = "input"
    exit_code = 3


class ModelError(LitebertError):
    """A model, checkpoint or run folder is missing, damaged or of another kind."""

    code = "model"
    exit_code = 4


def _bare(column: str) -> str:
    """In quotation marks, unless it is a number or stands for a name."""
    return column if column.isdecimal() or column == NAME else repr(column)


def nearest(given: str, known: Iterable[str], kind: str) -> str:
    """The sentence for a name that is not known: the nearest one, and all that there are.

    >>> nearest("entites", ["choice", "entities"], "task")
    "no task is named 'entites'; did you mean 'entities'? Known: choice, entities"
    """
    names = sorted(known)
    meant = [name for name in names if given.casefold() in _MEANT.get(name, "").split()]
    close = meant or get_close_matches(given[:_NAME], [name[:_NAME] for name in names[:_SEARCHED]], n=1)
    hint = f"; did you mean {close[0]!r}?" if close else "."
    return f"no {kind} is named {short(given)!r}{hint} Known: {listed(names)}"


def listed(names: Sequence[str]) -> str:
    """Names with commas between them: of very many the first, of a very long one its beginning."""
    more = [f"… ({len(names):,} in all)"] if len(names) > _LISTED else []
    return ", ".join([*map(short, names[:_LISTED]), *more])


def short(name: str) -> str:
    """A name, or the beginning of a very long one."""
    return name if len(name) <= _NAME else f"{name[:_NAME]}…"


def first_fault(error: ValidationError) -> tuple[str, str]:
    """The first that pydantic finds wrong: where, as keys with points between them, and what; as it says."""
    first = error.errors()[0]
    return ".".join(map(str, first["loc"])), first["msg"]
