"""The first phase of a run: method, optimiser and schedule, built from recipe and data."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from unlabeled.contract import Encoder, GradientCheckpointing, Pretext
from unlabeled.distributed import synchronise_batch_norm, world_size
from unlabeled.errors import RecipeError
from unlabeled.recipe import build_pretext
from unlabeled.training.accumulation import steps_of
from unlabeled.training.collapse_monitor import ITEMS
from unlabeled.training.job import Job
from unlabeled.training.launch import seed_generators
from unlabeled.training.loop import Trainer
from unlabeled.training.optimisers import build_optimiser, build_schedule
from unlabeled.training.start_from import starting_weights


def build_trainer(job: Job, *, calibrate: bool) -> Trainer:
    """Build everything a step needs, with new weights that are equal on all processes.

    calibrate: whether the encoder's input statistics are fitted to the data; a checkpoint that is
    loaded afterwards holds them already. Raises RecipeError if the method does not fit the batch.
    """
    settings = job.settings
    pretext = _pretext(job, calibrate)
    optimiser = build_optimiser(settings.optimiser, pretext)
    if settings.compile:
        pretext.compile()
    module, wrapped = job.fabric.setup(pretext, optimiser)
    total, _ = steps_of(settings, job.sampler.batches_per_epoch)
    rate = build_schedule(settings.schedule, total, continued=job.source is not None)
    return Trainer(
        job.fabric,
        module,
        wrapped,
        rate,
        total,
        settings.accumulate,
        settings.clip,
        replicated=job.replicated,
    )


def _pretext(job: Job, calibrate: bool) -> Pretext:
    seed_generators(job.settings.seed, "weights")
    pretext = build_pretext(job.recipe, job.facts, _calibration(job) if calibrate else None)
    _require_same_class(pretext)
    processes = 1 if job.replicated else world_size()
    _require_batch(job, pretext, processes)
    if job.settings.gradient_checkpointing:
        _checkpoint_gradients(job, pretext)
    if processes > 1:
        pretext = cast(Pretext, synchronise_batch_norm(pretext))
    return pretext


def _calibration(job: Job) -> Callable[[Encoder], None]:
    """Fit the input statistics of a new encoder, or take them from another run with its weights."""
    if job.started_from is not None:
        return starting_weights(job.started_from, job.recipe.encoder.with_facts(job.facts))
    return lambda encoder: encoder.calibrate(job.sample(encoder, ITEMS))


def _require_same_class(pretext: Pretext) -> None:
    """The exported encoder is built again from the recipe's encoder section. Raises RecipeError."""
    wanted, found = type(pretext.encoder), type(pretext.exported)
    if wanted is not found:
        raise RecipeError(
            f"pretext: {type(pretext).__name__}.exported is expected to be a {wanted.__name__}, as "
            f"the recipe's encoder is, found {found.__name__}."
        )


def _require_batch(job: Job, pretext: Pretext, processes: int) -> None:
    smallest, found = max(pretext.smallest_batch, processes), job.sampler.batch_size
    if found < smallest:
        raise RecipeError(
            f"training.batch_size: {job.recipe.pretext.name} on {processes} processes needs at "
            f"least {smallest} items in a batch, found {found} ({len(job.items)} items in all)."
        )


def _checkpoint_gradients(job: Job, pretext: Pretext) -> None:
    """Raises RecipeError if no module of the encoder offers it."""
    modules = [m for m in pretext.encoder.modules() if isinstance(m, GradientCheckpointing)]
    if not modules:
        raise RecipeError(
            f"training.gradient_checkpointing: {job.recipe.encoder.name} does not offer it; "
            "leave it out."
        )
    for module in modules:
        module.gradient_checkpointing = True
