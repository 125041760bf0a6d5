import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine

from unlabeled.errors import DataError
from unlabeled_remote_sensing.readers.scenes import Scenes
from unlabeled_remote_sensing.sensors import KNOWN, PixelMask, Sensor

BANDS = KNOWN["sentinel2_l2a"].bands
AT = {10: ("B02", "B03", "B04", "B08"), 20: ("B02", "B05", "B8A", "SCL", "TCI"), 60: ("B01", "B02")}
FEW = Sensor(bands=("B02", "B05", "B01"), unit="reflectance x 10000")
OFFSETS = "".join(f'<BOA_ADD_OFFSET band_id="{k}">-1000</BOA_ADD_OFFSET>' for k in range(13))
METADATA = "<p><BOA_QUANTIFICATION_VALUE>10000</BOA_QUANTIFICATION_VALUE>{}</p>"
SIDE = 60


def write_jp2(path, values, size):
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.atleast_3d(values.T).T
    with rasterio.open(
        path,
        "w",
        driver="JP2OpenJPEG",
        QUALITY="100",
        REVERSIBLE="YES",
        count=len(values),
        height=values.shape[1],
        width=values.shape[2],
        dtype=values.dtype,
        crs="EPSG:32632",
        transform=Affine(size, 0, 700_000, 0, -size, 5_000_040),
    ) as target:
        target.write(values)


def product(
    root, date="20220613T101031", baseline="0400", *, level="L2A", made="20220613T162501", xml=None
):
    """Reflectance is the number of the band x 100; the left half is fill."""
    name = f"S2A_MSI{level}_{date}_N{baseline}_R022_T32TQM_{made}.SAFE"
    images = root / name / f"GRANULE/{level}_T32TQM_A036432_{date}/IMG_DATA"
    late = int(baseline) >= 400
    for size, bands in AT.items():
        for band in bands:
            side = SIDE * 10 // size
            stored = np.full((side, side), 100 * (BANDS.index(band) + 1) if band in BANDS else 4)
            stored = (stored + 1000 * (late and band in BANDS)).astype("uint16")
            stored[:, : side // 2] = 0
            if band in ("TCI", "SCL"):
                stored = np.stack([stored] * (3 if band == "TCI" else 1)).astype("uint8")
            write_jp2(images / f"R{size}m/T32TQM_{date}_{band}_{size}m.jp2", stored, size)
    if xml is None:
        xml = METADATA.format(OFFSETS if late else "")
    (root / name / f"MTD_MSI{level}.xml").write_text(xml)
    return root / name


def reader(sensor=FEW, **settings):
    return Scenes(sensors={"S2": sensor}, **settings)


def test_bands_come_at_their_best_resolution_and_fill_is_no_data(tmp_path):
    product(tmp_path)
    items = reader().index(tmp_path)
    assert [item.id for item in items] == ["T32TQM_R022@20220613T101031"]
    assert items[0].group == "T32TQM"
    layer = reader().read(items[0]).layers["S2"]
    assert layer.values.shape == (3, SIDE, SIDE)
    assert not layer.valid[:, : SIDE // 2].any()
    assert layer.valid[:, SIDE // 2 + 3 :].all()
    np.testing.assert_array_equal(layer.values[:, 30, -1], [200, 500, 100])
    assert layer.values.max() == 500


def test_what_is_left_out_is_counted_by_name(tmp_path):
    product(tmp_path)
    (tmp_path / "S2A_MSIL2A_20220613T101031_N0400_R022_T32TQN_20220613T162501.zip").write_bytes(b"")
    most = Sensor(bands=("B02", "B03", "B04", "B08", "B05", "B8A", "B01"))
    notes = " | ".join(reader(most).index(tmp_path).account())
    assert "1 TCI" in notes
    assert "1 SCL" in notes
    assert "2 of bands that are there at a finer resolution" in notes
    assert "1 of packed Sentinel-2 products; unpack them first" in notes


def test_products_of_before_and_after_the_offset_give_equal_reflectances(tmp_path):
    product(tmp_path)
    product(tmp_path, "20210618T101029", "0300")
    items = reader().index(tmp_path)
    assert items[0].id == "T32TQM_R022@20210618T101029"
    early, late = (reader().read(item).layers["S2"].values for item in items)
    np.testing.assert_array_equal(early, late)
    assert items.notes == ()


def test_without_metadata_the_baseline_is_taken_and_said(tmp_path):
    product(tmp_path, xml="<x/>")
    items = reader().index(tmp_path)
    assert "1 Sentinel-2 products say no radiometric offset" in items.notes[0]
    assert reader().read(items[0]).layers["S2"].values[0, 30, -1] == 200


def test_metadata_that_declare_entities_leave_out_that_product(tmp_path):
    product(tmp_path, xml='<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>')
    product(tmp_path, "20210618T101029", "0300")
    items = reader().index(tmp_path)
    assert len(items) == 1
    assert items.quarantine[0].source.endswith("MTD_MSIL2A.xml")


def test_the_scene_classification_may_be_the_mask(tmp_path):
    product(tmp_path)
    masked = Sensor(bands=("B02",), mask=PixelMask(values=(4,)))
    items = reader(masked).index(tmp_path)
    assert not reader(masked).read(items[0]).layers["S2"].valid.any()


def test_of_two_processings_the_later_is_taken(tmp_path):
    product(tmp_path, baseline="0300")
    product(tmp_path, baseline="0500", made="20230101T000000")
    items = reader().index(tmp_path)
    assert len(items) == 1
    assert "N0500" in items[0].source
    assert any("processed again later" in note for note in items.account())


def test_the_level_is_asked_for_only_where_there_are_both(tmp_path):
    product(tmp_path)
    product(tmp_path, level="L1C")
    with pytest.raises(DataError, match=r"sensors\.S2\.level: the folder holds.*L1C and L2A"):
        reader().index(tmp_path)
    items = reader(FEW.model_copy(update={"level": "L2A"})).index(tmp_path)
    assert len(items) == 1
    assert any("that no declared sensor takes" in note for note in items.account())


def test_a_pattern_of_ones_own_does_not_get_in_the_way(tmp_path):
    product(tmp_path)
    pattern = "{product}.SAFE/GRANULE/{granule}/IMG_DATA/R{res}m/{scene}_{date}_{band}_{res}m.jp2"
    assert len(reader(pattern=pattern).index(tmp_path)) == 1


def test_another_unit_and_products_beside_other_files(tmp_path, write_tiff):
    product(tmp_path / "safe")
    values = np.full((2, SIDE, SIDE), -10, "float32")
    place = Affine(10, 0, 700_000, 0, -10, 5_000_040)
    for date in ("20220612", "20220701"):
        path = tmp_path / f"T32TQM_S1_{date}.tif"
        write_tiff(path, values, ("VV", "VH"), place, "EPSG:32632")
    sensors = {"S1": "sentinel1", "S2": FEW.model_copy(update={"unit": "reflectance"})}
    scenes = Scenes(sensors=sensors, pattern="{scene}_{sensor}_{date}.tif", time_tolerance_days=5)
    items = scenes.index(tmp_path)
    assert [item.id for item in items] == ["T32TQM@20220612"]
    assert scenes.read(items[0]).layers["S2"].values[0, 30, -1] == pytest.approx(0.02)
