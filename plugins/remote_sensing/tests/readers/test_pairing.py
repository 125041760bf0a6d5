from datetime import datetime

import pytest

from unlabeled.errors import DataError
from unlabeled_remote_sensing.readers.pairing import Found, finest, pair


def found(name, place="t"):
    """From "S1 2020-01-03"."""
    sensor, _, date = name.partition(" ")
    day = datetime.fromisoformat(date) if date else None
    return Found(f"{place}_{name}", place, sensor, date=day)


def ids(*names, **settings):
    scenes, _ = pair([found(name) for name in names], "S2", None, **settings)
    return [scene.id for scene in scenes]


def test_acquisitions_are_joined_with_the_nearest_within_the_tolerance():
    names = ["S2 2020-01-01", "S2 2020-02-01", "S1 2020-01-03", "S1 2019-12-31"]
    (january, february), unused = pair([found(name) for name in names], "S2", 5)
    assert january.sensors["S1"][0].path == "t_S1 2019-12-31"
    assert set(february.sensors) == {"S2"}
    assert january.id == "t@20200101"
    assert [one.path for one in unused] == ["t_S1 2020-01-03"]
    february = pair([found(name) for name in names], "S2", None)[0][1]
    assert february.sensors["S1"][0].path == "t_S1 2020-01-03"


def test_ids_stay_when_files_are_added():
    assert ids("S2 2022-06-01") == ["t@20220601"]
    assert ids("S2 2022-06-01", "S2 2022-06-11") == ["t@20220601", "t@20220611"]
    assert ids("S2 2022-06-01", "S1 2022-06-02") == ["t@20220601"]
    assert ids("S2", "S1") == ids("S2") == ["t"]


def test_acquisitions_without_a_partner_are_scenes_or_named():
    names = ["S1 2022-06-01", "S2 2022-06-01", "S2 2022-06-11", "S2 2022-06-21"]
    files = [found(name) for name in names]
    scenes, unused = pair(files, "S1", None, alone=True)
    assert [scene.id for scene in scenes] == ["t@20220601", "t@20220611", "t@20220621"]
    assert unused == []
    scenes, unused = pair(files, "S1", None)
    assert [scene.id for scene in scenes] == ["t@20220601"]
    assert [one.path for one in unused] == ["t_S2 2022-06-11", "t_S2 2022-06-21"]


def test_equal_names_in_two_places_are_two_scenes():
    files = [found(name, place) for place in ("rome/t", "oslo/t") for name in ("S1", "S2")]
    scenes, _ = pair(files, "S1", None)
    assert [scene.id for scene in scenes] == ["oslo/t", "rome/t"]


def test_of_a_band_at_several_resolutions_the_finest_is_taken():
    sizes = {("B02", 10.0), ("B02", 20.0), ("b2", 60.0), ("B05", 20.0), ("B05", 60.0)}
    files = [Found(f"{b}_{r:g}", "t", "S2", b, resolution=r) for b, r in sorted(sizes)]
    kept, coarser = finest(files)
    assert [one.path for one in kept] == ["B02_10", "B05_20"]
    assert len(coarser) == 3


def test_two_scenes_of_one_id_are_named():
    """A manifest may call a scene like another one with its date."""
    with pytest.raises(DataError, match="called 't@20220601'"):
        pair([found("S1 2022-06-01"), found("S1", "t@20220601")], "S1", None)
