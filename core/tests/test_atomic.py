import math

import pytest

from unlabeled import atomic


def test_a_file_that_fails_half_way_leaves_the_old_one(tmp_path):
    path = tmp_path / "metrics.json"
    atomic.write_text(path, "old")

    def fail():
        with atomic.new_file(path) as partial:
            partial.write_text("half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()

    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_takes_the_place_of_the_old_one_as_a_whole(tmp_path):
    path = tmp_path / "encoder"
    for text in ("first", "second"):
        with atomic.new_folder(path) as partial:
            (partial / f"{text}.txt").write_text(text)

    assert [file.name for file in path.iterdir()] == ["second.txt"]
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_fails_half_way_leaves_the_old_one(tmp_path):
    path = tmp_path / "encoder"
    with atomic.new_folder(path) as partial:
        (partial / "weights").write_text("good")

    def fail():
        with atomic.new_folder(path) as partial:
            (partial / "weights").write_text("half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()

    assert (path / "weights").read_text() == "good"
    assert list(tmp_path.iterdir()) == [path]


def test_json_refuses_what_json_cannot_hold(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        atomic.write_json(tmp_path / "a.json", {"loss": math.nan})
    assert not list(tmp_path.iterdir())
