"""Optional abilities of a component, each a small class to derive from.

The core asks by `isinstance`. They are not protocols: since Python 3.12 `isinstance` looks up the
attributes of a protocol statically and does not see the submodules of an `nn.Module`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
from torch import Tensor

from unlabeled.contract.assessment import Assessed, LabelledItems, Source
from unlabeled.contract.preview import Preview, Work
from unlabeled.contract.samples import Batch, Sample
from unlabeled.data.items import Item, Items
from unlabeled.data.labels import Labels
from unlabeled.randomness import Draw


class ChecksData(ABC):
    """A reader that can name what looks wrong in a sample; `inspect` counts it."""

    @abstractmethod
    def check_data(self, sample: Sample) -> Sequence[str]:
        """Short phrases such as "clipped", "all zero", "no CRS"; empty if nothing looks wrong."""


class Measures(ABC):
    """A reader that can measure values that its samples do not hold, such as intensities before
    they are standardised; `inspect` shows their ranges."""

    @abstractmethod
    def measure(self, item: Item) -> Mapping[str, float]:
        """Values by name, with the same names for every item."""


class Suggests(ABC):
    """A reader that can suggest a recipe for the data it found; `inspect` shows it."""

    @abstractmethod
    def suggest(self, items: Items) -> tuple[str, str]:
        """The arguments of `pretrain` (recipe and settings), and the reason."""


class Extends(ABC):
    """A reader whose items have a length, in the unit of their tokens' positions. Labels of
    stretches beyond the end are refused, or cut where the excess is a rounding error."""

    @abstractmethod
    def extent(self, item: Item) -> float:
        """The length of an item (s, mm), from the index alone."""


class Glances(ABC):
    """A reader of items that may be too large for `inspect` to read whole."""

    @abstractmethod
    def glance(self, item: Item) -> Sample:
        """An item, or pieces of it joined, read in bounded memory. Raises UnreadableItem."""


class Previews(ABC):
    """A reader that can show samples in the report, if the user names the data.

    Samples of data about people are shown only on request.
    """

    @abstractmethod
    def previews(self, item: Item, sample: Sample) -> Sequence[Preview]:
        """A few small pictures or sounds, quick to draw and without randomness. Of a large sample a
        part, named in the caption."""


class ReadsTargets(ABC):
    """A reader that can read masks: labels of every place of a sample.

    Its synthetic data hold `masks.csv`, item and mask, by which the kit tries it: of what the
    samples show, so that a mask that lies elsewhere is noticed.
    """

    @abstractmethod
    def read_target(self, item: Item, value: Path, like: Sample) -> Sample:
        """The mask in the file `value` on the grid of `like`, a sample of `item` that was read
        before: whole or a window, whose place `like` knows.

        Returns a sample of the same type that is a `DenseTarget` too, laid on the grid by the
        nearest neighbour, with -1 where the file says nothing. Raises UnreadableItem, also where
        the mask lies elsewhere.
        """


class DrawsPatches(ABC):
    """A `PatchEncoder` that can show what the values of patches stand for."""

    @abstractmethod
    def draw_patches(
        self, item: Item, sample: Sample, patches: Tensor, reader: Previews
    ) -> Sequence[Preview]:
        """Pictures of the sample with other values in its patches, on the CPU.

        patches: (L, P), of this sample alone, as `patches` gives them. Where the sample can hold
        such values the reader draws it; of a spectrogram the encoder draws its own.
        """


class ShowsWork(ABC):
    """A pretext that can show what it hid of a sample, what it reconstructed, and what was there.

    `unlabeled report RUN --data DATA` shows it for a few items.
    """

    @abstractmethod
    def show_work(self, item: Item, sample: Sample, draw: Draw, reader: Previews) -> Work | None:
        """By the method as it is, in eval mode on the CPU, without gradients; equal for an equal
        draw. None where these settings, or this encoder, have nothing to show."""


class NamesNodes(ABC):
    """A reader of graphs whose nodes have names; labels, embeddings and neighbours use them."""

    @abstractmethod
    def node_names(self, item: Item) -> np.ndarray:
        """(K,) unique texts or whole numbers, for the first K nodes of the sample. The others are
        context (sampled neighbours) and appear in no table. Raises UnreadableItem."""


class MovesSpace:
    """An augmentation that moves what a sample shows: a crop, a flip, a turn, another size.

    Where an item's target is a mask, it is called once more with the mask in place of the sample
    and an equal rng. So its draw depends on the grid alone, not on values or channels, and masks
    (`isinstance(sample, DenseTarget)`) are interpolated by the nearest neighbour.
    """

    @property
    def moves_space(self) -> bool:
        """False where these settings move nothing."""
        return True


class BatchAugmentation(ABC):
    """Changes samples by using other samples of the joint batch (mixing).
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
    """An encoder whose input can be masked: `class AST(Encoder, PatchEncoder)`.

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
    """An encoder of texts whose tokens can be masked.

    Letters: N batch, L tokens, D width, V tokens of the vocabulary.
    """

    token_width: int
    """D."""
    vocabulary_size: int
    """V."""
    mask_number: int
    """The token that replaces a masked one."""
    first_maskable: int
    """Smaller numbers are special tokens, which are neither masked nor used as replacements."""

    @abstractmethod
    def numbers(self, sample: Sample) -> np.ndarray:
        """The tokens of a sample, (L,) int64. Runs in data workers: no parameters."""

    @abstractmethod
    def encode_numbers(self, numbers: Tensor, valid: Tensor) -> Tensor:
        """numbers: (N, L) int64; valid: (N, L) bool, False is padding. Returns (N, L, D)."""

    @abstractmethod
    def token_vectors(self) -> Tensor:
        """The embedding of each token before the blocks, (V, D), with which predictions are
        compared."""


class Rivals(ABC):
    """An assessment with comparisons of its own beside encoders: raw voxels, popularity, a
    classical filter."""

    @abstractmethod
    def rivals(
        self, source: Source, labels: LabelledItems | None, rng: np.random.Generator
    ) -> Mapping[str, Assessed]:
        """By name, the same units and scores as `assess` gives; rng: a fresh one equal to that of
        `assess`."""


class FindsLabels(ABC):
    """An assessment whose labels may be a folder or file that is no table: masks that are named
    like their scans, a datalist."""

    @abstractmethod
    def find_labels(self, path: Path, items: Items) -> Labels:
        """A table with the columns `item` (ids), a target, and optionally `group` and `split`.

        path: of --labels, or of the data where that is not given; names of files are relative to
        it, or to its folder where it is a file. Its notes name no items. Raises DataError.
        """


class KeepsCopies(ABC):
    """A reader that stores copies of its items outside of runs, such as decoded voxels."""

    @abstractmethod
    def forget_copies(self, sources: Sequence[str]) -> int:
        """Delete the copies of these sources, and return the number of deleted files.

        sources: as in the index; the files themselves may be gone.
        """


class GradientCheckpointing:
    """A module that can recompute activations in the backward pass instead of keeping them."""

    gradient_checkpointing: bool = False
    """Set by the training loop, before the first step."""
