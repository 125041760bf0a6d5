from datetime import datetime
from pathlib import Path

import pytest

from unlabeled.data.listing import FileRules, Listing
from unlabeled.errors import DataError, RecipeError
from unlabeled_remote_sensing.readers.names import match_names, read_manifest
from unlabeled_remote_sensing.sensors import PixelMask, Sensor

X = Sensor(bands=("a",))


def listing():
    return Listing(Path("data"))


def told(account):
    return [str(each) for each in account.left_out]


def match(paths, pattern, names, account=None, **sensors):
    declared = dict.fromkeys(names, X) | sensors
    return match_names(paths, pattern, declared, account or listing())


def test_names_may_hold_the_separator_in_scene_and_sensor():
    account = listing()
    paths = ["a_b_S1_VV.tif", "a_b_S2.tif", "a_b_LULC.tif", "notes.txt"]
    found = match(paths, "{scene}_{sensor}.tif", ["S1_VV", "S2"], account)
    assert {(one.place, one.sensor) for one in found} == {("a_b", "S1_VV"), ("a_b", "S2")}
    assert told(account) == [
        "1 by the pattern {scene}_{sensor}.tif",
        "1 of sensors that are not declared: 1 LULC",
    ]


def test_folders_dates_and_free_fields():
    paths = ["alps/S1/t1_20200101.tif", "alps/S1/t1.tif"]
    found = match(paths, "{region}/{sensor}/{scene}_{date}.tif", ["S1"])
    assert len(found) == 1
    assert found[0].fields == {"region": "alps"}
    assert found[0].place == "alps/t1"
    assert found[0].date == datetime(2020, 1, 1)


def test_every_folder_and_field_is_a_part_of_the_place_but_those_with_a_dash():
    (found,) = match(["rome/north/t1_S1.tif"], "{scene}_{sensor}.tif", ["S1"])
    assert found.place == "rome/north/t1"
    paths = ["S1/S1A_t1.tif", "S2/S2B_t1.tif"]
    found = match(paths, "{sensor}/{_platform}_{scene}.tif", ["S1", "S2"])
    assert {one.place for one in found} == {"t1"}
    assert [one.fields["_platform"] for one in found] == ["S1A", "S2B"]


def test_a_field_that_stands_twice_must_agree():
    found = match(["t1/t1_S1.tif", "t1/t2_S1.tif"], "{scene}/{scene}_{sensor}.tif", ["S1"])
    assert [one.path for one in found] == ["t1/t1_S1.tif"]


def test_the_sensor_may_be_left_out_where_there_is_one():
    assert match(["x.tif"], "{scene}.tif", ["image"])[0].sensor == "image"
    with pytest.raises(RecipeError, match=r"\{sensor\}"):
        match([], "{scene}.tif", ["S1", "S2"])


def test_endings_may_have_capitals():
    assert len(match(["x.TIF", "y.tif"], "{scene}.tif", ["image"])) == 2


def test_a_date_that_is_none_leaves_out_that_file():
    account = listing()
    paths = ["t_S1_spring.tif", "t_S1_2022163.tif"]
    found = match(paths, "{scene}_{sensor}_{date}.tif", ["S1"], account)
    assert [one.path for one in found] == ["t_S1_2022163.tif"]
    (bad,) = account.quarantined
    assert bad.source == "t_S1_spring.tif"
    assert "2017164 (day of the year)" in bad.expected
    assert bad.found == "'spring'"


def test_bands_that_are_not_declared_are_counted():
    account, sensor = listing(), Sensor(bands=("B02",), mask=PixelMask())
    paths = [f"t_{band}.jp2" for band in ("B2", "SCL", "TCI", "AOT")]
    found = match(paths, "{scene}_{band}.jp2", [], account, S2=sensor)
    assert [one.band for one in found] == ["B2", "SCL"]
    assert told(account) == ["2 of bands that are not declared: 1 TCI, 1 AOT"]


def test_manifest(tmp_path):
    path, account = tmp_path / "scenes.csv", listing()
    path.write_text(
        "scene,sensor,path,band,region\nt,S1,x/a.tif,a,alps\nt,DEM,d.tif,,alps\n,S1,,,\n"
    )
    (found,) = read_manifest(path, {"S1": X}, FileRules(), account)
    assert (found.path, found.band, found.fields) == ("x/a.tif", "a", {"region": "alps"})
    assert found.place == "alps/t"
    assert told(account) == ["1 of sensors that are not declared: 1 DEM"]
    assert account.quarantined[0].source.endswith("scenes.csv, row 4")
    path.write_text("scene,file\nt,x.tif\n")
    with pytest.raises(DataError, match="expected a column 'sensor'"):
        read_manifest(path, {"S1": X}, FileRules(), account)


def test_a_manifest_of_a_spreadsheet(tmp_path):
    (tmp_path / "m.csv").write_bytes("\ufeffscene;sensor;path\r\n007;S1;a.tif\r\n".encode())
    (found,) = read_manifest(tmp_path / "m.csv", {"S1": X}, FileRules(), listing())
    assert (found.place, found.path) == ("007", "a.tif")


def test_include_and_exclude_choose_among_the_rows_of_a_manifest(tmp_path):
    path, account = tmp_path / "m.csv", listing()
    path.write_text("scene,sensor,path\ns,S1,x/a.tif\nt,S1,y/b.tif\nu,S1,x/c.tif\n")
    rules = FileRules(include=("x/*",), exclude=("c.*",))
    (found,) = read_manifest(path, {"S1": X}, rules, account)
    assert found.path == "x/a.tif"
    assert told(account) == ["1 by exclude c.*", "1 by include"]
