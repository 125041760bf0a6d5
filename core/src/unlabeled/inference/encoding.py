"""Run encoders over items: batches in, one piece of embedding per item out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from lightning_fabric.utilities import move_data_to_device
from torch import Tensor

from unlabeled.contract import Encoder, Encoding, Nodes, Output, Piece, Sample, Tokens
from unlabeled.errors import UsageError


def choose_output(outputs: Sequence[Output], name: str | None, kind: str | None = None) -> Output:
    """The output called `name`, of this `kind`; the first that fits if they are None.

    Raises UsageError that lists the outputs.
    """
    for output in outputs:
        if name in (None, output.name) and kind in (None, output.kind):
            return output
    there = ", ".join(f"{output.name} ({output.kind})" for output in outputs)
    wanted = " ".join(filter(None, [repr(name) if name else "", f"of kind {kind}" if kind else ""]))
    raise UsageError(f"the encoder has no output {wanted}. There are: {there}.")


def device() -> torch.device:
    """The device for encoders: the first CUDA device, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def encode(encoder: Encoder, samples: Sequence[Sample], output: str) -> list[Piece]:
    """One piece per sample, by an encoder in eval mode on whatever device it is."""
    where = next((parameter.device for parameter in encoder.parameters()), torch.device("cpu"))
    with torch.inference_mode():
        batch = move_data_to_device(encoder.collate(samples), where)
        found = pieces(encoder.encode(batch, output), len(samples))
        present = encoder.present(batch, output)
    if present is None:
        return found
    flags = present.cpu().tolist()
    return [replace(piece, present=flag) for piece, flag in zip(found, flags, strict=True)]


def pieces(encoding: Encoding, count: int) -> list[Piece]:
    """Cut the encoding of a batch into its `count` samples, without padding and absent tokens."""
    if isinstance(encoding, Tokens):
        valid = encoding.valid.cpu().numpy()
        values, position = _floats(encoding.values), encoding.position.double().cpu().numpy()
        return [Piece(values[i][valid[i]], position[i][valid[i]]) for i in range(count)]
    if isinstance(encoding, Nodes):
        owner, node = encoding.owner.cpu().numpy(), encoding.id.cpu().numpy()
        values = _floats(encoding.values)
        return [Piece(values[owner == i], node=node[owner == i]) for i in range(count)]
    return [Piece(row[None]) for row in _floats(encoding)]


def _floats(values: Tensor) -> np.ndarray:
    return values.float().cpu().numpy()
