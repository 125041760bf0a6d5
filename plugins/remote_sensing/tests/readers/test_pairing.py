from datetime import datetime

import pytest

from unlabeled.errors import DataError, RecipeError
from unlabeled_remote_sensing.readers.pairing import match_names, pair, read_manifest


def test_names_may_hold_the_separator_in_scene_and_sensor():
    found, others = match_names(
        ["a_b_S1_VV.tif", "a_b_S2.tif", "a_b_LULC.tif", "notes.txt"],
        "{scene}_{sensor}.tif",
        ["S1_VV", "S2"],
    )
    assert {(one.scene, one.sensor) for one in found} == {("a_b", "S1_VV"), ("a_b", "S2")}
    assert others == 1


def test_folders_dates_and_free_fields():
    found, _ = match_names(
        ["alps/S1/t1_20200101.tif", "alps/S1/t1.tif"],
        "{region}/{sensor}/{scene}_{date}.tif",
        ["S1"],
    )
    assert len(found) == 1
    assert found[0].fields == {"region": "alps"}
    assert found[0].date == datetime(2020, 1, 1)


def test_a_field_that_stands_twice_must_agree():
    found, _ = match_names(["t1/t1_S1.tif", "t1/t2_S1.tif"], "{scene}/{scene}_{sensor}.tif", ["S1"])
    assert [one.path for one in found] == ["t1/t1_S1.tif"]


def test_the_sensor_may_be_left_out_where_there_is_one():
    found, _ = match_names(["x.tif"], "{scene}.tif", ["image"])
    assert found[0].sensor == "image"
    with pytest.raises(RecipeError, match=r"\{sensor\}"):
        match_names([], "{scene}.tif", ["S1", "S2"])


def test_acquisitions_are_joined_with_the_nearest_within_the_tolerance():
    paths = [
        "t_S2_2020-01-01.tif",
        "t_S2_2020-02-01.tif",
        "t_S1_2020-01-03.tif",
        "t_S1_2019-12-31.tif",
    ]
    found, _ = match_names(paths, "{scene}_{sensor}_{date}.tif", ["S1", "S2"])
    january, february = pair(found, "S2", 5)
    assert january.sensors["S1"][0].path == "t_S1_2019-12-31.tif"
    assert set(february.sensors) == {"S2"}
    assert january.id == "t@20200101T000000"
    february = pair(found, "S2", None)[1]
    assert february.sensors["S1"][0].path == "t_S1_2020-01-03.tif"


def test_a_date_that_is_none_is_an_error_with_the_file():
    with pytest.raises(DataError, match=r"t_S1_spring.tif.*spring"):
        match_names(["t_S1_spring.tif"], "{scene}_{sensor}_{date}.tif", ["S1"])


def test_manifest(tmp_path):
    path = tmp_path / "scenes.csv"
    path.write_text("scene,sensor,path,band,region\nt,S1,x/a.tif,VV,alps\nt,DEM,d.tif,,alps\n")
    found, others = read_manifest(path, ["S1"])
    assert (found[0].path, found[0].band, found[0].fields) == ("x/a.tif", "VV", {"region": "alps"})
    assert others == 1
    path.write_text("scene,file\nt,x.tif\n")
    with pytest.raises(DataError, match="no path, sensor"):
        read_manifest(path, ["S1"])
