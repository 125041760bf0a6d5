"""Candidates: the pretrained, random encoders or methods, and hand-made baselines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np

from unlabeled import discovery
from unlabeled.contract import (
    Assessment,
    Baseline,
    Embedded,
    Encoder,
    LabelledItems,
    Piece,
    Pretext,
    Sample,
)
from unlabeled.errors import PluginError, RunError
from unlabeled.evaluation.embedding import Embeddings, embed_all
from unlabeled.evaluation.labelling import GivenLabels
from unlabeled.evaluation.random_encoders import random_encoder, random_method
from unlabeled.evaluation.settings import EvaluationSettings
from unlabeled.export.encoder import EncoderConfig, load_encoder
from unlabeled.inference.encoding import choose_output, device, encode
from unlabeled.inference.reading import Source
from unlabeled.training.method import load_method
from unlabeled.wording import counted

Kind = Literal["global", "tokens", "nodes"]


@dataclass(frozen=True, slots=True, eq=False)
class EncoderSubject:
    """An encoder, or a method with the encoder that it exports (`contract.Subject`).

    place: among all encoders; name: for error messages.
    """

    kind: Literal["pretrained", "random"]
    encoder: Encoder
    method: Pretext | None
    pool: Pool
    place: int
    name: str

    @property
    def batch_size(self) -> int:
        return self.pool.batch_size

    def encode(self, samples: Sequence[Sample], kind: Kind | None = None) -> list[Piece]:
        output = choose_output(self.pool.config.outputs, self.pool.settings.output, kind).name
        return encode(self.encoder, samples, output)

    def embed(self, labels: LabelledItems) -> Embedded:
        found = self.pool.embedded(labels)
        return Embedded(found.read, found.of_encoder(self.place, self.name, self.kind))


@dataclass(frozen=True, slots=True, eq=False)
class BaselineSubject:
    """A baseline (`contract.Subject`)."""

    name: str
    describe: Baseline
    pool: Pool
    kind: Literal["baseline"] = "baseline"
    encoder: None = None
    method: None = None

    @property
    def batch_size(self) -> int:
        return self.pool.batch_size

    def encode(self, samples: Sequence[Sample], kind: Kind | None = None) -> list[Piece] | None:
        rank = 2 if kind == "nodes" else 1
        found = [np.asarray(self.describe(sample), float) for sample in samples]
        if kind == "tokens" or any(each.ndim != rank for each in found if kind):
            return None
        return [Piece(np.atleast_2d(each)) for each in found]

    def embed(self, labels: LabelledItems) -> Embedded | None:
        found = self.pool.embedded(labels)
        values = found.baselines.get(self.name)
        return None if values is None else Embedded(found.read, values)


@dataclass(frozen=True, slots=True, eq=False)
class CombinedSubject:
    """A baseline and a pretrained encoder side by side (`contract.Subject`): does the encoder know
    anything that the baseline lacks?"""

    baseline: BaselineSubject
    pretrained: EncoderSubject
    kind: Literal["baseline"] = "baseline"
    encoder: None = None
    method: None = None

    @property
    def batch_size(self) -> int:
        return self.baseline.batch_size

    def encode(self, samples: Sequence[Sample], kind: Kind | None = None) -> None:  # noqa: ARG002
        """Nothing: only the embeddings of labelled things are joined."""
        return

    def embed(self, labels: LabelledItems) -> Embedded | None:
        """(n, A + D), the baseline's columns first."""
        described, embedded = self.baseline.embed(labels), self.pretrained.embed(labels)
        if described is None:
            return None
        return Embedded(embedded.places, np.hstack([described.values, embedded.values]))


class Pool:
    """All subjects of an evaluation, so that items are read once when labels are embedded.

    paths: of runs of one recipe that differ in their seed; config: of the first. output: of the
    encoders, the one that fits the labelled things. Raises UsageError if there is none, RunError
    and PluginError.
    """

    def __init__(
        self,
        paths: Sequence[Path | str],
        config: EncoderConfig,
        settings: EvaluationSettings,
        assessment: Assessment,
        source: Source,
        labels: GivenLabels | None,
    ) -> None:
        self.paths, self.config, self.settings = paths, config, settings
        self.assessment, self.source, self.labels = assessment, source, labels
        parts = labels.labelled.parts if labels else None
        kind = assessment.output_kind or (parts.kind if parts else None)
        self.output = choose_output(config.outputs, settings.output, kind).name
        self.batch_size = config.provenance.batch_size
        self.pretrained = [self._trained(place, path) for place, path in enumerate(paths)]
        self.baselines = {
            name: BaselineSubject(name, discovery.load("baselines", name)(), self)
            for name in settings.baselines
        }

    @cached_property
    def random(self) -> list[EncoderSubject]:
        """Made on first use: they read items, and errors should come before that."""
        rows = self.assessment.training_rows(self.source, self.labels).tolist()
        return [self._untrained(seed, rows) for seed in range(self.settings.random_encoders)]

    @cached_property
    def embeddings(self) -> Embeddings:
        """Embeddings of the labelled things by all subjects. Raises DataError."""
        assert self.labels is not None
        encoders = [subject.encoder for subject in (*self.pretrained, *self.random)]
        baselines = {name: subject.describe for name, subject in self.baselines.items()}
        return embed_all(
            encoders, baselines, self.source, self.labels.labelled, self.output, self.batch_size
        )

    @property
    def made(self) -> Embeddings | None:
        """The embeddings, if an assessment has used them."""
        return self.__dict__.get("embeddings")

    def embedded(self, labels: LabelledItems) -> Embeddings:
        """Raises PluginError for labels that `assess` was not given."""
        if labels is not self.labels:
            raise PluginError("Subject.embed: expected the labels that were given to `assess`")
        return self.embeddings

    def notes(self) -> list[str]:
        """Notes on what the embeddings leave out."""
        found = self.made
        if found is None or not found.absent:
            return []
        lacking = counted(found.absent, "item", "lacks", "lack")
        return [f"{lacking} what {found.output!r} is made of, left out."]

    def _trained(self, place: int, path: Path | str) -> EncoderSubject:
        method = load_method(path).to(device()) if self.assessment.needs == "method" else None
        encoder = method.exported if method else load_encoder(path).to(device())
        if not isinstance(encoder, self.assessment.encoders):
            names = " or ".join(each.__name__ for each in self.assessment.encoders)
            raise RunError(
                f"{path}: {type(self.assessment).__name__} needs an encoder of the kind {names}, "
                f"found {self.config.encoder.name}. Choose another --assess, or another run."
            )
        return EncoderSubject("pretrained", encoder, method, self, place, str(path))

    def _untrained(self, seed: int, rows: Sequence[int]) -> EncoderSubject:
        size, place = self.batch_size, len(self.paths) + seed
        name = f"the random encoder of seed {seed}"
        if self.assessment.needs == "method":
            method = random_method(self.paths[0], seed, self.source, rows, batch_size=size)
            return EncoderSubject("random", method.exported, method, self, place, name)
        encoder = random_encoder(
            self.config.encoder, seed, self.source, rows, output=self.output, batch_size=size
        )
        return EncoderSubject("random", encoder, None, self, place, name)
