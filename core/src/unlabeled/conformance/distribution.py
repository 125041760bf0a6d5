"""Clauses D: results do not depend on the number of workers or processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.distributed as dist

from unlabeled.conformance.check import Check, Clause, Violation, checks_of, require
from unlabeled.conformance.comparison import as_type, difference
from unlabeled.conformance.fixture import Fixture, without_dropout
from unlabeled.conformance.processes import COUNT, on_two_processes
from unlabeled.contract import Batch, Pretext
from unlabeled.distributed import alone, synchronise_batch_norm, world_size
from unlabeled.recipe import Recipe
from unlabeled.training.loader import BatchSampler, Examples, RankBatches, load
from unlabeled.training.settings import TrainingSettings

STEPS = 2
TOLERANCE = 1e-9

WORKERS = Clause(
    "D1",
    "workers",
    "The same batches come from one process and from two data workers, and every rank gets its "
    "rows of the joint batch.",
    "randomness seeded by the worker, or state in the pretext or reader that `example` changes",
    costly=True,
)
PROCESSES = Clause(
    "D2",
    "processes",
    "Two processes equal one with the joint batch: losses, gradients and weights over two steps "
    "(float64, no dropout, 1e-9).",
    "a mean over the local batch; use `global_mean` and `gather_rows` of `unlabeled.distributed`",
    costly=True,
)
REPLICATED = Clause(
    "D3",
    "replicated",
    "Where a recipe says `distributed: replicated`, two processes that hold the same batch give "
    "the losses, gradients and weights of one.",
    "randomness of its own, or a collective of torch.distributed that counts every row twice; use "
    "torch's global generator, which replicas share, and `unlabeled.distributed`",
    costly=True,
)


def checks(fixture: Fixture) -> Iterator[Check]:
    """The checks of every pretext that a recipe uses, and of every replicated recipe."""
    for name in fixture.pretext_names():
        recipes = fixture.recipes_with("pretext", name)
        runs: dict[Clause, Callable[..., None]] = {}
        if recipes:
            runs[WORKERS] = _workers
        if any(_is_split(recipe) for recipe in recipes):
            runs[PROCESSES] = _processes
        yield from checks_of(f"pretexts/{fixture.short(name)}", runs, fixture, name)
    for name, recipe in fixture.recipes.items():
        if not _is_split(recipe):
            yield from checks_of(f"recipes/{name}", {REPLICATED: _replicated}, fixture, recipe)


def _is_split(recipe: Recipe) -> bool:
    return recipe.training.distributed == "split"


def _workers(fixture: Fixture, name: str) -> None:
    recipe = fixture.smallest_recipe("pretext", name)
    pretext = fixture.pretext(recipe)
    one = _loaded(fixture, recipe, pretext)
    for index, batch in enumerate(_loaded(fixture, recipe, pretext, workers=2)):
        seen = difference(one[index], batch)
        require(not seen, f"batch {index} of two workers, {seen}")
    for rank in range(COUNT):
        for index, batch in enumerate(_loaded(fixture, recipe, pretext, rank=rank)):
            rows = _rows(len(_sampler(fixture, recipe, pretext).batch(index)), rank)
            seen = difference(batch, _part(fixture, recipe, pretext, index, rows))
            require(not seen, f"batch {index} of rank {rank}, {seen}")


def _training(fixture: Fixture, pretext: Pretext, **settings: Any) -> TrainingSettings:
    return TrainingSettings(batch_size=fixture.size(pretext), epochs=1, **settings)


def _sampler(fixture: Fixture, recipe: Recipe, pretext: Pretext) -> BatchSampler:
    sizes = fixture.items(recipe.reader).table["size"].to_numpy()
    return BatchSampler(sizes, _training(fixture, pretext))


def _loaded(
    fixture: Fixture, recipe: Recipe, pretext: Pretext, workers: int = 0, rank: int | None = None
) -> list[Batch]:
    """Two batches as training loads them; whole ones, or the rows of one of two ranks."""
    settings = _training(fixture, pretext, workers=workers)
    items, reader = fixture.items(recipe.reader), fixture.reader(recipe.reader)
    ranks = (0, 1) if rank is None else (rank, COUNT)
    sampler = _sampler(fixture, recipe, pretext)
    slices = RankBatches(sampler, 0, 2, rank=ranks[0], processes=ranks[1])
    examples = Examples(items, reader, pretext, settings, fixture.labels(recipe))
    fetched = list(load(examples, slices, pin=False))
    for one in fetched:
        if one.error:
            raise Violation(f"loading a batch: {one.error}") from one.error
    return [one.batch for one in fetched]


def _part(fixture: Fixture, recipe: Recipe, pretext: Pretext, index: int, rows: slice) -> Batch:
    """Rows of a joint batch, made here and now."""
    references = _sampler(fixture, recipe, pretext).batch(index)[rows]
    places = [
        reference.epoch * len(fixture.items(recipe.reader)) + reference.item
        for reference in references
    ]
    return fixture.batch(recipe, pretext, places)


def _rows(count: int, rank: int) -> slice:
    first, last = (count * r // COUNT for r in (rank, rank + 1))
    return slice(first, last)


@dataclass(frozen=True, slots=True)
class Trace:
    """What a few steps leave behind: losses, gradients of the first, weights and buffers."""

    losses: list[float]
    gradients: dict[str, np.ndarray]
    state: dict[str, np.ndarray]


def _processes(fixture: Fixture, name: str) -> None:
    """With an odd number of samples, so that the processes' shares differ."""
    recipe = min(filter(_is_split, fixture.recipes_with("pretext", name)), key=fixture.size_of)
    pretext = without_dropout(fixture.pretext(recipe, torch.float64))
    count = 2 * max(2, pretext.smallest_batch) + 1
    steps = [fixture.examples(recipe, pretext, range(count), epoch=epoch) for epoch in range(STEPS)]
    parts = [
        [_joined(pretext, examples[_rows(count, rank)]) for examples in steps]
        for rank in range(COUNT)
    ]
    found = on_two_processes(_trace_of_rank, pretext, parts)
    expected = _trace(pretext, [_joined(pretext, examples) for examples in steps])
    for rank in range(COUNT):
        _require_alike(expected, found[rank], f"rank {rank} of two processes")


