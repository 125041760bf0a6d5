"""What a component can do beside its kind's contract: it derives from one of these small classes.

Asked for by `isinstance`. They are no protocols: since Python 3.12 `isinstance` looks a protocol's
attributes up statically and does not see the submodules of an `nn.Module`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
from torch import Tensor

from unlabeled.contract.assessment import Assessed, LabelledItems, Source
from unlabeled.contract.preview import Preview
from unlabeled.contract.samples import Batch, Sample
from unlabeled.data.items import Item, Items


class ChecksData(ABC):
    """A reader that can tell what a careful eye would notice in a sample; `inspect` counts it."""

    @abstractmethod
    def check_data(self, sample: Sample) -> Sequence[str]:
        """Short phrases, "clipped", "all zero", "no CRS"; nothing if all is well."""


class Measures(ABC):
    """A reader that can measure what it does not hand on, as the units of a file before they are
    standardised; `inspect` shows the ranges."""

    @abstractmethod
    def measure(self, item: Item) -> Mapping[str, float]:
        """Names and values of an item that could be read, the same names for all."""


class Suggests(ABC):
    """A reader that can tell which recipe suits the data it found; `inspect` shows it."""

    @abstractmethod
    def suggest(self, items: Items) -> tuple[str, str]:
        """The name of a recipe, with settings if need be, as `pretrain` takes them; and why."""


class Extends(ABC):
    """A reader whose items have a length in the unit of their tokens' positions: labels of
    stretches past the end are refused, and cut where times were rounded."""

    @abstractmethod
    def extent(self, item: Item) -> float:
        """The length of an item (s, mm), from the index alone."""


class Glances(ABC):
    """A reader of items that may be too large to be read whole just to look at them."""

    @abstractmethod
    def glance(self, item: Item) -> Sample:
        """An item, or pieces of it joined, in bounded memory; `inspect` looks at that. Raises
        UnreadableItem."""


class Previews(ABC):
    """A reader that can show what it read: in the report, if the user names the data.

    Those of data about people are shown only where the user asks for them.
    """

    @abstractmethod
    def previews(self, item: Item, sample: Sample) -> Sequence[Preview]:
        """A few pictures (and the sound, where it is sound), small and quickly drawn, without
        anything drawn at random. Of a large sample a part, which the caption tells."""


class NamesNodes(ABC):
    """A reader of graphs whose nodes have names, by which labels, embeddings and neighbours go."""

    @abstractmethod
    def node_names(self, item: Item) -> np.ndarray:
        """(K,) texts or whole numbers, each once: of the first K nodes of the sample. The others
        are context (sampled neighbours) and stand in no table. Raises UnreadableItem."""


class BatchAugmentation(ABC):
    """Changes samples by means of other samples of the joint batch (mixing, borrowing).
    A `Settings` model that derives from this class.

    The plan of a sample is drawn in the data worker; it is applied on the device, to the joint
    batch of all processes, so it depends neither on workers nor on ranks.
    """

    keeps: ClassVar[str]

    @abstractmethod
    def plan(self, rng: np.random.Generator) -> np.ndarray:
        """The random numbers for one sample: (K,) float64, K fixed."""

    @abstractmethod
    def apply(self, batch: Batch, plans: Tensor) -> Batch:
        """batch: this process's samples as the encoder collates them; plans: (N, K).

        Reaches the other processes with `unlabeled.distributed.gather_rows`.
        """


class PatchEncoder(ABC):
    """What an encoder offers so that its input can be masked: `class AST(Encoder, PatchEncoder)`.

    Letters: N batch, L tokens of the whole grid (row-major), P values of one patch, K visible
    tokens, D width. A batch's grid is the largest of its samples' along each axis; samples are
    padded at the end.
    """

    token_width: int
    """D."""
    patch_values: int
    """P."""

    @abstractmethod
    def grid(self, sample: Sample) -> np.ndarray:
        """bool, of the shape of the sample's token grid, False where there are no data.

        Runs in data workers: no parameters.
        """

    @abstractmethod
    def patches(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        """The values to predict, (N, L, P), and which of them are data, (N, L, P) bool or None."""

    @abstractmethod
    def encode_visible(self, batch: Batch, visible: Tensor, source: Tensor | None = None) -> Tensor:
        """Run some tokens only. visible: (N, K) long, -1 is padding. Returns (N, K, D).

        source: (N, K) long, index of the token whose values are copied into each position, -1 for
        zeros; None copies nothing. For pretexts that corrupt what they show.
        """


class TokenEncoder(ABC):
    """What an encoder of texts offers so that tokens can be hidden: numbers of a vocabulary.

    Letters: N batch, L tokens, D width, V tokens of the vocabulary.
    """

    token_width: int
    """D."""
    vocabulary_size: int
    """V."""
    mask_number: int
    """The token that stands where one is hidden."""
    first_maskable: int
    """Tokens below are special: they are neither hidden nor put in place of others."""

    @abstractmethod
    def numbers(self, sample: Sample) -> np.ndarray:
        """The tokens of a sample, (L,) int64. Runs in data workers: no parameters."""

    @abstractmethod
    def encode_numbers(self, numbers: Tensor, valid: Tensor) -> Tensor:
        """numbers: (N, L) int64; valid: (N, L) bool, False is padding. Returns (N, L, D)."""

    @abstractmethod
    def token_vectors(self) -> Tensor:
        """The embedding of each token before the blocks, (V, D): what a prediction compares to."""


class Rivals(ABC):
    """An assessment that brings what its task has to be compared with, beside encoders: raw voxels,
    popularity, a classical filter."""

    @abstractmethod
    def rivals(
        self, source: Source, labels: LabelledItems | None, rng: np.random.Generator
    ) -> Mapping[str, Assessed]:
        """By name, the same units and scores as those of `assess`; rng: fresh, equal to its."""


class KeepsCopies(ABC):
    """A reader that keeps something of its items outside of runs, such as decoded voxels."""

    @abstractmethod
    def forget_copies(self, sources: Sequence[str]) -> int:
        """Delete what is kept of these sources, and return how many files that were.

        sources: as the index named them; the files need not be there any more.
        """


class GradientCheckpointing:
    """A module that can recompute activations in the backward pass instead of keeping them."""

    gradient_checkpointing: bool = False
    """Set by the training loop, before the first step."""
