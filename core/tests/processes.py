"""Run a test's function on several gloo processes, which are started once and then reused.

    from processes import run_on

    def share(rank, factor):          # at module level of the test file
        return factor * rank          # tensors, numbers, tuples, dicts

    def test_it():
        assert run_on(2, share, 3.0) == [0.0, 3.0]

The workers load the test file by its path, so pytest's import mode does not matter.
"""

from __future__ import annotations

import atexit
import importlib.util
import inspect
import multiprocessing
import os
import pickle
import tempfile
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from types import ModuleType
from typing import Any

SECONDS = 120


def run_on(count: int, function: Callable[..., Any], *args: Any) -> list[Any]:
    """What `function(rank, *args)` returns on each of `count` processes, in rank order."""
    pool = _pool(count)
    try:
        return pool.run(function, args)
    except Exception:
        # A process that failed may have left the others inside a collective.
        pool.close()
        _pool.cache_clear()
        raise


class _Pool:
    def __init__(self, count: int) -> None:
        context = multiprocessing.get_context("spawn")
        meeting = Path(tempfile.mkdtemp()) / "meeting"
        self.pipes: list[Connection] = []
        self.processes: list[Any] = []
        for rank in range(count):
            ours, theirs = context.Pipe()
            process = context.Process(
                target=_serve, args=(theirs, rank, count, str(meeting)), daemon=True
            )
            process.start()
            self.pipes.append(ours)
            self.processes.append(process)
        atexit.register(self.close)

    def run(self, function: Callable[..., Any], args: tuple[Any, ...]) -> list[Any]:
        request = pickle.dumps([_by_path(each) for each in (function, *args)])
        for pipe in self.pipes:
            pipe.send_bytes(request)
        answers = [self._answer(pipe) for pipe in self.pipes]
        for _, error in answers:
            if error:
                raise RuntimeError(error)
        return [value for value, _ in answers]

    def _answer(self, pipe: Connection) -> tuple[Any, str]:
        if not pipe.poll(SECONDS):
            raise TimeoutError(f"a process did not answer within {SECONDS} s")
        value, error = pickle.loads(pipe.recv_bytes())
        return value, error

    def close(self) -> None:
        for process in self.processes:
            process.kill()


_pool = cache(_Pool)


def _serve(pipe: Connection, rank: int, count: int, meeting: str) -> None:
    import torch
    import torch.distributed as dist

    torch.set_num_threads(1)
    dist.init_process_group(
        "gloo",
        init_method=f"file://{meeting}",
        rank=rank,
        world_size=count,
        timeout=timedelta(seconds=SECONDS // 2),
    )
    while os.getppid() != 1:
        request = pickle.loads(pipe.recv_bytes())
        value, error = None, ""
        try:
            function, *args = [_loaded(each) for each in request]
            value = function(rank, *args)
        except Exception:
            error = f"rank {rank}:\n{traceback.format_exc()}"
        pipe.send_bytes(pickle.dumps((value, error)))


@dataclass(frozen=True)
class _InTestFile:
    file: str
    name: str


def _by_path(value: Any) -> Any:
    """A test file's function cannot be pickled by its module's name."""
    if inspect.isfunction(value) and Path(inspect.getfile(value)).name.startswith("test_"):
        return _InTestFile(inspect.getfile(value), value.__name__)
    return value


def _loaded(value: Any) -> Any:
    return getattr(_module(value.file), value.name) if isinstance(value, _InTestFile) else value


@cache
def _module(file: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"worker_{Path(file).stem}", file)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
