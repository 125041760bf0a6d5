"""What the training loop costs per step, beside plain PyTorch and bare Fabric.

run: python core/benchmarks/loop.py [--rounds 40]

Four loops over the same batch and method alternate in one process, in blocks of steps: plain
PyTorch, bare Fabric, ours without metrics, ours with everything (rows of metrics, progress,
gradient norm). Time is the process's own (one thread), so that a busy machine does not count.
Overhead is the median time per step above plain PyTorch's, with a method so small
that it is nearly all there is. Health costs one check of `ITEMS` items at the steps that
`checked_after` names, of a run of 2,001 steps, where they are densest for runs so long; a check is
timed beside a method whose step takes about 50 ms. Results go to results/loop.json.

bars: ours without metrics <= 1.5 x bare Fabric's overhead; everything <= 2 % of a 50 ms step.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from unlabeled.contract import Batch, Encoder, Loss, Output, Pretext
from unlabeled.data.items import Items
from unlabeled.data.quarantine import Limits, Quarantine
from unlabeled.run_folder import JsonLines, RunFolder
from unlabeled.settings import Settings
from unlabeled.training.collapse_monitor import ITEMS, CollapseMonitor, checked_after
from unlabeled.training.environment import deterministic
from unlabeled.training.loader import BatchSampler, Fetched
from unlabeled.training.loop import Trainer
from unlabeled.training.monitor import Records, TrainingMonitor
from unlabeled.training.optimisers import build_optimiser, build_schedule
from unlabeled.training.progress import display
from unlabeled.training.settings import TrainingSettings
from unlabeled.training.signals import StopRequest

RESULTS = Path(__file__).parent / "results" / "loop.json"
STEP = 0.050
BATCH = 64
LONG = 2001
"""Steps of a run whose health may cost at most 1 %."""
BLOCK = 25
"""Steps of one loop before the next one has its turn."""

Block = Callable[[int], None]
"""Trains that many steps."""


class Shape(Settings):
    width: int
    depth: int


class Stack(Encoder):
    """(N, width) -> (N, width), `depth` linear layers."""

    settings_type = Shape

    def __init__(self, settings: Shape) -> None:
        super().__init__(settings)
        self.outputs = (Output("vector", "global", settings.width),)
        layers = [nn.Linear(settings.width, settings.width) for _ in range(settings.depth)]
        self.layers = nn.Sequential(*layers)

    def collate(self, samples: Sequence[Tensor]) -> Tensor:
        return torch.stack(list(samples))

    def _encode(self, batch: Batch, output: str) -> Tensor:  # noqa: ARG002 - it has one
        encoded: Tensor = self.layers(batch)
        return encoded


class Reconstruct(Pretext):
    """Squared error between input and output."""

    settings_type = Settings

    def example(self, sample: Any, draw: Any) -> Any:  # noqa: ARG002 - never called
        return sample

    def collate(self, examples: Sequence[Any]) -> Batch:
        return torch.stack(list(examples))

    def forward(self, batch: Batch) -> Loss:
        error = (self.encoder(batch) - batch).square().mean()
        return Loss(error, {"error": error.detach()})


@dataclass
class Loops:
    """The four loops over one method and batch."""

    shape: Shape
    folder: Path
    stack: ExitStack

    def __post_init__(self) -> None:
        torch.manual_seed(0)
        self.settings = TrainingSettings(steps=10**7, batch_size=BATCH, health_every=0)
        self.fabric = Fabric(accelerator="cpu", devices=1)
        self.batch = torch.randn(BATCH, self.shape.width)

    def method(self) -> tuple[Reconstruct, torch.optim.Optimizer]:
        pretext = Reconstruct(Settings(), Stack(self.shape))
        return pretext, build_optimiser(self.settings.optimiser, pretext)

    def plain(self) -> Block:
        pretext, optimiser = self.method()

        def block(steps: int) -> None:
            for _ in range(steps):
                pretext(self.batch).total.backward()
                optimiser.step()
                optimiser.zero_grad()

        return block

    def bare_fabric(self) -> Block:
        module, optimiser = self.fabric.setup(*self.method())

        def block(steps: int) -> None:
            for _ in range(steps):
                self.fabric.backward(module(self.batch).total)
                optimiser.step()
                optimiser.zero_grad()

        return block

    def trainer(self) -> Trainer:
        module, optimiser = self.fabric.setup(*self.method())
        rate = build_schedule(self.settings.schedule, 10**7)
        return Trainer(self.fabric, module, optimiser, rate, 10**7)

    def without_metrics(self) -> Block:
        trainer = self.trainer()
        counter = iter(range(10**7))

        def block(steps: int) -> None:
            batches = repeat(self.batch)
            for _ in range(steps):
                trainer.step(next(counter), batches, measure=False)

        return block

    def with_everything(self) -> Block:
        trainer = self.trainer()
        monitor = self.monitor(trainer)
        counter = iter(range(10**7))
        batches = monitor.batches(self.fetched())

        def block(steps: int) -> None:
            for _ in range(steps):
                step = next(counter)
                loss, norm = trainer.step(step, batches, measure=True)
                monitor.after_step(step + 1, loss, norm)

        return block

    def fetched(self) -> Iterator[Fetched]:
        return repeat(Fetched(self.batch))

    def monitor(self, trainer: Trainer) -> TrainingMonitor:
        folder = RunFolder(self.folder)
        items = Items.of({"id": ["a"], "source": ["a"], "size": [1]})
        shown = self.stack.enter_context(display(10**7, 0, quiet=False))
        return TrainingMonitor(
            folder,
            trainer,
            self.settings,
            BatchSampler(np.ones(BATCH, int), self.settings),
            Quarantine(JsonLines(folder.quarantine), items, Limits(), write=True),
            records=Records(JsonLines(folder.metrics), shown),
            collapse=None,
            stop=self.stack.enter_context(StopRequest()),
        )


def interleaved(blocks: dict[str, Block], rounds: int) -> dict[str, list[float]]:
    """Seconds per step of each loop, `rounds` blocks each, taking turns."""
    times: dict[str, list[float]] = {name: [] for name in blocks}
    for block in blocks.values():
        block(BLOCK)
    for _ in range(rounds):
        for name, block in blocks.items():
            began = time.process_time()
            block(BLOCK)
            times[name].append((time.process_time() - began) / BLOCK)
    return times


def shape_of_a_step(seconds: float) -> Shape:
    """The depth at which a plain step takes about that long."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        block = Loops(Shape(width=512, depth=4), Path(folder), stack).plain()
        times = interleaved({"plain": block}, 2)["plain"]
    return Shape(width=512, depth=max(1, round(4 * seconds / statistics.median(times))))


