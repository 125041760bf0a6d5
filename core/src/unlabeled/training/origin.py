"""The start of a run: its newest checkpoint, that of another run, or new weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from unlabeled.contract import Pretext
from unlabeled.distributed import rank, world_size
from unlabeled.errors import RunError
from unlabeled.training import checkpoint
from unlabeled.training.checkpoint import Progress
from unlabeled.training.environment import differences
from unlabeled.training.job import Job
from unlabeled.training.launch import seed_generators
from unlabeled.training.loop import Trainer


@dataclass(frozen=True)
class Origin:
    """Where training starts. checkpoint: None for new weights; own: whether it is the run's own."""

    checkpoint: Path | None
    own: bool
    progress: Progress


def find_origin(job: Job) -> Origin:
    """Raises RunError if the run to continue has no checkpoint, or another method."""
    own = checkpoint.newest(job.folder.checkpoints)
    if own is not None:
        return Origin(own, own=True, progress=checkpoint.read_progress(own))
    if job.source is None:
        return Origin(None, own=False, progress=Progress(0, 0.0))
    manifest = job.source.read()
    there, here = manifest.recipe, job.recipe.to_dict()
    sections = ("encoder", "objective", "pretext")
    changes = differences(*({k: r.get(k) for k in sections} for r in (there, here)))
    if changes:
        raise RunError(f"{job.source.path} has another method:\n  " + "\n  ".join(changes))
    kept = job.source.checkpoints
    found = checkpoint.pinned(kept) or checkpoint.newest(kept)
    if found is None:
        raise RunError(f"{job.source.path}: the run has no checkpoint to continue from.")
    return Origin(found, own=False, progress=Progress(0, 0.0))


def load_checkpoint(job: Job, trainer: Trainer, origin: Origin) -> None:
    """Load weights, optimiser, precision and random generators of the checkpoint where training
    starts.

    Without a checkpoint only seed the random generators. Raises RunError if it is damaged
    or does not fit.
    """
    # Replicas draw alike, so that they are one process.
    number = 0 if job.replicated else rank()
    seed_generators(job.settings.seed, number, "process")
    if origin.checkpoint is None:
        return
    load_weights(trainer.pretext, checkpoint.read_model(origin.checkpoint), origin.checkpoint)
    state = checkpoint.read_state(origin.checkpoint)
    if origin.own:
        _load_state(trainer, state, number)
    elif _same_optimiser(job):
        _load_moments(trainer, state)


def load_weights(pretext: Pretext, weights: dict[str, Tensor], source: Path) -> None:
    """source: the checkpoint they come from. Raises RunError if they do not fit."""
    try:
        pretext.load_state_dict(weights)
    except RuntimeError as error:
        raise RunError(f"{source}: the weights do not fit this recipe and data: {error}") from error


def _load_state(trainer: Trainer, state: dict[str, Any], number: int) -> None:
    trainer.optimiser.optimizer.load_state_dict(state["optimiser"])
    trainer.fabric.strategy.precision.load_state_dict(state["precision"])
    # Another number of processes has other generators: the manifest says that it is not exact.
    if len(state["random"]) == world_size():
        checkpoint.restore_random_state(state["random"][number])


def _load_moments(trainer: Trainer, state: dict[str, Any]) -> None:
    """Keep the moments; rates and decay come from the new recipe."""
    optimiser = trainer.optimiser.optimizer
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": state["optimiser"]["state"], "param_groups": groups})


def _same_optimiser(job: Job) -> bool:
    assert job.source is not None
    name: Any = job.source.read().recipe["training"]["optimiser"]["name"]
    return bool(name == job.settings.optimiser.name)
