import numpy as np
import pytest

from unlabeled.data.quarantine import Limits
from unlabeled.errors import DataError
from unlabeled.evaluation.labelling import given_labels
from unlabeled.evaluation.seen_labels import Seen
from unlabeled.inference.reading import Source
from unlabeled_remote_sensing.assessments.masks import find_masks, masks_of
from unlabeled_remote_sensing.readers.scenes import Scenes
from unlabeled_remote_sensing.sensors import Sensor

SENSORS = {"x": Sensor(bands=("a",), nodata=-1)}
FEW = {"class_column": None, "ignore": (), "outside": "class", "all_touched": False}


@pytest.fixture
def scene(write_tiff, tmp_path):
    """Two scenes of 8 px; the first pixel of each has no data."""
    values = np.ones((1, 8, 8), np.float32)
    values[0, 0, 0] = -1
    for name in ("one", "two"):
        write_tiff(tmp_path / "scenes" / f"{name}_x.tif", values, ["a"])
    reader = Scenes(sensors=SENSORS)
    return Source(reader.index(tmp_path / "scenes"), reader, Limits())


def labels(folder, text, source):
    (folder / "labels.csv").write_text(text)
    return given_labels(folder / "labels.csv", [], source, folder, (), Seen())


def read(masks, place=0):
    source = masks.source
    (found,) = source.tried(place, lambda item: masks.read(place, item, source.reader.read(item)))
    return found


def test_what_does_not_count_is_counted_by_reason(scene, write_tiff, tmp_path):
    mask = np.ones((1, 8, 8), np.uint8)
    mask[0, :, 4:], mask[0, 7], mask[0, 6] = 2, 255, 9
    write_tiff(tmp_path / "one.tif", mask, nodata=255)
    given = labels(tmp_path, "item,mask\none,one.tif\n", scene)
    masks = masks_of(scene, given, **{**FEW, "ignore": (9,)})
    found = read(masks)
    assert found[0, 0] == -1
    assert (found[6:] == -1).all()
    np.testing.assert_array_equal(found[1], [1, 1, 1, 1, 2, 2, 2, 2])
    assert masks.notes() == [
        "Of 64 pixels some do not count: 8 not labelled, 8 of ignored classes, "
        "1 labelled but without data."
    ]
    assert masks.name(2) == "2"


def test_rasters_are_found_by_the_names_of_scenes(scene, write_tiff, tmp_path):
    write_tiff(tmp_path / "masks/deep/two.tif", np.ones((1, 8, 8), np.uint8))
    write_tiff(tmp_path / "masks/other.tif", np.ones((1, 8, 8), np.uint8))
    found = find_masks(tmp_path / "masks", scene.items, None)
    assert found.table.to_pydict() == {"item": ["two"], "mask": ["deep/two.tif"]}
    with pytest.raises(DataError, match=r"named like the scenes, such as one\.tif, found 0"):
        find_masks(tmp_path / "scenes", scene.items, None)  # the scenes are no masks of themselves
    (tmp_path / "notes.doc").write_text("")
    with pytest.raises(DataError, match="a folder of rasters of classes, or polygons"):
        find_masks(tmp_path / "notes.doc", scene.items, None)


def test_every_row_names_one_file(scene, write_tiff, tmp_path):
    write_tiff(tmp_path / "one.tif", np.ones((1, 8, 8), np.uint8))
    given = labels(tmp_path, "item,mask\none,one.tif\ntwo,no.tif\n", scene)
    with pytest.raises(DataError, match=r"labels\.csv, row 3, column mask: .* found 'no\.tif'"):
        masks_of(scene, given, **FEW)
    (tmp_path / "two.geojson").write_text("{}")
    given = labels(tmp_path, "item,mask\none,one.tif\ntwo,two.geojson\n", scene)
    with pytest.raises(DataError, match=r"row 3: expected rasters of classes.*found polygons"):
        masks_of(scene, given, **FEW)
