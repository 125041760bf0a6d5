import numpy as np
import pytest
import torch

from unlabeled.data.quarantine import Limits
from unlabeled.errors import DataError
from unlabeled.evaluation.labelling import given_labels
from unlabeled.evaluation.seen_labels import Seen
from unlabeled.inference.encoding import encode
from unlabeled.inference.reading import Source
from unlabeled.probes.logistic import Logistic
from unlabeled.probes.splits import leave_groups_out
from unlabeled_remote_sensing.assessments.sizes import (
    Sizes,
    band_ranges,
    expected_statistics,
    scaled,
)
from unlabeled_remote_sensing.encoders.raster_vit import RasterViT, RasterViTSettings
from unlabeled_remote_sensing.readers.scenes import Scenes
from unlabeled_remote_sensing.synthetic import write_pairs


class Subject:
    batch_size = 5

    def __init__(self, encoder):
        self.encoder = encoder

    def encode(self, samples, kind=None):
        assert kind == "global"
        return encode(self.encoder, samples, "pooled")


@pytest.fixture
def given(tmp_path):
    write_pairs(tmp_path, count=24, seed=0)
    source = Source(Scenes().index(tmp_path), Scenes(), Limits())
    labels = given_labels(tmp_path / "labels.csv", ["pattern"], source, tmp_path, (), Seen())
    torch.manual_seed(0)
    settings = RasterViTSettings(**Scenes().describe(source.items), width=8, depth=1, heads=2)
    return source, labels, Subject(RasterViT(settings).eval())


def test_the_network_sees_standardised_bands(given):
    source, _, subject = given
    model, images = subject.encoder, [source.reader.read(item) for item in source.items]
    ranges = band_ranges(images)
    moved = [scaled(r, ranges, expected_statistics(model), "standardise") for r in images]
    seen = model.normalisation(model.collate(moved), "S2").movedim(1, -1).reshape(-1, 12)
    torch.testing.assert_close(seen.mean(0), torch.zeros(12), rtol=0, atol=1e-3)
    torch.testing.assert_close(seen.std(0, correction=0), torch.ones(12), rtol=1e-3, atol=0)
    moved = [scaled(r, ranges, expected_statistics(model), "minmax") for r in images]
    seen = model.normalisation(model.collate(moved), "S2")
    assert abs(seen.min().item()) < 1e-3
    assert abs(seen.max().item() - 1) < 1e-3


def test_every_size_normalisation_and_probe_has_a_score(given):
    source, labels, subject = given
    chosen = Sizes(sizes=(None, 24), normalisations=("none", "minmax"))
    found = chosen.assess(subject, source, labels, None)
    conditions = [tuple(score.at.values()) for score in found.scores]
    assert conditions[:3] == [
        ("native", "none", "kNN"), ("native", "none", "linear"), (24, "none", "kNN"),
    ]  # fmt: skip
    assert len(set(conditions)) == 8
    assert len(found.units) == 24
    images = [source.reader.read(item) for item in source.items]
    values = np.concatenate([p.values for p in encode(subject.encoder, images, "pooled")])
    truth = np.unique(labels.table["pattern"].to_pylist(), return_inverse=True)[1]
    right = 0
    for split in leave_groups_out(labels.groups, 5):
        said = Logistic().predict(
            values[split.train], truth[split.train], labels.groups[split.train], values[split.test]
        )
        right += (said.argmax(axis=1) == truth[split.test]).sum()
    assert found.scores[1].of(np.arange(24)) == pytest.approx(right / 24, abs=1 / 24)


def test_quantities_are_refused(given, tmp_path):
    source, _, subject = given
    water = given_labels(tmp_path / "labels.csv", ["water"], source, tmp_path, (), Seen())
    with pytest.raises(DataError, match="expected classes that several items share, found 2"):
        Sizes().assess(subject, source, water, None)
