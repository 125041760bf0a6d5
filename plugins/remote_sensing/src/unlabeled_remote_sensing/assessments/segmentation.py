"""Dense segmentation: are the classes of pixels told by the frozen tokens of their patches?

Masks are rasters of classes on any grid, or polygons with a class; see `masks`. A linear probe
predicts all pixels of a patch from its token (`evaluators.segmentation`), fitted on whole training
groups; IoU, F1 and accuracy are over all pixels of the tested scenes together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from unlabeled.contract import (
    Assessed,
    Assessment,
    FindsLabels,
    LabelledItems,
    Rivals,
    Score,
    Source,
    Subject,
)
from unlabeled.data.dense_target import UNKNOWN
from unlabeled.data.items import Items
from unlabeled.data.labels import Labels
from unlabeled.errors import DataError, UsageError
from unlabeled.probes.splits import splits_of
from unlabeled_remote_sensing.assessments.masks import Masks, find_masks, masks_of
from unlabeled_remote_sensing.evaluators.patches import (
    Patches,
    index_patches,
    raw_patches,
    token_patches,
)
from unlabeled_remote_sensing.evaluators.segmentation import accuracy, counts, f1, iou, segment
from unlabeled_remote_sensing.raster import Raster
from unlabeled_remote_sensing.sensors import Sensor


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """A scene or a block of one. place: of its label; unit, group: as they are tested; mask: (H, W)
    class numbers."""

    place: int
    unit: str
    group: str
    patches: Patches
    mask: np.ndarray


class Segmentation(Assessment, Rivals, FindsLabels):
    """IoU and F1 of each class and their means, and the accuracy of pixels. The headline is the
    mean IoU; of two classes the IoU of the second."""

    output_kind: ClassVar[Literal["tokens"]] = "tokens"
    folds: int = Field(5, ge=2, description="folds by group, where the labels give no split")
    class_column: str | None = Field(
        None, description="of polygons, the column with the class; unset: the only one"
    )
    outside: Literal["class", "unknown"] = Field(
        "class", description="pixels in no polygon: a class of their own, or not labelled"
    )
    all_touched: bool = Field(
        False, description="polygons take all pixels they touch; else those whose centre they cover"
    )
    ignore: tuple[int, ...] = Field((), description="numbers in masks that are no class")
    block: int | None = Field(
        None, ge=1, description="side in pixels of blocks of scenes, each a group; unset: scenes"
    )

    def find_labels(self, path: Path, items: Items) -> Labels:
        """See `find_masks`."""
        return find_masks(path, items, self.class_column)

    def assess(
        self,
        subject: Subject,
        source: Source,
        labels: LabelledItems | None,
        rng: np.random.Generator,  # noqa: ARG002 - nothing is drawn
    ) -> Assessed | None:
        """Raises DataError, UsageError or RunError."""
        assert labels is not None
        if subject.kind == "baseline":
            return None
        masks, images = self._masks(source, labels), list[Image]()
        places = {row: place for place, row in enumerate(labels.rows.tolist())}
        for rows, scenes in source.batches(labels.rows.tolist(), subject.batch_size):
            pieces = subject.encode(scenes, kind="tokens") or ()
            for row, scene, piece in zip(rows, scenes, pieces, strict=True):
                if piece.present:
                    tokens = token_patches(piece, scene)
                    images += _image(masks, labels, places[row], row, scene, tokens)
        return self._assessed(images, masks, labels)

    def rivals(
        self,
        source: Source,
        labels: LabelledItems | None,
        rng: np.random.Generator,  # noqa: ARG002
    ) -> Mapping[str, Assessed]:
        """Raw pixels, and band indices where the bands allow some, by the same probe."""
        assert labels is not None
        sensors: Mapping[str, Sensor] = getattr(source.reader, "sensors", {})
        masks = self._masks(source, labels)
        images: dict[str, list[Image]] = {"raw pixels": [], "band indices": []}
        for place, row in enumerate(labels.rows.tolist()):
            for scene in source.tried(row, source.reader.read):
                for raw in _image(masks, labels, place, row, scene, raw_patches(scene, sensors)):
                    images["raw pixels"].append(raw)
                    indices = index_patches(scene, sensors)
                    if indices is not None:
                        images["band indices"].append(replace(raw, patches=indices))
        return {name: self._assessed(own, masks, labels) for name, own in images.items() if own}

    def _masks(self, source: Source, labels: LabelledItems) -> Masks:
        return masks_of(
            source,
            labels,
            class_column=self.class_column,
            ignore=self.ignore,
            outside=self.outside,
            all_touched=self.all_touched,
        )

    def _assessed(self, images: list[Image], masks: Masks, labels: LabelledItems) -> Assessed:
        if not images:
            raise DataError("segmentation: no scene and its mask could be read")
        images = sorted(images, key=lambda image: image.place)
        if self.block:
            images = [part for image in images for part in _blocks(image, self.block)]
        # Blocks have groups of their own, which core does not know by name.
        numbers, images = _numbered(images)
        table = labels.table.take([image.place for image in images])
        splits, described = splits_of(
            table, np.array([image.group for image in images]), self.folds, self._unit
        )
        tested, pixels = list[int](), list[np.ndarray]()
        for split in splits:
            test = [i for i in split.test.tolist() if labels.testable[images[i].place]]
            for number, found in zip(
                test, _found(images, split.train.tolist(), test, len(numbers)), strict=True
            ):
                tested.append(number)
                pixels.append(found)
        if not tested:
            raise DataError("segmentation: all that could be tested had labels in training")
        order = np.argsort(tested, kind="stable")
        names = [masks.name(number) for number in numbers]
        return Assessed(
            np.array([images[tested[i]].unit for i in order]),
            np.array([images[tested[i]].group for i in order]),
            _scores(np.stack([pixels[i] for i in order]), names),
            about=self._about(described, names, masks),
            notes=tuple(masks.notes()),
            width=images[0].patches.values.shape[-1],
        )

    @property
    def _unit(self) -> str:
        return "blocks" if self.block else "items"

    def _about(self, splits: str, names: Sequence[str], masks: Masks) -> dict[str, str]:
        about = {
            "splits": splits,
            "pixels": "all pixels of a patch by ridge regression on its token, classes: "
            + ", ".join(names),
        }
        if masks.polygons:
            takes = "all pixels that it touches" if self.all_touched else "pixels by their centre"
            about["polygons"] = f"a polygon takes {takes}"
        if self.block:
            about["blocks"] = f"{self.block} px, each a group; tokens see beyond their block"
        return about


def _image(
    masks: Masks, labels: LabelledItems, place: int, row: int, scene: Raster, patches: Patches
) -> list[Image]:
    """One, or none if the mask cannot be read."""
    read = partial(masks.read, place, scene=scene)
    group = str(labels.groups[place])
    return [
        Image(place, str(place), group, patches, mask)
        for mask in masks.source.tried(row, lambda item: read(item))
    ]


def _blocks(image: Image, side: int) -> list[Image]:
    """Raises UsageError unless patches fit into blocks."""
    patches = image.patches
    if side % patches.side:
        raise UsageError(
            f"--evaluation.assess.block: expected a multiple of the patches' {patches.side} px, "
            f"found {side}"
        )
    step, parts = side // patches.side, list[Image]()
    for row in range(0, patches.values.shape[0], step):
        for column in range(0, patches.values.shape[1], step):
            inner = slice(row, row + step), slice(column, column + step)
            pixels = tuple(slice(s.start * patches.side, s.stop * patches.side) for s in inner)
            name = f"{image.unit}, block {row // step}, {column // step}"
            mask = image.mask[pixels]
            if (mask != UNKNOWN).any():
                own = replace(patches, values=patches.values[inner])
                parts.append(Image(image.place, name, name, own, mask))
    return parts


def _numbered(images: Sequence[Image]) -> tuple[list[int], list[Image]]:
    """The classes that occur, and masks with their positions among them. Raises DataError."""
    found = np.unique(np.concatenate([np.unique(image.mask) for image in images]))
    known = found[found != UNKNOWN]
    if len(known) < 2:
        raise DataError(
            f"segmentation: expected at least two classes in the masks, found {known.tolist()}"
        )
    return known.tolist(), [
        replace(
            image,
            mask=np.where(image.mask == UNKNOWN, UNKNOWN, np.searchsorted(known, image.mask)),
        )
        for image in images
    ]


def _found(
    images: Sequence[Image], train: Sequence[int], test: Sequence[int], classes: int
) -> list[np.ndarray]:
    """The pixels (3, K) of each tested image."""
    if not test:
        return []
    found = segment(
        [images[i].patches for i in train],
        [images[i].mask for i in train],
        np.array([images[i].group for i in train]),
        [images[i].patches for i in test],
        classes,
    )
    return [
        counts(mask, each[: mask.shape[0], : mask.shape[1]], classes)
        for mask, each in zip((images[i].mask for i in test), found, strict=True)
    ]


class _OfPixels:
    """Scores of summed pixels; pixels: (T, 3, K)."""

    def __init__(self, pixels: np.ndarray) -> None:
        self.pixels = pixels
        self.positions, self.total = np.empty(0, int), np.zeros(pixels.shape[1:], int)

    def sum(self, positions: np.ndarray) -> np.ndarray:
        """(3, K)."""
        if positions is not self.positions:  # all scores of a resample get one array
            self.positions, self.total = positions, self.pixels[positions].sum(axis=0)
        return self.total

    def of(
        self,
        metric: Callable[[np.ndarray], np.ndarray],
        number: int | None,
        positions: np.ndarray,
    ) -> float:
        """Of one class, or the mean over those that define it. positions: (n,) of the units."""
        found = metric(self.sum(positions))
        if number is not None:
            return float(found[number])
        defined = found[~np.isnan(found)]
        return float(defined.mean()) if len(defined) else float("nan")


def _scores(pixels: np.ndarray, names: Sequence[str]) -> tuple[Score, ...]:
    """pixels: (T, 3, K)."""
    total = _OfPixels(pixels)
    of_class = [
        Score(metric, partial(total.of, measure, number), at={"class": name})
        for metric, measure in (("IoU", iou), ("F1", f1))
        for number, name in enumerate(names)
    ]
    means = [
        Score(f"mean {metric}", partial(total.of, measure, None))
        for metric, measure in (("IoU", iou), ("F1", f1))
    ]
    headline = of_class[1] if len(names) == 2 else means[0]
    others = [each for each in (*means, *of_class) if each is not headline]
    right = Score("pixel accuracy", lambda positions: accuracy(total.sum(positions)))
    return (headline, *others, right)
