"""Clauses R7 and A5: masks lie on their samples, and stay on them when samples are augmented."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch

from unlabeled import discovery
from unlabeled.conformance.augmentations import DRAWS
from unlabeled.conformance.check import Check, Clause, checks_of, require
from unlabeled.conformance.comparison import arrays, main_values
from unlabeled.conformance.fixture import Fixture
from unlabeled.contract import (
    BatchAugmentation,
    DenseTarget,
    MovesSpace,
    Reader,
    ReadsTargets,
    Sample,
)
from unlabeled.data.items import Items
from unlabeled.data.training_labels import LabelSettings, training_labels
from unlabeled.errors import UnlabeledError
from unlabeled.plugin import Component
from unlabeled.randomness import keyed_rng
from unlabeled.recipe import Choice

TARGETS = Clause(
    "R7",
    "targets",
    "A mask is read on the grid of its sample, whole or a window, where the sample shows it.",
    "a mask read whole where a window was drawn, turned or flipped otherwise than the image, or a "
    "synthetic folder without masks.csv (item, mask)",
)
SPACE = Clause(
    "A5",
    "space",
    "An image that equals its mask still does after an augmentation that moves space; one that "
    "does not say so moves nothing.",
    "a draw that depends on values or channels, masks that are interpolated, or `MovesSpace` that "
    "was forgotten",
)
EXPLAINED = 0.2
"""The least share of an image's spread that its mask explains."""
DIFFERING = 0.03
"""The largest share of places at which image and mask may differ: at edges, half a place apart."""
LEVEL = 4.0
"""Of the image, well above the noise of a standardised one."""
ALIKE = 0.4
"""The least correlation of an image with itself before; a quarter that is moved has at most 1/3."""


def checks(fixture: Fixture) -> Iterator[Check]:
    """The checks of readers of masks, and of augmentations where the main reader is one."""
    for name in filter(fixture.plugin.synthetic.get, fixture.plugin.readers):
        if _reads_targets(fixture, fixture.default_reader, name):
            yield from checks_of(f"readers/{name}", {TARGETS: _targets}, fixture, name)
    if not fixture.plugin.synthetic:
        return
    if not _reads_targets(fixture, lambda _: fixture.main_reader(), ""):
        return
    for name, component in fixture.plugin.augmentations.items():
        if _is_of_samples(component):
            yield from checks_of(f"augmentations/{name}", {SPACE: _space}, fixture, name)


def _is_of_samples(component: Component) -> bool:
    with suppress(UnlabeledError):  # what cannot be imported is caught by M2
        return not issubclass(discovery.resolve(component.target), BatchAugmentation)
    return False


def _reads_targets(fixture: Fixture, choice: Any, name: str) -> bool:
    with suppress(UnlabeledError):  # what cannot be imported is caught by M2
        return isinstance(fixture.reader(choice(name)), ReadsTargets)
    return False


def _masks(fixture: Fixture, choice: Choice) -> Mapping[int, Path]:
    """The mask files of the synthetic items, by position in the index."""
    data = fixture.data(fixture.short(choice.name))
    table = data / "masks.csv"
    require(table.is_file(), "the synthetic folder has no masks.csv (item, mask)")
    settings = LabelSettings(table=str(table), target="mask")
    masks = training_labels(settings, fixture.items(choice), data).masks
    require(masks, "masks.csv names no mask files")
    return masks


def _targets(fixture: Fixture, name: str) -> None:
    own = [r.reader for r in fixture.recipes.values() if fixture.short(r.reader.name) == name]
    for choice in [fixture.default_reader(name), *own[:1]]:
        masks, items = _masks(fixture, choice), fixture.items(choice)
        for windows in (False, True):
            found = [
                _explained(fixture.reader(choice), items, place, path, windows=windows)
                for place, path in masks.items()
            ]
            require(
                np.nanmean(found) >= EXPLAINED,
                f"masks explain {np.nanmean(found):.2f} of the spread of their "
                f"{'windows' if windows else 'samples'}, expected {EXPLAINED} or more: they lie "
                "elsewhere",
            )


