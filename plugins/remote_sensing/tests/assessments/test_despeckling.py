import numpy as np
import pytest
import rasterio

from unlabeled.data.quarantine import Limits
from unlabeled.errors import DataError, RunError
from unlabeled.evaluation.labelling import given_labels
from unlabeled.evaluation.seen_labels import Seen
from unlabeled.inference.reading import Source
from unlabeled_remote_sensing.assessments.despeckling import FILTERS, Despeckling
from unlabeled_remote_sensing.encoders.despeckler import Despeckler, DespecklerSettings
from unlabeled_remote_sensing.evaluators.despeckling import psnr
from unlabeled_remote_sensing.readers.complex_scenes import ComplexScenes
from unlabeled_remote_sensing.synthetic import write_speckled


class Subject:
    def __init__(self, encoder):
        self.encoder = encoder


def given(folder, count=3):
    write_speckled(folder, count=count, seed=0)
    reader = ComplexScenes()
    source = Source(reader.index(folder), reader, Limits())
    labels = given_labels(folder / "labels.csv", ["truth"], source, folder, (), Seen())
    return source, labels


def truth_of(folder, name):
    with rasterio.open(folder / "truth" / f"{name}.tiff") as file:
        return file.read(1).astype(np.float64)


def test_scores_are_those_of_each_scene_by_hand(tmp_path):
    source, labels = given(tmp_path)
    encoder = Despeckler(DespecklerSettings(**source.reader.describe(source.items), width=3)).eval()
    found = Despeckling().assess(Subject(encoder), source, labels, None)
    rivals = Despeckling().rivals(source, labels, None)
    assert list(rivals) == list(FILTERS)
    for place, item in enumerate(source.items):
        scene, truth = source.reader.read(item), truth_of(tmp_path, item.id)
        restored = encoder.restore(scene).layers[encoder.sensor].values[0]
        at = np.array([place])
        assert found.scores[0].of(at) == psnr(truth, restored)
        noisy = np.abs(scene.layers[encoder.sensor].values[0].astype(np.complex128)) ** 2
        for name, apply in FILTERS.items():
            assert rivals[name].scores[0].of(at) == psnr(truth, apply(noisy))
    assert found.groups.tolist() == labels.groups.tolist()
    assert np.isnan(found.scores[0].of(np.arange(0)))


def test_what_restores_nothing_is_left_out_or_named(tmp_path):
    source, labels = given(tmp_path)
    assert Despeckling().assess(Subject(None), source, labels, None) is None
    with pytest.raises(RunError, match="expected a despeckler, found the encoder object"):
        Despeckling().assess(Subject(object()), source, labels, None)


def test_a_missing_truth_is_named_by_its_row(tmp_path):
    source, labels = given(tmp_path)
    (tmp_path / "truth" / "scene001.tiff").unlink()
    with pytest.raises(DataError, match=r"labels\.csv, row 3, column truth: expected the file"):
        Despeckling().rivals(source, labels, None)
