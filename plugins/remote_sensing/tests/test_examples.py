from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import numpy as np
import pytest

from unlabeled.errors import UsageError
from unlabeled_remote_sensing import examples
from unlabeled_remote_sensing.readers.scenes import Scenes


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    try:
        distribution("bigearthnet-common")
    except PackageNotFoundError:
        pytest.skip("bigearthnet-common is not installed: it holds the pairs")
    folder = tmp_path_factory.mktemp("examples") / "pairs"
    examples.write_examples(folder)
    return folder


def test_six_pairs_of_single_bands_are_laid_on_one_grid(pairs):
    reader = Scenes(manifest="manifest.csv")
    items = reader.index(pairs)
    assert len(items) == 6
    assert not items.quarantine
    raster = reader.read(items[0])
    assert raster.layers["S1"].values.shape == (2, 120, 120)
    assert raster.layers["S2"].values.shape == (12, 120, 120)
    assert raster.metres_per_pixel == pytest.approx(10)
    assert all(layer.valid.all() for layer in raster.layers.values())
    assert len((pairs / "labels.csv").read_text().splitlines()) == 7


def test_bands_equal_those_of_the_stacked_copies(pairs, real_data):
    """Native 10 m bands are read as they are; another hand stacked the same patches."""
    names = (real_data / "bigearthnet_examples" / "patches.csv").read_text()
    stacked = Scenes(sensors={"S1GRD": "sentinel1", "S2L2A": "sentinel2_l2a"})
    copies = {item.id: item for item in stacked.index(real_data / "bigearthnet_examples")}
    reader = Scenes(manifest="manifest.csv")
    for item in reader.index(pairs):
        copy = next(line.split(",")[0] for line in names.splitlines() if item.id in line)
        ours, theirs = reader.read(item), stacked.read(copies[copy])
        np.testing.assert_allclose(ours.transform, theirs.transform)
        np.testing.assert_array_equal(ours.layers["S1"].values, theirs.layers["S1GRD"].values)
        for band in (1, 2, 3, 7):  # B02, B03, B04, B08
            np.testing.assert_array_equal(
                ours.layers["S2"].values[band], theirs.layers["S2L2A"].values[band]
            )


def test_a_missing_package_and_a_taken_folder_are_told(tmp_path, monkeypatch):
    with pytest.raises(UsageError, match="exists already"):
        examples.write_examples(tmp_path)
    monkeypatch.setattr(examples, "PACKAGE", "no-such-package")
    with pytest.raises(UsageError, match="pip install"):
        examples.write_examples(Path(tmp_path / "new"))
