"""Small runs of the toy plugin `vectors`, and what two of them must have in common."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import socket
import sys
from pathlib import Path

import torch

from unlabeled.errors import RunError, UnreadableItem
from unlabeled.recipe import merge, read_recipe
from unlabeled.run_folder import JsonLines, RunFolder
from unlabeled.training import checkpoint
from unlabeled.training.pretrain import pretrain, resume
from unlabeled.training.signals import Stopped

ITEMS = 30

MEMORY = {
    "reader": {"name": "vectors/json"},
    "encoder": {"name": "vectors/mixer"},
    "pretext": {"name": "vectors/memory"},
    "training": {"batch_size": 7, "steps": 12, "health_every": 5, "optimiser": {"lr": 0.01}},
}
"""Dropout, batch norm, a teacher and a queue: everything that a checkpoint could forget."""

BARLOW = {
    **{key: MEMORY[key] for key in ("reader", "encoder", "training")},
    "pretext": {"name": "joint_embedding"},
    "objective": {"name": "barlow_twins", "projector": [16, 8]},
    "views": [{"count": 2, "steps": [{"name": "vectors/jitter"}]}],
}


def recipe(sections=MEMORY, **training):
    """A toy recipe with other training settings."""
    return read_recipe("toy", merge(sections, {"training": training}))


def write_data(path, count=ITEMS):
    """Toy files. Returns their folder."""
    from unlabeled_vectors.parts import write

    write(path, count=count, seed=0)
    return path


def rows(out):
    """The rows of metrics without the columns that a clock fills."""
    found = JsonLines(RunFolder(Path(out)).metrics).rows()
    return [{k: v for k, v in row.items() if not k.startswith("timing_")} for row in found]


def final_state(out):
    """Every tensor of the newest checkpoint, by name: weights, buffers, optimiser, generators."""
    last = checkpoint.newest(RunFolder(Path(out)).checkpoints)
    found = dict(checkpoint.read_model(last))
    for name, part in checkpoint.read_state(last).items():
        found.update(_tensors(name, part))
    return found


def _tensors(name, part):
    if isinstance(part, torch.Tensor):
        yield name, part
    if isinstance(part, dict | list | tuple):
        for key, value in part.items() if isinstance(part, dict) else enumerate(part):
            yield from _tensors(f"{name}.{key}", value)


def same_state(one, other):
    """Equal bit for bit."""
    one, other = final_state(one), final_state(other)
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


def at_call(number, action, target):
    """Let `target.forward` run `action` at its call of that number, from 1."""
    original, calls = target.forward, []

    def forward(self, *args, **kwargs):
        calls.append(None)
        if len(calls) == number:
            action()
        return original(self, *args, **kwargs)

    return forward


def send(number):
    """An action: this process gets a signal."""
    return lambda: os.kill(os.getpid(), number)


def _start(action, *args, **environment):
    """A process that has imported everything already and is otherwise fresh."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["unlabeled.training.pretrain", "pyarrow"])
    process = context.Process(target=_run, args=(environment, sys.path, action, args))
    process.start()
    return process


def _run(environment, path, action, args):
    os.environ.update(environment)
    sys.path[:] = path
    action(*args)


def exit_code(action, *args):
    """How a process of its own ends that runs `action(*args)`."""
    process = _start(action, *args)
    process.join(120)
    return process.exitcode


def forked(action, *args):
    """The same in a copy of this process; for actions that use no torch."""
    process = multiprocessing.get_context("fork").Process(target=action, args=args)
    process.start()
    process.join(60)
    return process.exitcode


def as_torchrun_does(count, action, *args):
    """Run `action(*args)` in `count` processes with the environment that torchrun gives them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    shared = {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": port,
        "TORCHELASTIC_RUN_ID": "test",
        "WORLD_SIZE": str(count),
        "LOCAL_WORLD_SIZE": str(count),
    }
    ranks = [{**shared, "RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(count)]
    processes = [_start(action, *args, **rank) for rank in ranks]
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0] * count


def train_and_die(data, out, step, training, sections=MEMORY):
    """Pretrain until SIGKILL strikes in the middle of a step, from 1."""
    from unlabeled_vectors.method import Memory

    Memory.forward = at_call(step, send(signal.SIGKILL), Memory)
    pretrain(recipe(sections, **training), data, out, quiet=True)


def name_workers_and_die(data, out, names):
    """Write the numbers of the data workers to `names` in the second step, then SIGKILL."""
    from unlabeled_vectors.method import Memory

    def die():
        workers = multiprocessing.active_children()
        names.write_text(" ".join(str(worker.pid) for worker in workers))
        os.kill(os.getpid(), signal.SIGKILL)

    Memory.forward = at_call(2, die, Memory)
    pretrain(recipe(MEMORY, workers=2), data, out, quiet=True)


def resume_and_die(out, step):
    """Go on until SIGKILL strikes in the middle of a step, counted from the resumption."""
    from unlabeled_vectors.method import Memory

    Memory.forward = at_call(step, send(signal.SIGKILL), Memory)
    resume(out, quiet=True)


def die_while_saving(data, out, training):
    """Pretrain until SIGKILL strikes when half of the second checkpoint is written."""
    original, calls = torch.save, []

    def save(*args):
        calls.append(None)
        if len(calls) == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        original(*args)

    torch.save = save
    pretrain(recipe(**training), data, out, quiet=True)


def try_to_resume(out):
    """Exit code 7 if somebody else has the run."""
    try:
        resume(out, quiet=True)
    except RunError as error:
        os._exit(7 if "is writing to this run" in str(error) else 8)
    os._exit(9)


def train_exactly(data, out, devices):
    """Both toy recipes in float64 without dropout, with uneven batches and accumulation."""
    exact = {"precision": "64", "steps": 10, "batch_size": 7, "clip": 1.0}
    for name, sections in (("barlow", BARLOW), ("memory", MEMORY)):
        still = {**sections, "encoder": {"name": "vectors/mixer", "dropout": 0.0}}
        pretrain(recipe(still, **exact), data, Path(out) / name, devices=devices, quiet=True)


def train_replicated(data, out, devices):
    """Both toy recipes, each process with the whole batch, dropout included; one item a batch."""
    for name, sections in (("barlow", BARLOW), ("memory", MEMORY)):
        settings = {"distributed": "replicated", "precision": "64", "steps": 6, "clip": 1.0}
        settings |= {"batch_size": 1} if name == "memory" else {}
        pretrain(recipe(sections, **settings), data, Path(out) / name, devices=devices, quiet=True)


def train(data, out):
    """The run that `stop_one` interrupts."""
    pretrain(recipe(), data, out, quiet=True)


def stop_one(data, out):
    """Only the second process gets a signal; all of them must stop, after the same step."""
    from unlabeled_vectors.method import Memory

    if os.environ["RANK"] == "1":
        Memory.forward = at_call(5, send(signal.SIGTERM), Memory)
    try:
        train(data, out)
    except Stopped:
        return
    os._exit(9)


def fail_alike(data, out):
    """All processes must raise what only one of them met."""
    try:
        pretrain(recipe(unreadable="stop", epochs=2), data, out, quiet=True)
    except UnreadableItem as error:
        os._exit(0 if "0007.json" in error.source else 8)
    os._exit(9)


def manifest(out):
    """What `manifest.json` says, as it stands there."""
    return json.loads(RunFolder(Path(out)).manifest.read_text())
