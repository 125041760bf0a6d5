"""Checkpoints: one folder per step, written completely or not at all.

    checkpoints/step-00000123/model.safetensors   the pretext: encoder, objective, teacher, queues
                              state.pt            optimiser, precision, random generators
                              state.json step, seconds, whether it is never pruned

`state.pt` holds only tensors and plain containers and is loaded with `weights_only`.
"""

from __future__ import annotations

import json
import random
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from torch import nn

from unlabeled.atomic import new_folder, write_json
from unlabeled.checkpoints import damaged, step_of
from unlabeled.checkpoints import newest as newest
from unlabeled.checkpoints import read_model as read_model
from unlabeled.commands import command
from unlabeled.errors import RunError
from unlabeled.weights import save_weights


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come. steps: optimiser steps done, from which the position in the data
    follows; pinned: never pruned."""

    steps: int
    seconds: float
    pinned: bool = False


def save(
    folder: Path, model: nn.Module, state: dict[str, Any], progress: Progress, *, keep: int
) -> None:
    """Write the checkpoint of this step, then drop older ones beyond the newest `keep`.

    Raises RunError if it cannot be written (disk full); earlier ones are then as they were.
    """
    target = folder / f"step-{progress.steps:08d}"
    try:
        with new_folder(target) as partial:
            save_weights(model.state_dict(), partial / "model.safetensors")
            torch.save(state, partial / "state.pt")
            write_json(partial / "state.json", asdict(progress))
    except (OSError, RuntimeError, SafetensorError) as error:
        left = newest(folder)
        raise RunError(
            f"{target}: the checkpoint cannot be written: {_reason(error, folder)}. "
            + (f"The one of step {step_of(left)} is whole; " if left else "There is none before; ")
            + f"free some space, then: {command('pretrain', '--resume', folder.parent)}"
        ) from error
    _prune(folder, keep)


def pinned(folder: Path) -> Path | None:
    """The latest checkpoint that is never pruned: the one before the final anneal."""
    kept = [path for path in folder.glob("step-*") if read_progress(path).pinned]
    return max(kept, default=None, key=step_of)


def read_progress(checkpoint: Path) -> Progress:
    """Raises RunError if the checkpoint is damaged."""
    try:
        return Progress(**json.loads((checkpoint / "state.json").read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise damaged(checkpoint, error) from error


def read_state(checkpoint: Path) -> dict[str, Any]:
    """The `state` given to `save`, on the CPU. Raises RunError if it is damaged."""
    try:
        state: dict[str, Any] = torch.load(
            checkpoint / "state.pt", map_location="cpu", weights_only=True
        )
    except Exception as error:
        raise damaged(checkpoint, error) from error
    return state


def random_state() -> dict[str, Any]:
    """The state of every global generator of this process."""
    numpy: Any = np.random.get_state(legacy=True)
    return {
        "python": random.getstate(),
        "numpy": (numpy[0], numpy[1].tolist(), *numpy[2:]),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state() if torch.cuda.is_available() else None,
    }


def restore_random_state(state: dict[str, Any]) -> None:
    """Set every global generator to what `random_state` returned."""
    random.setstate(state["python"])
    name, keys, *rest = state["numpy"]
    np.random.set_state((name, np.array(keys, np.uint32), *rest))
    torch.set_rng_state(state["torch"])
    if state["cuda"] is not None and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"])


def _reason(error: Exception, folder: Path) -> str:
    """The cause in words that help the user; torch and safetensors describe a full disk in their
    own."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    free = shutil.disk_usage(folder.parent).free / 2**20
    return f"{str(error).splitlines()[0]} ({free:.0f} MB are free there)"


def _prune(folder: Path, keep: int) -> None:
    """Rename a checkpoint before removing it, so that a half-removed one is never found."""
    for path in sorted(folder.glob("step-*"), key=step_of)[:-keep]:
        if not read_progress(path).pinned:
            doomed = path.rename(folder / f".{path.name}.old")
            shutil.rmtree(doomed, ignore_errors=True)
