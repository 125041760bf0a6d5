"""A despeckler on scenes whose reflectivity is known, beside classical filters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import rasterio

from unlabeled.export.encoder import load_encoder, load_reader
from unlabeled_remote_sensing.encoders.despeckler import Despeckler
from unlabeled_remote_sensing.evaluators.despeckling import psnr
from unlabeled_remote_sensing.filters import boxcar, refined_lee

FILTERS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "single look": lambda intensity: intensity,
    "boxcar 3": partial(boxcar, size=3),
    "boxcar 5": partial(boxcar, size=5),
    "boxcar 7": partial(boxcar, size=7),
    "refined Lee": refined_lee,
}
SCENES = 8


def compare(run: Path, data: Path) -> Mapping[str, float]:
    """Mean PSNR of amplitudes, dB, of the run (`restored`) and of each filter.

    data: scenes NAME.tif with their reflectivity in truth/NAME.tiff, as `write_speckled` writes
    them; the first few are judged.
    """
    encoder, reader = load_encoder(run), load_reader(run)
    assert isinstance(encoder, Despeckler)
    scores: dict[str, list[float]] = {}
    for item in list(reader.index(data))[:SCENES]:
        sample = reader.read(item)
        with rasterio.open(data / "truth" / f"{item.id}.tiff") as file:
            truth = file.read(1).astype(np.float64)
        noisy = np.abs(sample.layers[encoder.sensor].values[0].astype(np.complex128)) ** 2
        restored = encoder.restore(sample).layers[encoder.sensor].values[0]
        images = {name: apply(noisy) for name, apply in FILTERS.items()}
        for name, image in {"restored": restored, **images}.items():
            scores.setdefault(name, []).append(psnr(truth, image))
    return {name: float(np.mean(values)) for name, values in scores.items()}
