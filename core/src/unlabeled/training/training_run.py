"""One sitting of a run, from building the method to writing the encoder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, cast

from unlabeled import labelled
from unlabeled.batch_norm import estimate_batch_norm, has_batch_norm
from unlabeled.commands import command
from unlabeled.contract import Batch, Encoder, GradientCheckpointing, Pretext
from unlabeled.data.quarantine import Quarantine
from unlabeled.distributed import rank, synchronise_batch_norm, world_size
from unlabeled.errors import NotFinite, RecipeError
from unlabeled.export.encoder import Provenance, save_encoder
from unlabeled.recipe import build_pretext
from unlabeled.run_folder import JsonLines, Manifest, now
from unlabeled.training import checkpoint
from unlabeled.training.accumulation import steps_of
from unlabeled.training.collapse_monitor import ITEMS, CollapseMonitor, on_device
from unlabeled.training.environment import describe, differences
from unlabeled.training.job import Job
from unlabeled.training.launch import first, seed_generators
from unlabeled.training.loader import BatchSampler, Examples, RankBatches, load, sample_batches
from unlabeled.training.loop import Trainer
from unlabeled.training.monitor import Records, TrainingMonitor
from unlabeled.training.optimisers import anneal_start, build_optimiser, build_schedule
from unlabeled.training.origin import Origin, find_origin, load_weights, restore_rest
from unlabeled.training.progress import Display, display
from unlabeled.training.signals import Stopped, StopRequest
from unlabeled.training.start import about_batches, about_beginning, about_data, size_of
from unlabeled.training.start_from import starting_weights
from unlabeled.training.tensorboard import TensorBoard

NORM_ITEMS = 2048
"""Items over which batch-norm statistics are estimated for the exported encoder."""


def train(job: Job, *, quiet: bool) -> Manifest:
    """Train to the end and write the encoder. Raises Stopped if asked to stop before."""
    sampler = _sampler(job)
    origin = first(job.fabric, lambda: find_origin(job))
    trainer = _trainer(job, sampler, origin)
    manifest = first(job.fabric, lambda: _announce(job, trainer, origin))
    start, total = origin.progress.steps, trainer.total_steps
    with ExitStack() as stack:
        shown = stack.enter_context(display(total, start, quiet=quiet))
        data = about_data(job.folder, job.items, job.reader)
        _, left = steps_of(job.settings, sampler.batches_per_epoch)
        size = size_of(trainer.pretext, sampler, job.recipe, total)
        notes = (
            *data,
            size,
            *about_batches(job.column, sampler),
            *manifest.notes,
            *about_beginning(job.folder, start),
            left,
        )
        for note in filter(None, notes):
            shown.note(note)
        stop = stack.enter_context(StopRequest())
        monitor = _monitor(job, trainer, sampler, origin, shown, stop, stack)
        stream = load(
            Examples(job.items, job.reader, trainer.pretext, job.settings, job.labels),
            _slices(job, sampler, start, total),
            pin=job.fabric.device.type == "cuda",
        )
        restore_rest(job, trainer, origin)
        try:
            done = trainer.fit(monitor.batches(stream), start, monitor.after_step)
        except NotFinite as error:
            raise monitor.divergence.of_a_loss(monitor.done + 1, error) from error
    if done == trainer.total_steps:
        _settle_batch_norm(job, trainer, sampler)
    return first(job.fabric, lambda: _end(job, trainer, done, monitor.seconds))


def _sampler(job: Job) -> BatchSampler:
    return BatchSampler(job.items.table["size"].to_numpy(), job.settings, job.column)


def _trainer(job: Job, sampler: BatchSampler, origin: Origin) -> Trainer:
    """Everything a step needs, with the weights and optimiser of the origin."""
    settings = job.settings
    pretext = _pretext(job, sampler, origin)
    optimiser = build_optimiser(settings.optimiser, pretext)
    if origin.checkpoint is not None:
        load_weights(pretext, checkpoint.read_model(origin.checkpoint), origin.checkpoint)
    if settings.compile:
        pretext.compile()
    module, wrapped = job.fabric.setup(pretext, optimiser)
    total, _ = steps_of(settings, sampler.batches_per_epoch)
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


def _pretext(job: Job, sampler: BatchSampler, origin: Origin) -> Pretext:
    """The method, equal on all processes. Raises RecipeError if it does not fit the batch."""
    seed_generators(job.settings.seed, "weights")
    pretext = build_pretext(job.recipe, job.facts, _calibration(job, sampler, origin))
    _require_same_class(pretext)
    processes = 1 if job.replicated else world_size()
    smallest = max(pretext.smallest_batch, processes)
    if sampler.batch_size < smallest:
        raise RecipeError(
            f"training.batch_size: {job.recipe.pretext.name} on {processes} processes needs at "
            f"least {smallest} items in a batch, found {sampler.batch_size} "
            f"({len(job.items)} items in all)."
        )
    if job.settings.gradient_checkpointing:
        _checkpoint_gradients(job, pretext)
    if processes > 1:
        pretext = cast(Pretext, synchronise_batch_norm(pretext))
    return pretext


def _calibration(
    job: Job, sampler: BatchSampler, origin: Origin
) -> Callable[[Encoder], None] | None:
    """What fits a new encoder's input statistics, or takes them over with all its weights; a
    checkpoint holds them already."""
    if origin.checkpoint is not None:
        return None
    if job.started_from is not None:
        return starting_weights(job.started_from, job.recipe.encoder.with_facts(job.facts))
    return lambda encoder: encoder.calibrate(_sample(job, encoder, sampler))


def _require_same_class(pretext: Pretext) -> None:
    """What is exported is built again from the recipe's encoder section. Raises RecipeError."""
    wanted, found = type(pretext.encoder), type(pretext.exported)
    if wanted is not found:
        raise RecipeError(
            f"pretext: {type(pretext).__name__}.exported is expected to be a {wanted.__name__}, as "
            f"the recipe's encoder is, found {found.__name__}."
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


def _announce(job: Job, trainer: Trainer, origin: Origin) -> Manifest:
    """Write the manifest of a new run, or note in that of an old one what is different now."""
    now = describe(job.fabric, job.recipe)
    if not job.folder.holds_run():
        manifest = Manifest(
            name=job.recipe.name,
            recipe=job.recipe.to_dict(),
            data=job.data,
            environment=now,
            total_steps=trainer.total_steps,
            method=_method(job),
            continues=str(job.source.path.resolve()) if job.source else "",
            started_from=job.started_from.to_dict() if job.started_from else {},
        )
        job.folder.begin(manifest)
        return manifest
    manifest = job.folder.read()
    changes = [
        f"resumed with another {change}" for change in differences(manifest.environment, now)
    ]
    if not job.settings.deterministic or job.settings.compile:
        changes.append("resumed without deterministic algorithms, or with torch.compile")
    if not changes or not origin.own:
        return job.folder.update(status="running", total_steps=trainer.total_steps, failed="")
    notes = dict.fromkeys((*manifest.notes, *(f"inexact: {change}" for change in changes)))
    return job.folder.update(
        status="running",
        total_steps=trainer.total_steps,
        failed="",
        exact=False,
        notes=tuple(notes),
    )


def _method(job: Job) -> dict[str, Any]:
    """The sections that depend on the data, as `load_method` builds them again without the data."""
    chosen = {"encoder": job.recipe.encoder, "pretext": job.recipe.pretext}
    return {name: choice.with_facts(job.facts).to_dict() for name, choice in chosen.items()}


def _monitor(
    job: Job,
    trainer: Trainer,
    sampler: BatchSampler,
    origin: Origin,
    shown: Display,
    stop: StopRequest,
    stack: ExitStack,
) -> TrainingMonitor:
    records = None
    write = job.fabric.is_global_zero
    if write:
        records = _records(job, origin, shown, stack)
    quarantined = JsonLines(job.folder.quarantine)
    stack.callback(quarantined.close)
    quarantine = Quarantine(quarantined, job.items, job.limits, write=write)
    collapse = None
    # What a restoration gives is no embedding, so it cannot collapse.
    if job.settings.health_every and trainer.pretext.kind == "representation":
        encoder = trainer.pretext.exported
        collapse = CollapseMonitor(job.fabric, encoder, _sample(job, encoder, sampler))
    return TrainingMonitor(
        job.folder,
        trainer,
        job.settings,
        sampler,
        quarantine,
        records=records,
        collapse=collapse,
        stop=stop,
        done=origin.progress.steps,
        seconds=origin.progress.seconds,
        pin_at=anneal_start(job.settings.schedule, trainer.total_steps),
    )


def _records(job: Job, origin: Origin, shown: Display, stack: ExitStack) -> Records:
    steps = origin.progress.steps
    metrics = JsonLines(job.folder.metrics)
    metrics.cut(steps)
    stack.callback(metrics.close)
    board = None
    if job.settings.tensorboard:
        board = TensorBoard(job.folder.tensorboard, steps)
        stack.callback(board.close)
    return Records(metrics, shown, board)


def _sample(
    job: Job, encoder: Encoder, sampler: BatchSampler, count: int = ITEMS
) -> Iterator[Batch]:
    """Some items, as they are: on them inputs are calibrated and health is examined."""
    return sample_batches(
        job.items,
        job.reader,
        encoder,
        seed=job.settings.seed,
        count=count,
        size=sampler.batch_size,
    )


def _slices(job: Job, sampler: BatchSampler, start: int, total: int) -> RankBatches:
    times = job.settings.accumulate
    return RankBatches(sampler, start * times, total * times, rank=rank(), processes=world_size())


def _settle_batch_norm(job: Job, trainer: Trainer, sampler: BatchSampler) -> None:
    """Leave the encoder with the statistics of whole inputs. The last checkpoint keeps its own."""
    encoder = trainer.pretext.exported
    if has_batch_norm(encoder):
        encoder.eval()
        batches = (
            on_device(job.fabric, batch) for batch in _sample(job, encoder, sampler, NORM_ITEMS)
        )
        with job.fabric.autocast():
            estimate_batch_norm(encoder, batches, encoder.outputs[0].name)


def _end(job: Job, trainer: Trainer, done: int, seconds: float) -> Manifest:
    if done < trainer.total_steps:
        job.folder.update(status="stopped", steps=done, seconds=seconds, ended=now())
        raise Stopped(
            f"Stopped after step {done} of {trainer.total_steps}, and saved. Go on with:\n"
            f"  {command('pretrain', '--resume', job.folder.path)}"
        )
    pretext = trainer.pretext
    save_encoder(
        pretext.exported,
        encoder_name=job.recipe.encoder.name,
        reader=job.recipe.reader,
        folder=job.folder.encoder,
        provenance=Provenance(
            recipe=job.recipe.name,
            pretext=job.recipe.pretext.name,
            kind=pretext.kind,
            seed=job.settings.seed,
            steps=done,
            batch_size=max(1, job.settings.batch_size // (1 if job.replicated else world_size())),
            items=job.data.items,
            fingerprint=job.data.fingerprint,
            labelled=labelled.kept_with_encoder(job.folder),
            started_from=job.started_from.to_dict() if job.started_from else {},
        ),
    )
    return job.folder.update(status="finished", steps=done, seconds=seconds, ended=now())
