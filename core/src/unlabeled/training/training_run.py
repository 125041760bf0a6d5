"""One training run in four phases: build, load, fit, finish."""

from __future__ import annotations

from contextlib import ExitStack

from unlabeled.data.quarantine import Quarantine
from unlabeled.distributed import rank, world_size
from unlabeled.errors import NotFinite
from unlabeled.run_folder import JsonLines, Manifest
from unlabeled.training.build import build_trainer
from unlabeled.training.checkpoint import Progress
from unlabeled.training.collapse_monitor import (
    AT_START,
    ITEMS,
    CollapseMonitor,
    undisturbed,
)
from unlabeled.training.finish import about_items_met, export, require_all_steps, settle_batch_norm
from unlabeled.training.job import Job
from unlabeled.training.launch import first
from unlabeled.training.loader import Examples, RankBatches, load
from unlabeled.training.loop import Trainer
from unlabeled.training.monitor import Records, TrainingMonitor
from unlabeled.training.optimisers import anneal_start
from unlabeled.training.origin import find_origin, load_checkpoint
from unlabeled.training.progress import Display, display
from unlabeled.training.signals import StopRequest
from unlabeled.training.start import start_manifest, start_notes
from unlabeled.training.tensorboard import TensorBoard


class TrainingRun:
    """A job from building the method to writing the encoder; `execute` names the phases."""

    def __init__(self, job: Job, *, quiet: bool) -> None:
        self.job, self.quiet = job, quiet
        self.origin = first(job.fabric, lambda: find_origin(job))

    def execute(self) -> Manifest:
        """Train to the end and write the encoder. Raises Stopped if asked to stop before."""
        trainer = self.build()
        self.load(trainer)
        done = self.fit(trainer)
        return self.finish(trainer, done)

    def build(self) -> Trainer:
        """Method, optimiser and schedule, with new weights. Raises RecipeError."""
        return build_trainer(self.job, calibrate=self.origin.checkpoint is None)

    def load(self, trainer: Trainer) -> None:
        """The checkpoint where training begins, if any. Raises RunError.

        After building, which draws random numbers: from here on they are those of the checkpoint.
        """
        load_checkpoint(self.job, trainer, self.origin)

    def fit(self, trainer: Trainer) -> Progress:
        """Train until the last step or a stop; returns the steps done.

        Raises RunError where numbers are not finite, CollapseError, DataError, UnreadableItem.
        """
        job, start = self.job, self.origin.progress.steps
        manifest = first(job.fabric, lambda: start_manifest(job, trainer, self.origin))
        with ExitStack() as stack:
            shown = stack.enter_context(display(trainer.total_steps, start, quiet=self.quiet))
            for note in start_notes(job, trainer, manifest, start):
                shown.note(note)
            stop = stack.enter_context(StopRequest())
            monitor = self._monitor(trainer, shown, stop, stack)
            stream = load(
                Examples(job.items, job.reader, trainer.pretext, job.settings, job.labels),
                self._batches(start, trainer.total_steps),
                pin=job.fabric.device.type == "cuda",
            )
            try:
                done = trainer.fit(monitor.batches(stream), start, monitor.after_step)
            except NotFinite as error:
                raise monitor.divergence.of_a_loss(monitor.done + 1, error) from error
            for note in about_items_met(job.folder, monitor.quarantine):
                shown.note(note)
        return Progress(done, monitor.seconds)

    def finish(self, trainer: Trainer, done: Progress) -> Manifest:
        """Write the encoder of a run that has all its steps. Raises Stopped for another one."""
        job = self.job
        first(job.fabric, lambda: require_all_steps(job, trainer, done))
        settle_batch_norm(job, trainer)
        return first(job.fabric, lambda: export(job, trainer, done))

    def _batches(self, start: int, total: int) -> RankBatches:
        times, sampler = self.job.settings.accumulate, self.job.sampler
        processes = world_size()
        return RankBatches(sampler, start * times, total * times, rank=rank(), processes=processes)

    def _monitor(
        self, trainer: Trainer, shown: Display, stop: StopRequest, stack: ExitStack
    ) -> TrainingMonitor:
        job, write = self.job, self.job.fabric.is_global_zero
        quarantined = JsonLines(job.folder.quarantine)
        stack.callback(quarantined.close)
        return TrainingMonitor(
            job.folder,
            trainer,
            job.settings,
            job.sampler,
            Quarantine(quarantined, job.items, job.limits, write=write),
            records=self._records(shown, stack) if write else None,
            collapse=self._collapse_monitor(trainer),
            stop=stop,
            done=self.origin.progress.steps,
            seconds=self.origin.progress.seconds,
            pin_at=anneal_start(job.settings.schedule, trainer.total_steps),
        )

    def _records(self, shown: Display, stack: ExitStack) -> Records:
        job, steps = self.job, self.origin.progress.steps
        metrics = JsonLines(job.folder.metrics)
        metrics.cut(steps)
        stack.callback(metrics.close)
        board = None
        if job.settings.tensorboard:
            board = TensorBoard(job.folder.tensorboard, steps)
            stack.callback(board.close)
        return Records(metrics, shown, board)

    def _collapse_monitor(self, trainer: Trainer) -> CollapseMonitor | None:
        job, pretext = self.job, trainer.pretext
        # The output of a restoration is not an embedding, so it cannot collapse.
        if job.settings.health_every == 0 or pretext.kind != "representation":
            return None
        encoder = pretext.exported
        # The random generators are those of the checkpoint by now: reading must not move them.
        with undisturbed(encoder):
            monitor = CollapseMonitor(job.fabric, encoder, job.sample(encoder, ITEMS))
        monitor.start = job.folder.read().health_at_start
        if not monitor.start and self.origin.progress.steps == 0 and (health := monitor()):
            monitor.start = {name: getattr(health, name) for name in AT_START}
            if job.fabric.is_global_zero:
                job.folder.update(health_at_start=monitor.start)
        return monitor
