import csv
import json
import pickle
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
    assert [item.id for item in items] == ["t0", "t1", "t2"]
    assert items[1].group == "t1"
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
    assert items.quarantine[0].source == "t1"
    assert items.quarantine[0].found == "S2"
    reader = scenes(allow_missing=True)
    items = reader.index(pairs)
    assert len(items) == 3
    assert list(reader.read(items[1]).layers) == ["S2"]


def test_broken_files_are_quarantined_with_their_name(pairs):
    (pairs / "north/t0_S1.tif").write_bytes(b"")
    (pairs / "north/t1_S2.tif").write_text("no image")
    items = scenes().index(pairs)
    assert [item.id for item in items] == ["t2"]
    assert [one.source for one in items.quarantine] == ["north/t0_S1.tif", "north/t1_S2.tif"]
    assert all("not recognized" in one.found for one in items.quarantine)


def test_undeclared_sensors_are_counted(pairs, write_tiff):
    write_tiff(pairs / "north/t0_LULC.tif", np.zeros((1, 20, 30), "uint8"))
    assert "1 files are of sensors" in scenes().index(pairs).notes[0]
    assert scenes(exclude=("*LULC*",)).index(pairs).notes == ()


def test_nothing_to_read_is_an_error_with_the_pattern(tmp_path):
    with pytest.raises(DataError, match=r"nothing fits '\{region\}"):
        scenes().index(tmp_path)
    with pytest.raises(DataError, match="found no folder"):
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
    items = reader.index(tmp_path)
    assert len(items) == 0
    assert items.quarantine[0].found == "B02"


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
    items = reader.index(path.parent)
    if items.quarantine:
        return items.quarantine[0]
    try:
        return reader.read(items[0])
    except UnreadableItem as error:
        return error


def check_outcome(row, path, outcome):
    name = row["file"]
    if row["reads"] != "yes":
        assert outcome.expected in ("a raster that rasterio opens", "readable pixels"), name
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
