import csv

import numpy as np

from unlabeled_remote_sensing.readers.complex_scenes import ComplexScenes
from unlabeled_remote_sensing.readers.scenes import Scenes
from unlabeled_remote_sensing.synthetic import PATTERNS, speckled, write_pairs, write_speckled


def test_pairs_are_read_with_the_reader_as_it_comes(tmp_path):
    write_pairs(tmp_path, count=8, seed=0)
    reader = Scenes()
    items = reader.index(tmp_path)
    assert len(items) == 8
    assert not items.quarantine
    with (tmp_path / "labels.csv").open(newline="") as lines:
        labels = list(csv.DictReader(lines))
    assert [row["item"] for row in labels] == [item.id for item in items]
    assert {row["pattern"] for row in labels} == set(PATTERNS)
    for item, row in zip(items, labels, strict=True):
        layers = reader.read(item).layers
        # Water is dark in radar and in the near infrared: both show its share.
        infrared = layers["S2"].values[7]
        dark = infrared < (infrared.min() + infrared.max()) / 2
        assert abs(dark.mean() - float(row["water"])) < 0.05
        radar = layers["S1"].values[0]
        assert radar[dark].mean() < radar[~dark].mean() - 5


def test_tiles_share_a_region(tmp_path):
    reader = Scenes(**write_pairs(tmp_path, count=8, seed=0))
    groups = reader.index(tmp_path).table["group"].to_pylist()
    assert groups == 4 * ["region0"] + 4 * ["region1"]


def test_the_same_seed_writes_the_same_files(tmp_path):
    for name in ("a", "b"):
        write_pairs(tmp_path / name, count=2, seed=3)
    first, second = (
        [file.read_bytes() for file in sorted((tmp_path / name).rglob("*")) if file.is_file()]
        for name in ("a", "b")
    )
    assert first == second


def test_speckle_is_circular_and_has_the_reflectivity_as_power(tmp_path):
    values = speckled(np.full((300, 300), 50.0), np.random.default_rng(0))
    assert abs((np.abs(values) ** 2).mean() - 50) < 1
    assert abs(np.corrcoef(values.real.ravel(), values.imag.ravel())[0, 1]) < 0.02
    write_speckled(tmp_path, count=2, seed=0)
    reader = ComplexScenes()
    items = reader.index(tmp_path)
    assert len(items) == 2
    layer = reader.read(items[0]).layers["slc"]
    assert layer.values.dtype == np.complex64
    assert layer.values.shape == (1, 64, 64)
