"""Run a function as two processes that train together."""

from __future__ import annotations

import multiprocessing
import tempfile
import traceback
from collections.abc import Callable
from datetime import timedelta
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from unlabeled.conformance.check import Violation

COUNT = 2
SECONDS = 120


def on_two_processes(function: Callable[..., Any], *args: Any) -> list[Any]:
    """Results of `function(rank, *args)` on two gloo processes, in rank order.

    Results are plain Python and NumPy. Raises Violation with the traceback of the first process
    that fails, or if they do not end within two minutes.
    """
    context = _context()
    with tempfile.TemporaryDirectory() as folder:
        started = [_start(context, rank, Path(folder), function, args) for rank in range(COUNT)]
        try:
            return _collect([pipe for _, pipe in started])
        finally:
            for process, _ in started:
                process.kill()
                process.join()


def _context() -> BaseContext:
    """Where it can be had, a copy of this process: nothing is imported or pickled again."""
    methods = multiprocessing.get_all_start_methods()
    return multiprocessing.get_context("fork" if "fork" in methods else "spawn")


def _start(
    context: BaseContext,
    rank: int,
    folder: Path,
    function: Callable[..., Any],
    args: tuple[Any, ...],
) -> tuple[Any, Connection]:
    ours, theirs = context.Pipe()
    process = context.Process(  # type: ignore[attr-defined]
        target=_serve, args=(theirs, rank, folder, function, args), daemon=True
    )
    process.start()
    theirs.close()
    return process, ours


def _serve(
    pipe: Connection, rank: int, folder: Path, function: Callable[..., Any], args: tuple[Any, ...]
) -> None:
    torch.set_num_threads(1)  # a forked process has none of its parent's OpenMP threads
    dist.init_process_group(
        "gloo",
        init_method=f"file://{folder / 'meeting'}",
        rank=rank,
        world_size=COUNT,
        timeout=timedelta(seconds=SECONDS),
    )
    try:
        pipe.send((function(rank, *args), ""))
    except Exception:  # noqa: BLE001 - handed over, whatever it is
        pipe.send((None, traceback.format_exc()))


def _collect(pipes: list[Connection]) -> list[Any]:
    answers: dict[int, Any] = {}
    while len(answers) < len(pipes):
        waiting = [pipe for rank, pipe in enumerate(pipes) if rank not in answers]
        ready = wait(waiting, timeout=SECONDS)
        if not ready:
            raise Violation(f"two processes: no answer within {SECONDS} s")
        for pipe in ready:
            assert isinstance(pipe, Connection)
            rank = pipes.index(pipe)
            try:
                answers[rank], error = pipe.recv()
            except EOFError:
                error = "the process died"
            if error:
                raise Violation(f"two processes: rank {rank}: {error.strip()}")
    return [answers[rank] for rank in range(len(pipes))]
