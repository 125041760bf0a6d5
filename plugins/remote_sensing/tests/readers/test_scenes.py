import csv
import json
import pickle
import re
from collections import Counter

import numpy as np
import pytest
import rasterio
from pydantic import ValidationError
from rasterio.crs import CRS
from rasterio.transform import Affine

from unlabeled.errors import DataError, UnreadableItem
from unlabeled_remote_sensing.raster import compose
from unlabeled_remote_sensing.readers.scenes import Scenes
from unlabeled_remote_sensing.sensors import Sensor

RADAR, OPTICAL = Sensor(bands=("VV", "VH"), unit="dB"), Sensor(bands=("B02", "B03", "B04"))
RNG = np.random.default_rng(0)


@pytest.fixture
def pairs(write_tiff, tmp_path):
    for number in range(3):
        for name, bands in (("S1", 2), ("S2", 3)):
            values = RNG.normal(size=(bands, 20, 30)).astype("float32")
            write_tiff(tmp_path / f"north/t{number}_{name}.tif", values)
    return tmp_path


def scenes(**settings):
    return Scenes(
        **{
            "sensors": {"S1": RADAR, "S2": OPTICAL},
            "pattern": "{region}/{scene}_{sensor}.tif",
            **settings,
        }
    )


def test_a_scene_is_one_item_with_all_its_sensors(pairs):
    reader = scenes()
    items = reader.index(pairs)
    assert [item.id for item in items] == ["north/t0", "north/t1", "north/t2"]
    assert items[1].group == "north/t1"
    assert items[1].size == 600
    raster = reader.read(items[1])
    assert list(raster.layers) == ["S1", "S2"]
    assert raster.layers["S2"].values.shape == (3, 20, 30)
    with rasterio.open(pairs / "north/t1_S2.tif") as source:
        np.testing.assert_array_equal(raster.layers["S2"].values, source.read())
        assert raster.transform == tuple(source.transform)[:6]
        assert CRS.from_wkt(raster.crs) == source.crs
    assert raster.metres_per_pixel == pytest.approx(10)


def test_groups_may_be_any_field(pairs):
    assert set(scenes(group="region").index(pairs).table["group"].to_pylist()) == {"north"}
    with pytest.raises(DataError, match=r"reader.group.*region.*scene"):
        scenes(group="country").index(pairs)


def test_a_moved_folder_has_the_same_index(pairs, tmp_path_factory):
    before = scenes().index(pairs).fingerprint()
    moved = tmp_path_factory.mktemp("moved") / "data"
    pairs.rename(moved)
    items = scenes().index(moved)
    assert items.fingerprint() == before
    assert scenes().read(items[0]).shape == (20, 30)


def test_a_random_window_is_where_it_says(pairs):
    reader = scenes(window=8)
    item = reader.index(pairs)[0]
    whole = reader.read(item)
    for seed in range(5):
        part = reader.read(item, np.random.default_rng(seed))
        assert part.shape == (8, 8)
        column = round((part.transform[2] - whole.transform[2]) / 10)
        row = round((whole.transform[5] - part.transform[5]) / 10)
        window = whole.layers["S1"].values[:, row : row + 8, column : column + 8]
        np.testing.assert_array_equal(part.layers["S1"].values, window)


