"""Processes and devices: start Fabric according to recipe and flags."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments.slurm import SLURMEnvironment
from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning_fabric.strategies.ddp import DDPStrategy

from unlabeled.errors import RecipeError, UnlabeledError, UsageError
from unlabeled.randomness import keyed_rng
from unlabeled.training.settings import Precision

T = TypeVar("T")

FEW = 8
"""Processes that may share fewer cores, to try a distributed run."""

PRECISIONS = {"32": "32-true", "64": "64-true"}
"""Fabric's names where they differ from the recipe's."""


def launch(precision: Precision, *, devices: int, nodes: int, accelerator: str) -> Fabric:
    """Start the processes; under torchrun they exist already and know their number.

    Raises UsageError for processes that this machine or its launcher does not have, RecipeError if
    the device cannot train in this precision.
    """
    devices, nodes = processes(devices, nodes)
    _require_devices(devices, accelerator)
    try:
        fabric = Fabric(
            accelerator=accelerator,
            # Buffers are equal on all processes already: queues and statistics are of the joint
            # batch.
            strategy=DDPStrategy(broadcast_buffers=False) if devices * nodes > 1 else "auto",
            devices=devices,
            num_nodes=nodes,
            precision=PRECISIONS.get(precision, precision),  # type: ignore[arg-type]
        )
    except (ValueError, RuntimeError, KeyError) as error:
        raise _not_started(error) from error
    if precision == "16-mixed" and fabric.device.type == "cpu":
        raise RecipeError(
            "training.precision: 16-mixed needs a GPU, and this machine trains on the CPU. "
            "Use bf16-mixed or 32."
        )
    try:
        fabric.launch()
    except (ValueError, RuntimeError, KeyError) as error:
        raise _not_started(error) from error
    return fabric


def processes(devices: int, nodes: int) -> tuple[int, int]:
    """Processes per node, and nodes, from torchrun or from the arguments. Raises UsageError."""
    for flag, count in (("--devices", devices), ("--nodes", nodes)):
        if count < 1:
            raise UsageError(f"{flag}: expected 1 or more, found {count}.")
    if TorchElasticEnvironment.detect():
        local, world = _from_environment("LOCAL_WORLD_SIZE"), _from_environment("WORLD_SIZE")
        if world % local:
            raise UsageError(
                f"WORLD_SIZE: expected a multiple of LOCAL_WORLD_SIZE ({local}), found {world}. "
                "torchrun has to start as many processes on every machine."
            )
        return local, world // local
    if SLURMEnvironment.detect():
        _require_tasks(devices, nodes)
    elif nodes > 1 and not {"MASTER_ADDR", "NODE_RANK"} <= os.environ.keys():
        raise UsageError(
            f"--nodes {nodes}: each machine needs MASTER_ADDR (the first one's address) and "
            "NODE_RANK (0, 1, …) in its environment. torchrun and srun set what they need."
        )
    return devices, nodes


def _require_tasks(devices: int, nodes: int) -> None:
    """Raises UsageError if srun started other numbers of processes."""
    requested = {
        "SLURM_NTASKS_PER_NODE": ("--devices", devices),
        "SLURM_NNODES": ("--nodes", nodes),
    }
    for name, (flag, count) in requested.items():
        if name in os.environ and (found := _from_environment(name)) != count:
            raise UsageError(f"{flag} {count}: SLURM says {name}={found}. Use {flag} {found}.")


def _require_devices(devices: int, accelerator: str) -> None:
    """Raises UsageError if this machine lacks the accelerator, or has too few."""
    known = ("auto", "cpu", "cuda")
    if accelerator not in known:
        raise UsageError(f"--accelerator: expected {', '.join(known)}, found {accelerator!r}.")
    if accelerator == "cuda" and not torch.cuda.is_available():
        raise UsageError("--accelerator cuda: this machine has no GPU that torch can use.")
    on_gpu = accelerator != "cpu" and torch.cuda.is_available()
    kind, most = ("GPUs", torch.cuda.device_count()) if on_gpu else ("cores", os.cpu_count() or 1)
    if devices > (most if on_gpu else max(most, FEW)):
        raise UsageError(f"--devices {devices}: this machine has {most} {kind}.")


def _from_environment(name: str) -> int:
    value = os.environ.get(name, "")
    if not (value.isascii() and value.isdigit() and int(value)):
        raise UsageError(f"{name} (environment): expected a number above 0, found {value!r}.")
    return int(value)


def _not_started(error: Exception) -> UsageError:
    return UsageError(
        f"the processes cannot be started: {str(error).partition(chr(10))[0] or repr(error)} "
        "Check --devices, --nodes and --accelerator, and what torchrun or SLURM set."
    )


def first(fabric: Fabric, function: Callable[[], T]) -> T:
    """The return value of `function` on the first process, or its exception, on all processes."""
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
