import os
import stat

import numpy as np
import pytest

from unlabeled.errors import DataError
from unlabeled_medical.readers import cache
from unlabeled_medical.readers.cache import cached_file, from_cache, make_room, to_cache
from unlabeled_medical.readers.volumes import Volumes


@pytest.fixture
def source(tmp_path, monkeypatch):
    monkeypatch.setenv("UNLABELED_CACHE", str(tmp_path / "cache"))
    file = tmp_path / "anna_smith.nii.gz"
    file.write_bytes(b"first")
    return file


def test_voxels_come_back_mapped(source):
    values = np.arange(48, dtype=np.float32).reshape(2, 2, 3, 4)
    file = cached_file([source], "RAS")
    assert from_cache(file) is None
    backwards = (np.asfortranarray(frame) for frame in values)  # in whatever order of memory
    to_cache(file, values.shape, backwards, limit_bytes=10_000)
    voxels = from_cache(file)
    assert isinstance(voxels, np.memmap)
    assert voxels.flags.c_contiguous
    np.testing.assert_array_equal(voxels, values)


def test_names_tell_nothing_and_only_the_owner_reads(source):
    file = cached_file([source], "RAS")
    to_cache(file, (1, 2, 2, 2), np.zeros((1, 2, 2, 2)), 10_000)
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
    counted = []

    def counting(folder, limit_bytes):
        counted.append(folder)
        make_room(folder, limit_bytes)

    monkeypatch.setattr(cache, "make_room", counting)
    for number in range(60):
        to_cache(tmp_path / f"{number}.npy", (1, 5, 5, 1), np.zeros((1, 5, 5, 1)), 12_000)
    assert sum(f.stat().st_size for f in tmp_path.iterdir()) <= 1.1 * 12_000
    assert 0 < len(counted) <= 32


def test_a_frame_that_cannot_be_made_leaves_nothing(source):
    def frames():
        yield np.zeros((2, 2, 2))
        raise ValueError("cut short")

    file = cached_file([source], "RAS")
    with pytest.raises(ValueError, match="cut short"):
        to_cache(file, (2, 2, 2, 2), frames(), 10_000)
    assert not list(file.parent.iterdir())


def test_a_folder_that_cannot_be_written_says_what_to_do(source):
    file = cached_file([source], "RAS")
    file.parent.parent.write_bytes(b"in the way")
    with pytest.raises(DataError, match="UNLABELED_CACHE to another folder"):
        to_cache(file, (1, 2, 2, 2), np.zeros((1, 2, 2, 2)), 10_000)


def test_a_broken_cache_file_counts_as_absent(source):
    file = cached_file([source], "RAS")
    file.parent.mkdir(parents=True)
    file.write_bytes(b"not an array")
    assert from_cache(file) is None


def test_everything_that_is_kept_of_a_file_can_be_forgotten(source):
    other = source.with_name("other.nii.gz")
    other.write_bytes(b"another")
    for file, layout in ((source, "RAS"), (source, "LPS"), (other, "RAS")):
        to_cache(cached_file([file], layout), (1, 2, 2, 2), np.zeros((1, 2, 2, 2)), 10_000)
    kept = cached_file([other], "RAS")
    source.unlink()  # it need not be there any more
    assert Volumes().forget_copies([str(source)]) == 2
    assert list(cache.cache_folder().glob("*.npy")) == [kept]
    assert Volumes().forget_copies([str(source)]) == 0