def test_windows_cover_the_scene_and_the_last_is_moved_back_inside(pairs):
    reader = scenes(items="window", window=8, overlap=2)
    items = reader.index(pairs)
    covered = np.zeros((20, 30), int)
    for item in list(items)[: len(items) // 3]:
        row, column = item.metadata["row"], item.metadata["column"]
        covered[row : row + 8, column : column + 8] += 1
        part = reader.read(item)
        assert part.shape == (8, 8)
        expected = compose(reader.read(items[0]).transform, (1.0, 0.0, column, 0.0, 1.0, row))
        assert part.transform == pytest.approx(expected)
    assert covered.min() == 1


def test_windows_of_a_scene_share_what_is_stored_of_it(write_tiff, tmp_path):
    write_tiff(tmp_path / "a.tif", np.zeros((1, 1000, 1000), "uint8"))
    reader = Scenes(
        sensors={"x": Sensor(bands=("a",))}, pattern="{scene}.tif", items="window", window=10
    )
    table = reader.index(tmp_path).table
    strings = sum(sum(map(len, table[name].to_pylist())) for name in ("id", "source", "group"))
    assert len(table) == 10_000
    assert (table.nbytes - strings) / len(table) < 200


def test_window_draws_are_uniform_over_the_area(write_tiff, tmp_path):
    """Every start of a window is equally likely, over all items of an epoch."""
    write_tiff(tmp_path / "a.tif", np.zeros((1, 5, 23), "uint8"))
    reader = Scenes(
        sensors={"x": Sensor(bands=("a",))}, pattern="{scene}.tif", items="window", window=5
    )
    items = reader.index(tmp_path)
    rng = np.random.default_rng(0)
    draws = Counter(
        round((reader.read(item, rng).transform[2] - 600_000) / 10)
        for item in items
        for _ in range(400)
    )
    assert set(draws) == set(range(19))
    share = np.array([draws[start] for start in range(19)]) / (400 * len(items))
    assert abs(share - 1 / 19).max() < 0.03


def test_scenes_smaller_than_the_window_are_read_whole(write_tiff, tmp_path):
    write_tiff(tmp_path / "a.tif", np.ones((1, 1, 3), "uint8"))
    for kind in ("scene", "window"):
        reader = Scenes(
            sensors={"x": Sensor(bands=("a",))}, pattern="{scene}.tif", items=kind, window=8
        )
        item = reader.index(tmp_path)[0]
        assert reader.read(item, np.random.default_rng(0)).shape == (1, 3)


def test_a_missing_sensor_is_quarantined_or_allowed(pairs):
    (pairs / "north/t1_S1.tif").unlink()
    items = scenes().index(pairs)
    assert len(items) == 2
    assert items.quarantine[0].source == "north/t1"
    assert items.quarantine[0].found == "S2"
    reader = scenes(allow_missing=True)
    items = reader.index(pairs)
    assert len(items) == 3
    assert list(reader.read(items[1]).layers) == ["S2"]


def test_broken_files_are_quarantined_with_their_name(pairs):
    (pairs / "north/t0_S1.tif").write_bytes(b"")
    (pairs / "north/t1_S2.tif").write_text("no image")
    items = scenes().index(pairs)
    assert [item.id for item in items] == ["north/t2"]
    assert [one.source for one in items.quarantine] == ["north/t0_S1.tif", "north/t1_S2.tif"]
    assert all("not recognized" in one.found for one in items.quarantine)


def test_undeclared_sensors_are_counted(pairs, write_tiff):
    write_tiff(pairs / "north/t0_LULC.tif", np.zeros((1, 20, 30), "uint8"))
    assert "1 of sensors that are not declared: 1 LULC" in scenes().index(pairs).account()[1]
    assert "1 by exclude *LULC*" in scenes(exclude=("*LULC*",)).index(pairs).account()[1]


def test_nothing_to_read_is_an_error_with_the_pattern(tmp_path):
    with pytest.raises(DataError, match=r"no scene that fits '\{region\}[^\n]*\n[^\n]*\n  Set"):
        scenes().index(tmp_path)
    with pytest.raises(DataError, match="there is no such file or folder"):
        scenes().index(tmp_path / "none")


def test_one_file_per_band_of_unlike_resolution(write_tiff, tmp_path):
    fine = RNG.normal(size=(1, 6, 6)).astype("float32")
    write_tiff(tmp_path / "t_B02.tif", fine)
    twice = Affine(20.0, 0.0, 600_000.0, 0.0, -20.0, 5_000_000.0)
    write_tiff(tmp_path / "t_B05.tif", np.full((1, 3, 3), 4.0, "float32"), transform=twice)
    reader = Scenes(sensors={"S2": Sensor(bands=("B05", "B02"))}, pattern="{scene}_{band}.tif")
    raster = reader.read(reader.index(tmp_path)[0])
    np.testing.assert_allclose(raster.layers["S2"].values[0], 4.0)
    np.testing.assert_array_equal(raster.layers["S2"].values[1], fine[0])
    (tmp_path / "t_B05.tif").unlink()
    with pytest.raises(DataError, match=r"each of B05, B02 once, found B02 in t_B02\.tif"):
        reader.index(tmp_path)


def test_another_unit_is_refused(write_tiff, tmp_path):
    write_tiff(tmp_path / "a.tif", RNG.uniform(0, 0.3, (2, 8, 8)).astype("float32"))
    reader = Scenes(sensors={"S1": "sentinel1"}, pattern="{scene}.tif")
    with pytest.raises(UnreadableItem, match="values in dB"):
        reader.read(reader.index(tmp_path)[0])


def test_settings_are_checked():
    with pytest.raises(ValidationError, match="known sensors are"):
        Scenes(sensors={"S1": "sentinel9"})
    with pytest.raises(ValidationError, match="side of a window"):
        Scenes(items="window")
    with pytest.raises(ValidationError, match="must be below window"):
        Scenes(window=8, overlap=8)
    with pytest.raises(ValidationError, match="stands twice"):
        Sensor(bands=("B1", "b01"))


def test_what_the_reader_says_fits_an_encoder_setting(pairs):
    assert scenes().describe(scenes().index(pairs)) == {"sensors": {"S1": RADAR, "S2": OPTICAL}}


def test_items_and_reader_travel_to_workers(pairs):
    reader, item = pickle.loads(pickle.dumps((scenes(), scenes().index(pairs)[0])))
    assert reader.read(item).shape == (20, 30)


def test_awkward_files_end_as_their_manifest_says(real_data, tmp_path):
    folder = real_data / "geotiff_awkward"
    with (folder / "manifest.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    for row in rows:
        place = tmp_path / row["file"] / row["file"]
        place.parent.mkdir()
        place.symlink_to(folder / row["file"])
        check_outcome(row, place, read_or_refuse(place, int(row["bands"] or 1)))


def read_or_refuse(path, count):
    bands = tuple(f"band{i}" for i in range(count))
    if path.name == "all-nodata.tif":  # the one whose bands have names
        bands = ("blue", "green", "red", "nir")
    reader = Scenes(sensors={"x": Sensor(bands=bands)}, pattern="{scene}.tif")
    try:
        items = reader.index(path.parent)
    except DataError as error:
        return error
    try:
        return reader.read(items[0])
    except UnreadableItem as error:
        return error


def check_outcome(row, path, outcome):
    name = row["file"]
    if row["reads"] != "yes":
        assert re.search("expected (a raster that rasterio opens|readable pixels)", str(outcome)), (
            name
        )
        return
    layer = outcome.layers["x"]
    assert layer.values.shape == tuple(int(row[k]) for k in ("bands", "height", "width")), name
    assert (outcome.crs is None) == (row["crs"] == ""), name
    assert (outcome.metres_per_pixel is None) == (row["crs"] == ""), name
    with rasterio.open(path) as source:
        stored = source.read()
        # All bands are asked for here, so an alpha band is one of them and no mask.
        flags = [flag.name for flag in source.mask_flag_enums[0]]
        valid = source.dataset_mask() != 0 if flags == ["per_dataset"] else True
        scale, offset = source.scales[0], source.offsets[0]
    valid &= np.isfinite(stored).all(axis=0)
    if row["nodata"]:
        valid &= (stored != np.float64(row["nodata"]).astype(stored.dtype)).all(axis=0)
    assert np.isnan(stored).sum() == int(row["nan_values"]), name
    np.testing.assert_array_equal(layer.valid, valid, err_msg=name)
    expected = np.where(valid, stored * scale + offset, 0)
    np.testing.assert_allclose(layer.values, expected, rtol=1e-5, err_msg=name)


def test_real_pairs_of_radar_and_optical(real_data):
    reader = Scenes(sensors={"S1GRD": "sentinel1", "S2L2A": "sentinel2_l2a"})
    items = reader.index(real_data / "bigearthnet_examples")
    assert len(items) == 6
    raster = reader.read(items[0])
    assert raster.shape == (120, 120)
    assert raster.metres_per_pixel == pytest.approx(10)
    assert json.loads(items[0].metadata["files"])["grid"][0] == 120


def test_equal_names_in_two_regions_are_two_scenes(pairs):
    (pairs / "south").mkdir()
    for file in (pairs / "north").iterdir():
        (pairs / "south" / file.name).write_bytes(file.read_bytes())
    for pattern in ("{region}/{scene}_{sensor}.tif", "{scene}_{sensor}.tif"):
        items = scenes(pattern=pattern).index(pairs)
        assert [item.id for item in items][::3] == ["north/t0", "south/t0"]
        assert len(items) == 6
        assert len(set(items.table["group"].to_pylist())) == 6


def test_a_file_that_covers_a_part_or_nothing_of_the_other_is_named(pairs, write_tiff):
    half = Affine(10.0, 0.0, 600_150.0, 0.0, -10.0, 5_000_000.0)
    elsewhere = Affine(10.0, 0.0, 700_000.0, 0.0, -10.0, 5_000_000.0)
    for number, place in enumerate((half, elsewhere)):
        values = np.ones((3, 20, 30), "float32")
        write_tiff(pairs / f"north/t{number}_S2.tif", values, transform=place)
    items = scenes().index(pairs)
    assert [item.id for item in items] == ["north/t0", "north/t2"]
    assert "overlaps" in items.quarantine[0].expected
    assert items.quarantine[0].source == "north/t1_S2.tif"
    assert "1 scene has a sensor that does not cover" in items.notes[0]
    assert "S2 covers 50% of north/t0" in items.notes[0]


def test_a_grid_without_a_crs_is_named_when_scenes_are_listed(pairs, write_tiff):
    write_tiff(pairs / "north/t1_S2.tif", np.ones((3, 9, 9), "float32"), crs=None)
    assert scenes().index(pairs).quarantine[0].source == "north/t1_S2.tif"


def test_one_date_that_is_none_leaves_out_one_file(write_tiff, tmp_path):
    for date in ("2022163", "spring"):
        write_tiff(tmp_path / f"t_{date}.tif", np.ones((1, 4, 4), "uint8"))
    reader = Scenes(sensors={"x": Sensor(bands=("a",))}, pattern="{scene}_{date}.tif")
    items = reader.index(tmp_path)
    assert [item.id for item in items] == ["t@20220612"]
    assert items.quarantine[0].source == "t_spring.tif"


def test_every_file_of_the_folder_is_accounted_for(pairs, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    for name in ("t9_S1.tif", "t9_S2.TIF"):
        (elsewhere / name).write_bytes((pairs / f"north/t0{name[2:5]}.tif").read_bytes())
    (pairs / "linked").symlink_to(elsewhere)
    (pairs / "loop").symlink_to(pairs)
    (pairs / "north/gone_S1.tif").symlink_to(pairs / "nothing.tif")
    (pairs / "notes.docx").write_text("x")
    items = scenes().index(pairs)
    assert [item.id for item in items] == ["linked/t9", "north/t0", "north/t1", "north/t2"]
    assert [bad.found for bad in items.quarantine] == ["a link to nothing"]
    lines = " | ".join(items.account())
    assert "1 of a format that this reader does not read: 1 .docx" in lines
    assert "1 links to folders that are read already" in lines


def test_any_changed_file_of_a_scene_changes_its_signature(pairs):
    before = list(scenes().index(pairs))
    file = pairs / "north/t1_S2.tif"
    file.write_bytes((pairs / "north/t2_S2.tif").read_bytes())
    after = list(scenes().index(pairs))
    assert [a.signature == b.signature for a, b in zip(after, before, strict=True)] == [
        True,
        False,
        True,
    ]
    assert after[1].id == before[1].id


def test_training_draws_windows_that_have_data(write_tiff, tmp_path):
    """Half of a Sentinel-2 tile at the border of its orbit is fill."""
    values = np.ones((1, 40, 400), "uint8")
    values[:, :, 40:] = 0
    write_tiff(tmp_path / "a.tif", values, nodata=0)
    for kind in ("scene", "window"):
        reader = Scenes(
            sensors={"x": Sensor(bands=("a",))}, pattern="{scene}.tif", window=40, items=kind
        )
        items = reader.index(tmp_path)
        drawn = [reader.read(items[0], np.random.default_rng(seed)) for seed in range(40)]
        share = [raster.layers["x"].valid.mean() for raster in drawn]
        assert np.mean(np.array(share) > 0) > 0.85
        again = reader.read(items[0], np.random.default_rng(3))
        assert again.transform == drawn[3].transform


def test_labels_may_name_a_scene_by_its_first_file(pairs):
    from unlabeled.data.labels import read_labels
    from unlabeled.evaluation.matching import match
    from unlabeled.inference.reading import Source

    (pairs / "labels.csv").write_text("item,kind\nnorth/t1_S1.tif,a\nnorth/t2,b\n")
    source = Source(scenes().index(pairs), scenes())
    labelled = match(read_labels(pairs / "labels.csv"), source, pairs)
    assert labelled.rows.tolist() == [1, 2]


def test_a_glance_at_a_large_scene_reaches_from_side_to_side(pairs, monkeypatch):
    reader = scenes()
    item = reader.index(pairs)[0]
    whole = reader.read(item)
    assert reader.glance(item).shape == whole.shape
    monkeypatch.setattr("unlabeled_remote_sensing.readers.scenes.GLANCE", 200)
    strip = reader.glance(item)
    assert strip.shape == (6, 30)
    np.testing.assert_array_equal(strip.layers["S1"].values, whole.layers["S1"].values[:, 7:13])
