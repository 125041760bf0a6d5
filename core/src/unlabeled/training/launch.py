"""Processes and devices: Fabric started as the recipe and the flags say."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning_fabric.strategies.ddp import DDPStrategy

from unlabeled.errors import RecipeError, UnlabeledError
from unlabeled.randomness import keyed_rng
from unlabeled.training.settings import Precision

T = TypeVar("T")

PRECISIONS = {"32": "32-true", "64": "64-true"}
"""Fabric's names where they differ from the recipe's."""


def launch(precision: Precision, *, devices: int, nodes: int, accelerator: str) -> Fabric:
    """Start the processes; under torchrun they exist already and say how many they are.

    Raises RecipeError if the device cannot train in this precision.
    """
    if TorchElasticEnvironment.detect():
        devices = int(os.environ["LOCAL_WORLD_SIZE"])
        nodes = int(os.environ["WORLD_SIZE"]) // devices
    fabric = Fabric(
        accelerator=accelerator,
        # Buffers are equal on all processes already: queues and statistics are of the joint batch.
        strategy=DDPStrategy(broadcast_buffers=False) if devices * nodes > 1 else "auto",
        devices=devices,
        num_nodes=nodes,
        precision=PRECISIONS.get(precision, precision),  # type: ignore[arg-type]
    )
    if precision == "16-mixed" and fabric.device.type == "cpu":
        raise RecipeError(
            "training.precision: 16-mixed needs a GPU, and this machine trains on the CPU. "
            "Use bf16-mixed or 32."
        )
    fabric.launch()
    return fabric


def first(fabric: Fabric, function: Callable[[], T]) -> T:
    """What `function` returns on the first process, on all of them; also what it raises."""
    outcome: tuple[T | None, UnlabeledError | None] = (None, None)
    if fabric.is_global_zero:
        try:
            outcome = (function(), None)
        except UnlabeledError as error:
            outcome = (None, error)
    value, raised = fabric.broadcast(outcome)
    if raised is not None:
        raise raised
    return value  # type: ignore[return-value]


def seed_generators(*key: object) -> None:
    """Seed every global generator of this process from a key."""
    seed = int(keyed_rng(*key).integers(2**31))
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