def _replicated(fixture: Fixture, recipe: Recipe) -> None:
    pretext = fixture.pretext(recipe, torch.float64)
    count = fixture.size(pretext)
    steps = [
        _joined(pretext, fixture.examples(recipe, pretext, range(count), epoch=epoch))
        for epoch in range(STEPS)
    ]
    found = on_two_processes(_trace_of_replica, pretext, steps)
    with torch.random.fork_rng(devices=[]):
        expected = _trace_of_replica(0, pretext, steps)
    for rank in range(COUNT):
        _require_alike(expected, found[rank], f"rank {rank} of two processes")


def _joined(pretext: Pretext, examples: Sequence[Any]) -> Batch:
    return as_type(pretext.collate(examples), torch.float64)


def _trace_of_rank(rank: int, pretext: Pretext, parts: Sequence[Sequence[Batch]]) -> Trace:
    torch.manual_seed(rank)
    module = synchronise_batch_norm(pretext)
    assert isinstance(module, Pretext)
    return _trace(module, parts[rank])


def _trace_of_replica(rank: int, pretext: Pretext, batches: Sequence[Batch]) -> Trace:  # noqa: ARG001
    torch.manual_seed(0)
    return _trace(pretext, batches, alone)


def _trace(
    pretext: Pretext,
    batches: Sequence[Batch],
    around: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> Trace:
    """Plain gradient descent, averaging gradients over processes as training does."""
    trained = {name: p for name, p in pretext.named_parameters() if p.requires_grad}
    optimiser = torch.optim.SGD(trained.values(), lr=0.01)
    losses: list[float] = []
    gradients: dict[str, np.ndarray] = {}
    for step, batch in enumerate(batches):
        optimiser.zero_grad()
        with around():
            loss = pretext(batch).total
            loss.backward()
        _average_gradients(trained.values())
        if step == 0:
            gradients = {
                name: _as_array(p.grad) for name, p in trained.items() if p.grad is not None
            }
        optimiser.step()
        with around():
            pretext.after_step(step, len(batches))
        losses.append(loss.item())
    state = {name: _as_array(value) for name, value in pretext.state_dict().items()}
    return Trace(losses, gradients, state)


def _average_gradients(parameters: Any) -> None:
    if world_size() == 1:
        return
    for parameter in parameters:
        if parameter.grad is not None:
            dist.all_reduce(parameter.grad)
            parameter.grad /= world_size()


def _as_array(tensor: torch.Tensor) -> np.ndarray:
    return np.array(tensor.detach().numpy())


def _require_alike(expected: Trace, found: Trace, who: str) -> None:
    for step, (loss, seen) in enumerate(zip(expected.losses, found.losses, strict=True)):
        near = abs(loss - seen) <= TOLERANCE * max(1, abs(loss))
        require(near, f"{who}, step {step}: loss {seen}, not {loss}")
    for what, one, other in (
        ("gradient", expected.gradients, found.gradients),
        ("state", expected.state, found.state),
    ):
        require(one.keys() == other.keys(), f"{who}: another set of {what}s")
        for name, value in one.items():
            near = np.allclose(other[name], value, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)
            require(near, f"{who}: {what} of {name} differs")
