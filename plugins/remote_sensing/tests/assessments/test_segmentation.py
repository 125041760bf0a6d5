import json

import numpy as np
import pytest
import torch

from unlabeled.data.quarantine import Limits
from unlabeled.errors import DataError, UsageError
from unlabeled.evaluation.labelling import given_labels
from unlabeled.evaluation.seen_labels import Seen
from unlabeled.inference.encoding import encode
from unlabeled.inference.reading import Source
from unlabeled.probes.splits import leave_groups_out
from unlabeled_remote_sensing.assessments.segmentation import Segmentation
from unlabeled_remote_sensing.encoders.raster_vit import RasterViT, RasterViTSettings
from unlabeled_remote_sensing.evaluators.patches import Patches, raw_patches
from unlabeled_remote_sensing.evaluators.segmentation import counts, iou, segment
from unlabeled_remote_sensing.readers.scenes import Scenes
from unlabeled_remote_sensing.synthetic import write_pairs


class Subject:
    kind, batch_size = "pretrained", 8

    def __init__(self, encoder):
        self.encoder = encoder

    def encode(self, samples, kind=None):
        assert kind == "tokens"
        return encode(self.encoder, samples, "tokens")


class Baseline:
    kind = "baseline"


@pytest.fixture
def given(tmp_path):
    write_pairs(tmp_path, count=12, seed=0)
    reader = Scenes()
    return Source(reader.index(tmp_path), reader, Limits()), tmp_path


@pytest.fixture
def subject(given):
    torch.manual_seed(0)
    settings = RasterViTSettings(
        **given[0].reader.describe(given[0].items), width=16, depth=1, heads=2
    )
    return Subject(RasterViT(settings).eval())


def labels_of(source, path, finder=None, seen=None):
    return given_labels(path, [], source, path.parent, (), seen or Seen(), finder)


def score(found, metric, **at):
    (one,) = [s for s in found.scores if s.metric == metric and dict(s.at) == at]
    return one.of(np.arange(len(found.units)))


def by_hand(source, labels, patches):
    """The IoU of water, with folds by group, from the probe itself."""
    masks = [
        source.reader.read_target(item, labels.folder / f"masks/{item.id}.tif", sample).classes()
        for item, sample in zip(source.items, map(source.reader.read, source.items), strict=True)
    ]
    pixels = []
    for split in leave_groups_out(labels.groups, 5):
        found = segment(
            [patches[i] for i in split.train],
            [masks[i] for i in split.train],
            labels.groups[split.train],
            [patches[i] for i in split.test],
            2,
        )
        pixels += [counts(masks[i], f, 2) for i, f in zip(split.test, found, strict=True)]
    return iou(sum(pixels))[1]


def test_scores_are_those_of_the_probe_by_hand(given, subject):
    source, folder = given
    labels = labels_of(source, folder / "masks.csv")
    found = Segmentation().assess(subject, source, labels, None)
    samples = [source.reader.read(item) for item in source.items]
    pieces = encode(subject.encoder, samples, "tokens")
    tokens = [Patches(piece.values.reshape(6, 6, 16), 8) for piece in pieces]
    assert found.scores[0].metric == "IoU"
    assert score(found, "IoU", **{"class": "1"}) == by_hand(source, labels, tokens)
    assert found.groups.tolist() == labels.groups.tolist()
    both = [score(found, "IoU", **{"class": name}) for name in ("0", "1")]
    assert score(found, "mean IoU") == pytest.approx(np.mean(both))
    assert 0.5 < score(found, "pixel accuracy") <= 1
    assert np.isnan(found.scores[0].of(np.arange(0)))
    rivals = Segmentation().rivals(source, labels, None)
    assert list(rivals) == ["raw pixels", "band indices"]
    raw = [raw_patches(sample, {}) for sample in samples]
    assert score(rivals["raw pixels"], "IoU", **{"class": "1"}) == by_hand(source, labels, raw)
    # Water is dark in the infrared: the indices find it.
    assert score(rivals["band indices"], "IoU", **{"class": "1"}) > 0.9
    assert Segmentation().assess(Baseline(), source, labels, None) is None


def test_a_folder_of_masks_is_as_good_as_a_table(given, subject):
    source, folder = given
    table = Segmentation().assess(subject, source, labels_of(source, folder / "masks.csv"), None)
    same = given_labels(folder / "masks", [], source, folder, (), Seen(), Segmentation())
    found = Segmentation().assess(subject, source, same, None)
    assert [s.of(np.arange(12)) for s in found.scores] == [
        s.of(np.arange(12)) for s in table.scores
    ]


def test_blocks_are_groups_and_fit_patches(given, subject):
    source, folder = given
    labels = labels_of(source, folder / "masks.csv").take(np.arange(1))
    with pytest.raises(DataError, match="all 1 labelled items are of one group"):
        Segmentation().assess(subject, source, labels, None)
    found = Segmentation(block=16).assess(subject, source, labels, None)
    assert len(found.units) == len(set(found.groups.tolist())) == 9
    assert found.about["splits"].startswith("5 folds by group")
    with pytest.raises(UsageError, match="a multiple of the patches' 8 px, found 12"):
        Segmentation(block=12).assess(subject, source, labels, None)


def test_polygons_name_classes(given, subject):
    source, folder = given
    features = []
    for number in range(10):
        x = 500_000 + 480 * number  # as the scenes lie: the upper left quarter of each
        ring = [(x, 5.4e6), (x + 240, 5.4e6), (x + 240, 5.4e6 - 240), (x, 5.4e6 - 240), (x, 5.4e6)]
        shape = {"type": "Polygon", "coordinates": [ring]}
        features.append({"type": "Feature", "geometry": shape, "properties": {"use": "lake"}})
    crs = {"type": "name", "properties": {"name": "EPSG:32633"}}
    path = folder / "lakes.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "crs": crs, "features": features}))
    labels = labels_of(source, path, Segmentation())
    assert labels.targets == ("use",)
    assert len(labels.rows) == 10  # no polygon lies in the last two
    found = Segmentation(outside="class").assess(subject, source, labels, None)
    assert dict(found.scores[0].at) == {"class": "lake"}
    assert score(found, "IoU", **{"class": "lake"}) >= 0
    assert "outside of polygons" in found.about["pixels"]
    assert found.about["polygons"] == "a polygon takes pixels by their centre"
    with pytest.raises(DataError, match="at least two classes in the masks, found"):
        Segmentation(outside="unknown").assess(subject, source, labels, None)


def test_groups_with_labels_in_training_teach_and_are_not_tested(given, subject):
    source, folder = given
    labels = labels_of(source, folder / "masks.csv")
    labels.testable[:4] = False
    found = Segmentation().assess(subject, source, labels, None)
    assert found.units.tolist() == [str(place) for place in range(4, 12)]
    labels.testable[:] = False
    with pytest.raises(DataError, match="had labels in training"):
        Segmentation().assess(subject, source, labels, None)
