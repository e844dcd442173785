"""A pretraining run with a teacher: what `litebert distill --corpus` does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from litebert.data.parallel import Beside, ParallelBatches
from litebert.data.pretraining_batches import PretrainingBatches
from litebert.errors import UsageError
from litebert.model.packing import pack
from litebert.model.pretraining import PretrainingModel
from litebert.model.student import Student
from litebert.model_source import Source, dtype_of
from litebert.text.encoding import Encoding, join
from litebert.text.tokenizer import Tokenizer
from litebert.training.fingerprint import Fingerprint
from litebert.training.fit import Job
from litebert.training.objectives.distillation import Distillation, scales, words_a_sample
from litebert.training.pretrain import Pretrained, check_share
from litebert.training.teacher import Teacher, text_means

_LOOKED_AT = 8
"""Batches from which the spread of the teacher's states is taken."""
_LONGEST = 128
"""Pieces of a parallel sentence; what is longer is cut."""
_AT_ONCE = 64


@dataclass(frozen=True, kw_only=True, eq=False)
class Distilled(Pretrained):
    """A run before its first step."""

    taught_by: Source
    depths: Mapping[int, int]
    """Of the student, to those of the teacher."""
    parallel: Sequence[tuple[str, str]] = ()
    """Sentences in a language that the teacher does not read, and translations into one that it does."""
    weight: float = 1.0
    """Of the teacher's losses beside those of pretraining."""
    parallel_size: int = 32
    """How many of them stand beside each batch."""

    @property
    def notes(self) -> tuple[str, ...]:
        pairs = ", ".join(f"{own} of {other}" for own, other in self.depths.items())
        told = f"teacher: {self.taught_by.name}, layers {pairs}"
        beside = (f"parallel sentences: {len(self.parallel):,}",) if self.parallel else ()
        return (*super().notes, told, *beside)

    @property
    def fingerprint(self) -> Fingerprint:
        return super().fingerprint | {
            "teacher": self.taught_by.fingerprint,
            "depths": str(dict(self.depths)),
            "weight": str(self.weight),
            "parallel": f"{hash_of(self.parallel)} × {self.parallel_size}",
        }

    @cached_property
    def teacher(self) -> Teacher:
        checkpoint = self.taught_by.checkpoint
        assert checkpoint is not None
        encoder = checkpoint.build()
        encoder.dtype = dtype_of(self.settings.precision)
        return Teacher(encoder, self.taught_by.tokenizer, self.source.tokenizer)

    def model(self) -> Student:
        model = super().model()
        assert isinstance(model, PretrainingModel)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.settings.seed)
            return Student(model, self.depths, self.teacher.width)

    def job(self) -> Job:
        batches = self.batches(self.corpus, self.settings.seed)
        objective = self._distillation(batches)
        if not self.parallel:
            return self.job_of(objective, self.mine(batches))
        if self.teacher.width != self.source.config.hidden:
            raise UsageError(
                "--parallel compares vectors of texts, so the teacher must be as wide as the student: it has "
                f"{self.teacher.width} numbers for each, the student {self.source.config.hidden}"
            )
        check_share(min(self.parallel_size, len(self.parallel)), self.world, "--parallel a file of")
        encodings = [_encoded(own, self.source.tokenizer) for own, _ in self.parallel]
        aims = text_vectors(self.teacher, [translation for _, translation in self.parallel])
        beside = ParallelBatches(
            encodings,
            aims,
            self.parallel_size,
            self.settings.seed,
            rank=self.world.rank,
            world=self.world.size,
        )
        return self.job_of(objective, Beside(self.mine(batches), beside))

    def _distillation(self, batches: PretrainingBatches) -> Distillation:
        first = [batches(number) for number in range(_LOOKED_AT)]
        return Distillation(
            teacher=self.teacher,
            depths=self.depths,
            scales=scales(self.teacher, sorted(set(self.depths.values())), first),
            words=words_a_sample(first),
            pretraining=self.objective(batches),
            weight=self.weight,
        )


def text_vectors(teacher: Teacher, texts: Sequence[str]) -> NDArray[np.float32]:
    """[n, T]: the mean of a text's states after the last layer."""
    encodings = [_encoded(text, teacher.tokenizer) for text in texts]
    order = sorted(range(len(texts)), key=lambda i: len(encodings[i]))
    vectors = np.empty((len(texts), teacher.width), np.float32)
    layers = teacher.encoder.config.layers
    for start in range(0, len(order), _AT_ONCE):
        members = order[start : start + _AT_ONCE]
        batch = pack([encodings[i] for i in members])
        with torch.no_grad():
            pieces = teacher.encoder.after(batch, (layers,))[layers].pieces
        assert pieces is not None
        vectors[members] = text_means(pieces, batch).numpy()
    return vectors


def hash_of(pairs: Sequence[tuple[str, str]]) -> str:
    """Of all the sentences, in their order."""
    from hashlib import sha256

    digest = sha256()
    for pair in pairs:
        digest.update("\0".join((*pair, "")).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _encoded(text: str, tokenizer: Tokenizer) -> Encoding:
    (encoding,) = join(tokenizer, tokenizer.encode(text), limit=_LONGEST)
    return encoding
