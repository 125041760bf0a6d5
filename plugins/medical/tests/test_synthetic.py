import csv

import pytest

from unlabeled_medical.readers.volumes import Volumes
from unlabeled_medical.synthetic import write_heads


@pytest.fixture
def heads(tmp_path):
    write_heads(tmp_path, count=8, seed=3)
    return tmp_path


def test_the_same_seed_writes_the_same_voxels(heads, tmp_path_factory):
    again = tmp_path_factory.mktemp("again")
    write_heads(again, count=8, seed=3)
    for one, two in zip(Volumes().index(heads), Volumes().index(again), strict=True):
        assert (Volumes().read(one).values == Volumes().read(two).values).all()
    assert (again / "labels.csv").read_text() == (heads / "labels.csv").read_text()


def test_labels_name_every_item(heads):
    with (heads / "labels.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["item"] for row in rows] == [item.id for item in Volumes().index(heads)]
    assert {row["label"] for row in rows} == {"one bright", "two bright", "one dark", "two dark"}
    assert all(float(row["volume_mm3"]) > 0 for row in rows)


def test_two_volumes_are_of_one_patient(tmp_path):
    """So that whatever depends on groups has some that several items share."""
    write_heads(tmp_path, count=5, seed=0)
    groups = Volumes().index(tmp_path).table["group"].to_pylist()
    assert groups == ["patient000", "patient000", "patient001", "patient001", "patient002"]
