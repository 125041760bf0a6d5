"""Every objective beside lightly's class of the same name (or the plain formula in PyTorch).

run: OMP_NUM_THREADS=1 python core/benchmarks/objectives.py [--only nt_xent,dcl] [--shapes 256x128]

Forward and backward on one thread, the two alternating in one process. time: median of peer's
CPU time / ours; memory: peer's peak / ours, in MB above the inputs, each measured once in a fresh
fork. Above 1 ours is better. error: our float32 value against our float64 one. Values and
gradients of the two are compared before anything is timed. `--large` adds the contrastive losses
at 32,768 × 128, where only ours runs. Results go to results/objectives.json.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import statistics
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import torch
import torch.nn.functional as F
from objective_cases import CASES, LARGE, Case
from torch import Tensor

from unlabeled.contract import Loss

RESULTS = Path(__file__).parent / "results" / "objectives.json"
SECONDS, MOST_ROUNDS = 3.0, 101
SHAPES = ((256, 128), (4096, 128), (1024, 8192))
Function = Callable[..., Tensor]


@dataclass
class Result:
    objective: str
    peer: str
    shape: tuple[int, int]
    time_ratio: float = 0.0
    time_quartiles: tuple[float, float] = (0.0, 0.0)
    our_seconds: float = 0.0
    memory_ratio: float = 0.0
    our_megabytes: float = 0.0
    relative_error: float = 0.0


def inputs(shape: tuple[int, int], views: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(shape, generator=generator)
    drawn = (torch.randn(shape, generator=generator) for _ in range(views))
    return [(F.normalize(rows + 0.5 * each, dim=1)).requires_grad_() for each in drawn]


def differentiated(loss: Function, tensors: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
    """Forward and backward: the value and the gradients that there are."""
    value = _total(loss(*tensors))
    gradients = torch.autograd.grad(value, tensors, allow_unused=True)
    return value.detach(), [gradient for gradient in gradients if gradient is not None]


def require_equal(case: Case, tensors: Sequence[Tensor]) -> None:
    """Both sides give one value, and gradients that differ by less than 1 % of their length."""
    (ours, mine), (theirs, other) = (
        differentiated(each, tensors) for each in (case.ours, case.theirs)
    )
    torch.testing.assert_close(ours, theirs, rtol=2e-3, atol=1e-4)
    for gradient, expected in zip(mine, other, strict=True):
        apart, length = (gradient - expected).norm(), expected.norm()
        assert apart <= 0.01 * length, f"gradients differ by {apart:.1e} of {length:.1e}"


def seconds(loss: Function, tensors: Sequence[Tensor]) -> float:
    start = time.process_time()
    differentiated(loss, tensors)
    return time.process_time() - start


def peak_megabytes(loss: Function, shape: tuple[int, int], views: int) -> float:
    """Peak resident memory of one step above the inputs, in a fork whose heap is clean."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        differentiated(loss, inputs((16, 16), views))
        tensors = inputs(shape, views)
        gc.collect()
        Path("/proc/self/clear_refs").write_text("5")
        before = _status("VmRSS")
        differentiated(loss, tensors)
        os.write(writing, str(_status("VmHWM") - before).encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    answer = os.read(reading, 100)
    os.close(reading)
    return int(answer) / 1024 if answer else float("nan")


def _status(field: str) -> int:
    """A field of /proc/self/status, in kB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(field)))


def measure(name: str, shape: tuple[int, int]) -> Result:
    case = CASES[name]
    # Memory first: after a backward pass in the parent, autograd refuses to work in a fork.
    ours = peak_megabytes(case.ours, shape, case.views)
    theirs = peak_megabytes(case.theirs, shape, case.views)
    # What a page or two decide is no comparison: less than 1 MB counts as 1 MB.
    ratio = max(theirs, 1.0) / max(ours, 1.0)
    return Result(name, case.peer, shape, memory_ratio=ratio, our_megabytes=ours)


def measure_large(name: str) -> dict[str, float]:
    """Ours alone: peak memory of a step, and the error of the value."""
    case, shape = CASES[name], (32768, 128)
    found = {"megabytes": peak_megabytes(case.ours, shape, case.views)}
    with torch.no_grad():
        tensors = inputs(shape, case.views)
        value, exact = (
            _total(case.ours(*(x.to(t) for x in tensors))) for t in (torch.float, torch.double)
        )
    found["relative_error"] = float((value - exact).abs() / exact.abs())
    print(f"{name} {shape}: {found['megabytes']:.0f} MB, error {found['relative_error']:.0e}")
    return found


def _total(value: Tensor | Loss) -> Tensor:
    return value.total if isinstance(value, Loss) else value


def time_both(result: Result, rounds: int) -> None:
    case = CASES[result.objective]
    tensors = inputs(result.shape, case.views)
    require_equal(case, tensors)
    value, _ = differentiated(case.ours, tensors)
    exact, _ = differentiated(case.ours, [x.detach().double().requires_grad_() for x in tensors])
    result.relative_error = float((value - exact).abs() / exact.abs())
    pairs = [(seconds(case.ours, tensors), seconds(case.theirs, tensors))]
    while len(pairs) < rounds or (sum(map(sum, pairs)) < SECONDS and len(pairs) < MOST_ROUNDS):
        pairs.append((seconds(case.ours, tensors), seconds(case.theirs, tensors)))
    ratios = [theirs / ours for ours, theirs in pairs]
    low, middle, high = statistics.quantiles(ratios, n=4)
    result.time_ratio, result.time_quartiles = middle, (low, high)
    result.our_seconds = statistics.median(ours for ours, _ in pairs)


def show(result: Result) -> None:
    low, high = result.time_quartiles
    print(
        f"{result.objective:20} {result.shape!s:14} {result.peer:8}"
        f" time {result.time_ratio:6.2f} x [{low:.2f}, {high:.2f}] {result.our_seconds:8.4f} s"
        f"  memory {result.memory_ratio:6.2f} x {result.our_megabytes:8.1f} MB"
        f"  error {result.relative_error:.0e}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default=",".join(CASES), help="names, comma-separated")
    parser.add_argument("--shapes", default="", help="256x128,16x65536; all if not given")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--large", action="store_true", help="also 32,768 × 128, ours alone")
    options = parser.parse_args()
    warnings.filterwarnings("ignore", message="To copy construct")
    torch.set_num_threads(1)
    names = options.only.split(",")
    wanted = [tuple(map(int, shape.split("x"))) for shape in options.shapes.split(",") if shape]
    planned = [
        (name, shape)
        for name in names
        for shape in (*CASES[name].shapes, *SHAPES)
        if shape in wanted or not wanted
    ]
    results = [measure(name, shape) for name, shape in planned]
    large = {name: measure_large(name) for name in names if options.large and name in LARGE}
    for result in results:
        time_both(result, options.rounds)
        show(result)
        save([result], large)


def save(results: Sequence[Result], large: dict[str, dict[str, float]]) -> None:
    """Keep the results of cases that were not run this time."""
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"results": []}
    fresh = {(r.objective, tuple(r.shape)) for r in results}
    old = [r for r in kept["results"] if (r["objective"], tuple(r["shape"])) not in fresh]
    date = datetime.now(UTC).date().isoformat()
    rows = [*old, *({**asdict(result), "date": date} for result in results)]
    report = {
        "machine": f"{platform.machine()}, 1 thread, torch {torch.__version__}",
        "results": sorted(rows, key=lambda row: (row["objective"], list(row["shape"]))),
        "32768x128": {**kept.get("32768x128", {}), **large},
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