def _explained(reader: Reader, items: Items, place: int, path: Path, *, windows: bool) -> float:
    """The share of the variance of the channel that tells most; NaN where there is one class."""
    assert isinstance(reader, ReadsTargets)
    item = items[place]
    sample = reader.read(item, keyed_rng(place) if windows else None)
    target = reader.read_target(item, path, like=sample)
    values, classes = _aligned(sample, target)
    known = classes >= 0
    kinds = [classes[known] == number for number in np.unique(classes[known])]
    if len(kinds) < 2:
        return float("nan")
    return max(_between(channel[known], kinds) for channel in values)


def _between(values: np.ndarray, kinds: list[np.ndarray]) -> float:
    """Correlation ratio: variance of the means of the kinds over that of all. values: (n,)."""
    means = sum(kind * values[kind].mean() for kind in kinds)
    return float(np.var(means) / max(np.var(values), 1e-12))


def _aligned(sample: Sample, target: Sample) -> tuple[np.ndarray, np.ndarray]:
    """Values (C, places) of a sample and classes (places,) of its mask, on one grid."""
    require(
        isinstance(target, DenseTarget), f"the mask is a {type(target).__name__}, no DenseTarget"
    )
    classes = np.asarray(target.classes())
    require(classes.dtype == np.int64, f"classes are {classes.dtype}, expected int64")
    values = main_values(sample).numpy()
    grid = values.shape[values.ndim - classes.ndim :]
    require(grid == classes.shape, f"a mask of {classes.shape} places on a sample of {grid}")
    return values.reshape(-1, classes.size), classes.ravel()


def _space(fixture: Fixture, name: str) -> None:
    augmentation = discovery.load("augmentations", fixture.full(name))()
    choice = fixture.main_reader()
    reader, items, masks = fixture.reader(choice), fixture.items(choice), _masks(fixture, choice)
    assert isinstance(reader, ReadsTargets)
    place, path = next(iter(masks.items()))
    sample = reader.read(items[place])
    target = reader.read_target(items[place], path, like=sample)
    moves = isinstance(augmentation, MovesSpace) and augmentation.moves_space
    differing = []
    for axis in range(target.classes().ndim):
        grid = target.classes().shape
        image, mask = _step(sample, grid, axis, LEVEL), _step(target, grid, axis, 1)
        for draw in range(DRAWS):
            changed = augmentation(image, keyed_rng(draw))
            if moves:
                differing.append(_differing(changed, augmentation(mask, keyed_rng(draw))))
            else:
                _require_still(changed, mask)
    require(
        not differing or np.mean(differing) <= DIFFERING,
        f"{np.mean(differing or 0):.0%} of the places of image and mask differ afterwards",
    )


def _step(sample: Sample, grid: tuple[int, ...], axis: int, level: float) -> Sample:
    """A copy that is `level` in the first quarter along an axis, 0 beyond, in every channel."""
    step = torch.zeros(grid)
    step.narrow(axis, 0, max(1, grid[axis] // 4)).fill_(level)
    copied = copy.deepcopy(sample)
    for _, array in arrays(copied):
        held = torch.as_tensor(array)
        if held.dtype != torch.bool and tuple(held.shape[held.ndim - len(grid) :]) == grid:
            held.copy_(step)
    return copied


def _differing(image: Sample, mask: Sample) -> float:
    """The share of places at which an image, that was its mask, and the mask differ."""
    values, classes = _aligned(image, mask)
    known = classes >= 0
    return float(((values[0] > LEVEL / 2) != (classes > 0.5))[known].mean()) if known.any() else 0.0


def _require_still(image: Sample, mask: Sample) -> None:
    """An image that was its mask, and was not moved, is much like it still."""
    values, classes = _aligned(image, mask)
    if values[0].std() < 1e-6:  # all of it was hidden, or a level was taken off
        return
    alike = np.corrcoef(values[0], classes)[0, 1]
    require(
        abs(alike) >= ALIKE,
        f"it moves what an image shows (a correlation of {alike:.2f} with the image before), and "
        "does not derive from MovesSpace",
    )
