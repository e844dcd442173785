"""Small corpora for tests: English and Chinese text by a grammar, and a vocabulary that knows it."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from pathlib import Path

import sentencepiece

from litebert.data.corpus.build import build
from litebert.data.corpus.reader import Corpus
from litebert.data.corpus.settings import Settings
from litebert.text.sentencepiece import SentencePieceTokenizer

_EN = {
    "who": "the old sailor|my sister|a small dog|the teacher|nobody|our neighbour|the minister|a stranger",
    "did": "found|wanted|carried|forgot|painted|remembered|sold|opened|examined|considered",
    "what": "the letter|an empty house|seventeen oranges|the harbour|a broken clock|her umbrella|it",
    "when": "yesterday|in the morning|after dinner|before the war|at once|every winter|in 1984",
}
_ZH = {
    "who": "我的朋友|这位老师|一个孩子|邻居|北京大学|那只小狗|研究人员",
    "did": "喜欢|找到了|忘记了|打开|研究|卖掉了|看见",
    "what": "苹果|那封信|自然语言处理|一座房子|历史|窗户|图书馆",
    "when": "昨天|早上|晚饭以后|去年冬天|现在|三年前",
}


def english(draw: random.Random) -> str:
    who, did, what, when = (draw.choice(_EN[part].split("|")) for part in ("who", "did", "what", "when"))
    sentence = f"{who} {did} {what} {when}{draw.choice('...!?')}"
    return sentence[0].upper() + sentence[1:]


def chinese(draw: random.Random) -> str:
    when, who, did, what = (draw.choice(_ZH[part].split("|")) for part in ("when", "who", "did", "what"))
    return f"{when}，{who}{did}{what}{draw.choice('。。。！？')}"


def document(number: int) -> str:
    """A document of a few paragraphs; every third is Chinese."""
    draw = random.Random(number)
    paragraphs: list[str] = []
    for _ in range(draw.randint(1, 4)):
        count = draw.randint(2, 9)
        if number % 3 == 2:
            paragraphs.append("".join(chinese(draw) for _ in range(count)))
        else:
            paragraphs.append(" ".join(english(draw) for _ in range(count)))
    return "\n".join(paragraphs)


def documents(count: int) -> list[str]:
    """Some of them repeated, some of them repeated with a word changed."""
    made = [document(number) for number in range(count)]
    for number in range(20, count, 20):
        made[number] = made[number - 13]
    for number in range(30, count, 30):
        first, _, rest = made[number - 7].partition(" ")
        made[number] = f"{first} Indeed {rest}"
    return made


def train() -> bytes:
    """A unigram vocabulary with the settings of the published one, but small."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=_lines(),
        model_writer=model,
        vocab_size=260,
        model_type="unigram",
        pad_id=0,
        unk_id=1,
        bos_id=-1,
        eos_id=-1,
        control_symbols=["[CLS]", "[SEP]", "[MASK]"],
        user_defined_symbols='(,),",-,.,–,£,€',
        character_coverage=1.0,
        hard_vocab_limit=False,
        minloglevel=2,
        num_threads=1,
    )
    return model.getvalue()


def _lines() -> Iterator[str]:
    draw = random.Random(0)
    for _ in range(400):
        yield english(draw).lower()
        yield chinese(draw)


def write_tokenizer(folder: Path) -> Path:
    SentencePieceTokenizer(train()).save(folder)
    return folder


def make(folder: Path, texts: list[str], tokenizer: Path, **settings: object) -> Corpus:
    """The corpus of these documents, in `folder`."""
    source = folder.with_suffix(".txt")
    source.write_text("\n\n".join(texts) + "\n", encoding="utf-8")
    build([source], folder, tokenizer, Settings(documents="blank-line", min_chars=1, **settings))  # type: ignore[arg-type]
    return Corpus(folder)


def files(folder: Path) -> dict[str, bytes]:
    """The bytes of each file in a corpus."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}
