"""Work on files that nobody has vetted: in a process of its own, bounded in time and memory."""

from __future__ import annotations

import contextlib
import multiprocessing
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

import torch

from unlabeled.errors import UnlabeledError

SECONDS_EACH = 20.0
SECONDS_FIRST = 60.0
"""The first item of a process waits for imports and weights too."""
MEMORY = 4 * 2**30
"""Bytes that a process may take beyond those with which it began."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Failed:
    """Why there is no result, as a phrase."""

    reason: str


@dataclass(frozen=True, slots=True)
class Limits:
    """seconds: for all jobs together; each, first: for one; memory: in bytes."""

    seconds: float
    each: float = SECONDS_EACH
    first: float = SECONDS_FIRST
    memory: int = MEMORY


def guarded(
    work: Callable[[int], T], jobs: Sequence[int], limits: Limits
) -> Iterator[tuple[int, T | Failed]]:
    """(job, what `work` returns) in order, until the time is over.

    A job that takes too long, too much memory or the whole process with it is `Failed`, and the
    next one gets a new process. work: picklable where processes are not forked.
    """
    end, left = time.monotonic() + limits.seconds, list(jobs)
    while left and time.monotonic() < end:
        yield from _one_process(work, left, limits, end)


def _one_process(
    work: Callable[[int], T], left: list[int], limits: Limits, end: float
) -> Iterator[tuple[int, T | Failed]]:
    """Jobs are taken off `left` as they are done; returns when the process is gone."""
    # As torch's data workers do it: forked where that is usual, as imports take seconds.
    context: Any = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    here, there = context.Pipe()
    process = context.Process(
        target=_serve, args=(work, list(left), there, limits.memory), daemon=True
    )
    process.start()
    there.close()
    patience = limits.first
    try:
        while left:
            job = left[0]
            answer = _answer(here, min(patience, end - time.monotonic()))
            if answer is None and time.monotonic() >= end:
                return
            left.pop(0)
            if answer is None:
                yield job, Failed(f"took longer than {patience:g} s")
                return
            yield job, answer
            if isinstance(answer, Failed) and answer.reason == DIED:
                return
            patience = limits.each
    finally:
        process.kill()
        process.join()
        here.close()


DIED = "ended the process that read it"


def _answer(here: Connection, seconds: float) -> Any:
    """None where the time was over."""
    try:
        return here.recv() if here.poll(max(0.0, seconds)) else None
    except EOFError:
        return Failed(DIED)


def _serve(work: Callable[[int], Any], jobs: list[int], there: Connection, memory: int) -> None:
    torch.set_num_threads(1)  # the threads of OpenMP do not survive a fork
    _limit(memory)
    for job in jobs:
        try:
            result = work(job)
        except UnlabeledError as error:
            result = Failed(str(error))
        except MemoryError:
            result = Failed(f"needs more than {memory / 2**30:.0f} GiB of memory")
        except Exception as error:  # noqa: BLE001 - a strange file can raise anything
            result = Failed(f"{type(error).__name__}: {error}")
        with contextlib.suppress(BrokenPipeError):
            there.send(result)


def _limit(memory: int) -> None:
    """Where the system can: a request for more raises MemoryError."""
    taken = Path("/proc/self/statm")
    if not taken.is_file():
        return
    import resource

    limit = int(taken.read_text().split()[0]) * resource.getpagesize() + memory
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))
