"""What one item of sound is, and how several are joined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from unlabeled.errors import ShapeError


@dataclass(frozen=True, slots=True, eq=False)
class Waveform:
    """values: (C, T) float32, full scale [-1, 1] (float files may exceed it); sample_rate: Hz;
    dead_channels: of the several that the values are the mean of, those that are all zero."""

    values: Tensor
    sample_rate: int
    dead_channels: int = 0

    @property
    def seconds(self) -> float:
        return self.values.shape[-1] / self.sample_rate

    def with_values(self, values: Tensor) -> Waveform:
        return Waveform(values, self.sample_rate)


@dataclass(slots=True)
class Waveforms:
    """Clips of different lengths as one tensor.

    values: (N, T) float32, zeros behind each clip's end; lengths: (N,) int64, in samples.
    """

    values: Tensor
    lengths: Tensor

    @classmethod
    def of(cls, clips: Sequence[Waveform], sample_rate: int) -> Waveforms:
        """Pad clips to the longest.

        Raises ShapeError unless each is (1, T), T at least 1, at `sample_rate`.
        """
        for index, clip in enumerate(clips):
            shape = tuple(clip.values.shape)
            if len(shape) != 2 or shape[0] != 1 or shape[1] < 1:
                raise ShapeError(
                    f"clip {index}: expected one channel and samples, (1, T), found {shape}. The"
                    " reader's `channels` setting chooses the channel."
                )
            if clip.sample_rate != sample_rate:
                raise ShapeError(
                    f"clip {index}: expected {sample_rate} Hz, found {clip.sample_rate} Hz. "
                    "The reader's `sample_rate` must be the encoder's."
                )
        lengths = torch.tensor([clip.values.shape[1] for clip in clips])
        values = torch.zeros(len(clips), int(lengths.max()))
        for row, clip in zip(values, clips, strict=True):
            row[: clip.values.shape[1]] = clip.values[0]
        return cls(values, lengths)

    @property
    def valid(self) -> Tensor:
        """(N, T) bool, False behind each clip's end."""
        steps = torch.arange(self.values.shape[1], device=self.values.device)
        return steps < self.lengths[:, None]
