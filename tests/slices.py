"""The two first slices, molecules and sound, on their own synthetic data."""

from __future__ import annotations

import signal
from pathlib import Path

from toy_runs import at_call, send

from unlabeled import discovery
from unlabeled.recipe import Recipe, load_recipe
from unlabeled.training.pretrain import pretrain

SLICES = {
    "graph/graphmae": {"encoder": {"width": 16, "depth": 2}},
    "audio/ssast": {"encoder": {"width": 24, "depth": 1}},
}
"""Small encoders: what is tested does not depend on the size."""

STEPS = 8


def small(name: str, **training: object) -> Recipe:
    """The shipped recipe with a small encoder and a few steps."""
    settings = {"steps": STEPS, "batch_size": 6, "health_every": 3, "workers": 0, **training}
    return load_recipe(name, {**SLICES[name], "training": settings})


def write_data(name: str, folder: Path) -> Path:
    """The synthetic data of the recipe's reader."""
    modality, _, reader = load_recipe(name).reader.name.partition("/")
    plugin = discovery.usable(modality).plugin
    assert plugin is not None
    folder.mkdir()
    discovery.resolve(plugin.synthetic[reader].target)(folder, count=16, seed=0)
    return folder


def train_and_die(name: str, data: Path, out: Path, step: int, training: dict[str, object]) -> None:
    """Pretrain until SIGKILL strikes in the middle of a step, from 1."""
    method = discovery.load("pretexts", load_recipe(name).pretext.name)
    method.forward = at_call(step, send(signal.SIGKILL), method)
    pretrain(small(name, **training), data, out, quiet=True)


def train_exactly(name: str, data: Path, out: Path) -> None:
    """In float64, as one process or as a part of several."""
    exact = {"precision": "64", "steps": 10, "batch_size": 5}
    pretrain(small(name, **exact), data, out, quiet=True)
