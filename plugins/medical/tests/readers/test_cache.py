import os
import stat

import numpy as np
import pytest

from unlabeled_medical.readers import cache
from unlabeled_medical.readers.cache import cached_file, from_cache, make_room, to_cache


@pytest.fixture
def source(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "SMALLEST", 0)
    monkeypatch.setenv("UNLABELED_CACHE", str(tmp_path / "cache"))
    file = tmp_path / "anna_smith.nii.gz"
    file.write_bytes(b"first")
    return file


def test_voxels_come_back_mapped(source):
    values = np.arange(24, dtype=np.int16).reshape(2, 3, 4, 1)
    file = cached_file([source], "RAS")
    assert from_cache(file) is None
    to_cache(file, values, limit_bytes=10_000)
    voxels = from_cache(file)
    assert isinstance(voxels, np.memmap)
    np.testing.assert_array_equal(voxels, values)


def test_names_tell_nothing_and_only_the_owner_reads(source):
    file = cached_file([source], "RAS")
    to_cache(file, np.zeros((2, 2, 2, 1)), 10_000)
    assert "anna" not in str(file.relative_to(source.parent))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_changed_file_is_decoded_again(source):
    before = cached_file([source], "RAS")
    source.write_bytes(b"second")
    assert cached_file([source], "RAS") != before


def test_another_layout_is_another_file(source):
    assert cached_file([source], "RAS") != cached_file([source], "stored")


def test_the_least_recently_used_go_first(tmp_path):
    for age, name in enumerate(["new", "old", "oldest"]):
        (tmp_path / f"{name}.npy").write_bytes(b"x" * 100)
        os.utime(tmp_path / f"{name}.npy", (1000 - age, 1000 - age))
    make_room(tmp_path, 150)
    assert [f.name for f in tmp_path.iterdir()] == ["new.npy"]


def test_the_folder_stays_near_its_limit_and_is_rarely_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "SMALLEST", 0)
    counted = []

    def counting(folder, limit_bytes):
        counted.append(folder)
        make_room(folder, limit_bytes)

    monkeypatch.setattr(cache, "make_room", counting)
    for number in range(60):
        to_cache(tmp_path / f"{number}.npy", np.zeros((10, 10, 1, 1), np.uint8), 4000)
    assert sum(f.stat().st_size for f in tmp_path.iterdir()) <= 1.1 * 4000
    assert 0 < len(counted) <= 32


def test_small_images_are_not_kept(source, monkeypatch):
    monkeypatch.setattr(cache, "SMALLEST", 1_000)
    file = cached_file([source], "RAS")
    to_cache(file, np.zeros((5, 5, 1, 1)), 10_000)
    assert from_cache(file) is None


def test_what_exceeds_the_limit_is_not_kept(source):
    file = cached_file([source], "RAS")
    to_cache(file, np.zeros((9, 9, 9, 1)), limit_bytes=100)
    assert from_cache(file) is None


def test_a_broken_cache_file_counts_as_absent(source):
    file = cached_file([source], "RAS")
    file.parent.mkdir(parents=True)
    file.write_bytes(b"not an array")
    assert from_cache(file) is None