def health(rounds: int) -> tuple[float, float]:
    """Median seconds of a step and of a check of `ITEMS` items, in turns."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        loops = Loops(shape_of_a_step(STEP), Path(folder), stack)
        trainer = loops.trainer()
        batches = [torch.randn(BATCH, loops.shape.width) for _ in range(ITEMS // BATCH)]
        examine = CollapseMonitor(loops.fabric, trainer.pretext.exported, batches)
        steps, checks = [], []
        trainer.step(0, repeat(loops.batch), measure=False)
        for _ in range(rounds):
            began = time.process_time()
            trainer.step(0, repeat(loops.batch), measure=False)
            middle = time.process_time()
            examine()
            steps.append(middle - began)
            checks.append(time.process_time() - middle)
    return statistics.median(steps), statistics.median(checks)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rounds", type=int, default=40)
    rounds = arguments.parse_args().rounds
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        stack.enter_context(deterministic(True))
        loops = Loops(Shape(width=8, depth=1), Path(folder), stack)
        blocks = {
            "plain": loops.plain(),
            "bare_fabric": loops.bare_fabric(),
            "without_metrics": loops.without_metrics(),
            "with_everything": loops.with_everything(),
        }
        times = interleaved(blocks, rounds)
    step, check = health(rounds // 2)
    result = summary(times, step, check)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


def summary(times: dict[str, list[float]], step: float, check: float) -> dict[str, Any]:
    """Milliseconds, and the two ratios that have a bar."""
    above = {
        name: [value - plain for value, plain in zip(values, times["plain"], strict=True)]
        for name, values in times.items()
    }
    overhead = {name: statistics.median(values) for name, values in above.items()}
    checks = sum(checked_after(done, LONG, None) for done in range(1, LONG + 1))
    health = check * checks / (step * LONG)
    ratios = [
        ours / bare
        for ours, bare in zip(above["without_metrics"], above["bare_fabric"], strict=True)
    ]
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.machine()}, {torch.get_num_threads()} thread",
        "load": round(os.getloadavg()[0], 1),
        "versions": {"torch": torch.__version__},
        "ms_per_step": {name: 1e3 * statistics.median(values) for name, values in times.items()},
        "overhead_ms": {name: 1e3 * value for name, value in overhead.items() if name != "plain"},
        "without_metrics_over_bare_fabric": {
            "ratio_of_medians": overhead["without_metrics"] / overhead["bare_fabric"],
            "quartiles": [round(q, 3) for q in statistics.quantiles(ratios, n=4)],
            "bar": 1.5,
        },
        "health": {"step_ms": 1e3 * step, "check_ms": 1e3 * check, "checks": checks, "steps": LONG},
        "everything_share_of_50_ms_step": {
            "metrics": overhead["with_everything"] / STEP,
            "health": health,
            "sum": overhead["with_everything"] / STEP + health,
            "of which bare Fabric": overhead["bare_fabric"] / STEP,
            "bar": 0.02,
        },
    }


if __name__ == "__main__":
    main()
