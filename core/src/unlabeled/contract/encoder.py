"""The encoder and what it returns."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from torch import Tensor

from unlabeled.contract.configured import Configured
from unlabeled.contract.samples import Batch, Sample
from unlabeled.did_you_mean import did_you_mean
from unlabeled.errors import ShapeError
from unlabeled.settings import Settings


@dataclass(frozen=True, slots=True)
class Output:
    """One thing that an encoder returns. width: the size of the last axis."""

    name: str
    kind: Literal["global", "tokens", "nodes"]
    width: int


@dataclass(slots=True)
class Tokens:
    """values: (N, L, D); valid: (N, L) bool, False is padding or absent; position: (N, L, rank)
    in physical units (s, mm, map units), or grid steps where there are none."""

    values: Tensor
    valid: Tensor
    position: Tensor


@dataclass(slots=True)
class Nodes:
    """values: (M, D); owner: (M,) index of the sample in the batch; id: (M,) within the sample."""

    values: Tensor
    owner: Tensor
    id: Tensor


@dataclass(frozen=True, slots=True)
class Piece:
    """The embedding of one item. values: (L, D) float32; position: (L, rank) float64,
    as map coordinates need it; node: (L,); present: False where the item lacks the input of this
    output (`Encoder.present`); the values are then meaningless."""

    values: np.ndarray
    position: np.ndarray | None = None
    node: np.ndarray | None = None
    present: bool = True


Encoding: TypeAlias = Tensor | Tokens | Nodes


class Encoder(Configured):
    """Turns a batch into embeddings; what a run exports. A subclass implements `_encode`.

    In eval mode a sample's embedding depends neither on its neighbours nor on padding.
    """

    outputs: tuple[Output, ...]
    """Set by the constructor; the first is the default and feeds `forward`."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.settings = settings

    @abstractmethod
    def collate(self, samples: Sequence[Sample]) -> Batch:
        """Join samples into the batch that `encode` takes. Runs in data workers: no parameters."""

    def encode(self, batch: Batch, output: str) -> Encoding:
        """`global`: (N, D); `tokens`: Tokens; `nodes`: Nodes. Raises ShapeError.

        output: the name of one of `outputs`; any other name is refused before anything is computed.
        """
        names = [each.name for each in self.outputs]
        if output not in names:
            raise ShapeError(
                f"{type(self).__name__} has no output {output!r}.{did_you_mean(output, names)}"
            )
        return self._encode(batch, output)

    @abstractmethod
    def _encode(self, batch: Batch, output: str) -> Encoding:
        """Compute the output of that name, which exists, for `encode`."""

    def present(self, batch: Batch, output: str) -> Tensor | None:  # noqa: ARG002
        """Which samples have the input of this output, (N,) bool; None if all have it.

        A sample that lacks a sensor still has a row in its output, with any finite values. The row
        is written as null and left out of evaluation, health and the losses of core's pretexts.
        """
        return None

    def forward(self, batch: Batch) -> Encoding:
        """The default output."""
        return self.encode(batch, self.outputs[0].name)

    def calibrate(self, batches: Iterable[Batch]) -> None:
        """Estimate fixed input statistics (into buffers) once, before a method is built around it.

        Copies that a method makes (teachers, second networks) then start calibrated. `batches` can
        be iterated once only. The default estimates nothing.
        """

    def preprocessing(self) -> Mapping[str, Any]:
        """How input must look, JSON-able, with units; written beside the exported weights."""
        return {}
