"""A despeckler on scenes whose reflectivity is known, beside classical filters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import ClassVar, Literal

import numpy as np
import rasterio
from rasterio.errors import RasterioIOError

from unlabeled.contract import (
    Assessed,
    Assessment,
    LabelledItems,
    Rivals,
    Score,
    Source,
    Subject,
)
from unlabeled.errors import DataError, RunError
from unlabeled_remote_sensing.encoders.despeckler import Despeckler
from unlabeled_remote_sensing.evaluators.despeckling import psnr
from unlabeled_remote_sensing.filters import boxcar, refined_lee
from unlabeled_remote_sensing.raster import Raster

FILTERS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "single look": lambda intensity: intensity,
    "boxcar 3": partial(boxcar, size=3),
    "boxcar 5": partial(boxcar, size=5),
    "boxcar 7": partial(boxcar, size=7),
    "refined Lee": refined_lee,
}


class Despeckling(Assessment, Rivals):
    """Peak signal-to-noise ratio of amplitudes, dB, of each scene.

    The target column of the labels names the file of a scene's reflectivity, of one band and as
    large as the scene.
    """

    kind: ClassVar[Literal["restoration"]] = "restoration"

    def assess(
        self,
        subject: Subject,
        source: Source,
        labels: LabelledItems | None,
        rng: np.random.Generator,  # noqa: ARG002
    ) -> Assessed | None:
        """Raises RunError unless the run is of a despeckler."""
        encoder = subject.encoder
        if encoder is None:
            return None
        if not isinstance(encoder, Despeckler):
            raise RunError(f"expected a despeckler, found the encoder {type(encoder).__name__}")

        def restored(scene: Raster) -> np.ndarray:
            return np.asarray(encoder.restore(scene).layers[encoder.sensor].values[0])

        scenes = _scenes(source, labels)
        found = {place: psnr(truth, restored(scene)) for place, scene, truth in scenes}
        return _assessed(found, labels)

    def rivals(
        self,
        source: Source,
        labels: LabelledItems | None,
        rng: np.random.Generator,  # noqa: ARG002
    ) -> Mapping[str, Assessed]:
        """The image as it is, and each filter."""
        found: dict[str, dict[int, float]] = {name: {} for name in FILTERS}
        for place, scene, truth in _scenes(source, labels):
            (layer,) = scene.layers.values()
            noisy = np.abs(layer.values[0].astype(np.complex128)) ** 2
            for name, apply in FILTERS.items():
                found[name][place] = psnr(truth, apply(noisy))
        return {name: _assessed(values, labels) for name, values in found.items()}


def _scenes(
    source: Source, labels: LabelledItems | None
) -> Iterator[tuple[int, Raster, np.ndarray]]:
    """(place among the labels, scene, reflectivity (H, W)) of all that can be read."""
    assert labels is not None
    (target,) = labels.targets
    for place, row in enumerate(labels.rows.tolist()):
        path = labels.folder / str(labels.table[target][place].as_py())
        try:
            with rasterio.open(path) as file:
                truth = file.read(1).astype(np.float64)
        except RasterioIOError as error:
            raise DataError(
                f"{labels.where([place])}, column {target}: expected the file of a scene's "
                f"reflectivity, found {path}: {error}"
            ) from error
        for scene in source.tried(row, source.reader.read):
            yield place, scene, truth


def _assessed(values: Mapping[int, float], labels: LabelledItems | None) -> Assessed:
    assert labels is not None
    places = np.array(list(values), dtype=int)
    score = Score.mean("PSNR", np.array(list(values.values())), unit="dB")
    return Assessed(places, labels.groups[places], (score,))
