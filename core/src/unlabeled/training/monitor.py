"""Work between the steps: write metrics, check health, save checkpoints."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from unlabeled.contract import Batch, Loss
from unlabeled.data.items import Quarantined
from unlabeled.data.quarantine import Quarantine
from unlabeled.distributed import world_size
from unlabeled.errors import CollapseError, UnlabeledError
from unlabeled.run_folder import JsonLines, RunFolder
from unlabeled.training import checkpoint
from unlabeled.training.checkpoint import Progress
from unlabeled.training.collapse_monitor import (
    CAUSES,
    CollapseMonitor,
    checked_after,
    columns,
    has_fallen,
)
from unlabeled.training.divergence import Divergence
from unlabeled.training.loader import BatchSampler, Fetched
from unlabeled.training.loop import Trainer
from unlabeled.training.progress import Display
from unlabeled.training.settings import TrainingSettings
from unlabeled.training.signals import StopRequest
from unlabeled.training.tensorboard import TensorBoard


@dataclass(frozen=True)
class Records:
    """The files that a run writes while it trains; only the first process has them."""

    metrics: JsonLines
    display: Display
    tensorboard: TensorBoard | None = None


class TrainingMonitor:
    """Accompanies a `Trainer`: `batches` feeds it, `after_step` follows each step.

    All processes decide alike: events on one of them (a signal, an item that cannot be read) are
    shared before the step.
    """

    def __init__(
        self,
        folder: RunFolder,
        trainer: Trainer,
        settings: TrainingSettings,
        sampler: BatchSampler,
        quarantine: Quarantine,
        *,
        records: Records | None,
        collapse: CollapseMonitor | None,
        stop: StopRequest,
        done: int = 0,
        seconds: float = 0.0,
        pin_at: int | None = None,
    ) -> None:
        """done, seconds: steps and time of the run so far; pin_at: after this step a checkpoint
        is pinned."""
        self.folder, self.trainer, self.settings, self.sampler = folder, trainer, settings, sampler
        self.quarantine, self.records, self.collapse = quarantine, records, collapse
        self.pin_at = pin_at
        precision = trainer.fabric.strategy.precision
        self.divergence = Divergence(folder, trainer.pretext, settings, precision)
        self.done = done
        self.stopping = False
        self._stop = stop
        self._save_now = False
        self._waited = 0.0
        self._began = time.perf_counter() - seconds
        self._stepped = self._saved = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds spent by the run so far, including earlier parts."""
        return time.perf_counter() - self._began

    def batches(self, stream: Iterator[Fetched]) -> Iterator[Batch]:
        """The batches on the device, as long as they last. Raises DataError, UnreadableItem."""
        while True:
            started = time.perf_counter()
            fetched = next(stream, None)
            self._waited += time.perf_counter() - started
            if fetched is None:
                return
            self._agree(fetched)
            yield self.trainer.fabric.to_device(fetched.batch)

    def after_step(self, done: int, loss: Loss, norm: Tensor | None) -> bool:
        """Whether to stop. norm: (), of the gradient. Raises RunError where numbers are not finite,
        CollapseError."""
        row = self._row(done, loss, norm)
        self.divergence.check_step(done, loss, norm, row)
        self.done = done
        self._check_health(done, row)
        self._record(row)
        if world_size() == 1:  # several processes agree with the next batch
            self.stopping |= self._stop.made
        if self._due(done):
            self.save(done, pinned=done == self.pin_at)
        self._stepped, self._waited = time.perf_counter(), 0.0
        return self.stopping

    def save(self, done: int, *, pinned: bool = False) -> None:
        """Write a checkpoint. Raises RunError if that fails, or a weight is not finite."""
        self.divergence.check_weights(done)
        trainer = self.trainer
        state = {
            "optimiser": trainer.optimiser.optimizer.state_dict(),
            "precision": trainer.fabric.strategy.precision.state_dict(),
            "random": _from_all(checkpoint.random_state()),
        }
        if self.records is not None:
            self.records.metrics.sync()
            progress = Progress(done, self.seconds, pinned)
            keep = self.settings.checkpoint.keep
            checkpoint.save(self.folder.checkpoints, trainer.pretext, state, progress, keep=keep)
            if self.folder.holds_run():  # recorded, so that missing checkpoints are noticed
                self.folder.update(steps=done)
        self._saved, self._save_now = time.perf_counter(), False

    def _agree(self, fetched: Fetched) -> None:
        """Share with the other processes everything on which they must decide alike."""
        late = time.perf_counter() - self._saved > 60 * self.settings.checkpoint.every_minutes
        met = bool(fetched.skipped) or fetched.error is not None
        flags = [self._stop.made, late, met]
        if world_size() > 1:
            shared = torch.tensor(flags, dtype=torch.int32, device=self.trainer.fabric.device)
            dist.all_reduce(shared, op=dist.ReduceOp.MAX)
            flags = [bool(flag) for flag in shared.tolist()]
        self.stopping |= flags[0]
        self._save_now |= flags[1]
        if flags[2]:
            self._set_aside(_from_all((fetched.skipped, fetched.error)))

    def _set_aside(self, met: list[tuple[tuple[Quarantined, ...], UnlabeledError | None]]) -> None:
        for skipped, _ in met:
            self.quarantine.add(skipped)
        for _, error in met:
            if error is not None:
                raise error

    def _row(self, done: int, loss: Loss, norm: Tensor | None) -> dict[str, Any]:
        batches = done * self.settings.accumulate
        group = self.trainer.optimiser.optimizer.param_groups[0]
        return {
            "step": done,
            "epoch": (batches - 1) // self.sampler.batches_per_epoch,
            "loss": float(loss.total.detach()),
            **{f"loss_{name}": _number(value) for name, value in loss.parts.items()},
            "lr": group["lr"],
            "grad_norm": None if norm is None else _number(norm),
            "timing_step": time.perf_counter() - self._stepped,
            "timing_data": self._waited,
        }

    def _check_health(self, done: int, row: dict[str, Any]) -> None:
        total = self.trainer.total_steps
        if self.collapse is None or not checked_after(done, total, self.settings.health_every):
            return
        health = self.collapse()
        wrong = []
        if broken := self.collapse.broken:
            wrong.append(f"the embeddings of {broken} of the examined items are not finite")
        if health is not None:
            row.update(columns(health))
            fallen = has_fallen(health, self.collapse.start, done, total)
            wrong += [f"{health.verdict}. {CAUSES}"] if fallen else []
        self._report_health(done, row, wrong)

    def _report_health(self, done: int, row: dict[str, Any], wrong: list[str]) -> None:
        if wrong and self.settings.on_collapse == "stop":
            self._record(row)
            raise CollapseError(
                f"step {done}: {'; '.join(wrong)}. Stopped, as training.on_collapse says; the run "
                f"so far is in {self.folder.path}."
            )
        if wrong and self.records is not None:
            self.records.display.note(f"step {done}: {'; '.join(wrong)}")

    def _record(self, row: dict[str, Any]) -> None:
        if self.records is None:
            return
        self.records.metrics.append(row)
        self.records.display.row(row, self.sampler.batch_size * self.settings.accumulate)
        if self.records.tensorboard is not None:
            self.records.tensorboard.add(row)

    def _due(self, done: int) -> bool:
        every = self.settings.checkpoint.every_steps
        at_step = every is not None and done % every == 0
        at_end = done in (self.pin_at, self.trainer.total_steps)
        return at_step or at_end or self._save_now or self.stopping


def _from_all(value: Any) -> list[Any]:
    """This value of every process, in rank order."""
    if world_size() == 1:
        return [value]
    values: list[Any] = [None] * world_size()
    dist.all_gather_object(values, value)
    return values


def _number(value: Tensor) -> float | None:
    """JSON knows no NaN and no infinity."""
    number = float(value.detach())
    return number if math.isfinite(number) else None
