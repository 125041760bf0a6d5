"""Find and read the checkpoints of a run, to resume it or only to use its weights.

`unlabeled.training.checkpoint` writes them, and documents their contents.
"""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from unlabeled.errors import RunError


def newest(folder: Path) -> Path | None:
    """The latest complete checkpoint."""
    return max(folder.glob("step-" + "[0-9]" * 8), default=None, key=step_of)


def step_of(checkpoint: Path) -> int:
    """The optimiser steps done when it was written."""
    return int(checkpoint.name.removeprefix("step-"))


def read_model(checkpoint: Path) -> dict[str, Tensor]:
    """The state dict of the pretext, on the CPU. Raises RunError if it is damaged."""
    try:
        return load_file(checkpoint / "model.safetensors")
    except (OSError, SafetensorError) as error:
        raise damaged(checkpoint, error) from error


def damaged(checkpoint: Path, error: Exception) -> RunError:
    """The error to raise where a file of a checkpoint cannot be read."""
    return RunError(
        f"{checkpoint}: the checkpoint is damaged: {error!r}. Remove this folder to go on from "
        "the one before it."
    )
