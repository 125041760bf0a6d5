import nibabel
import numpy as np
import pytest

from unlabeled.errors import DataError
from unlabeled_medical.readers import nifti, voxels
from unlabeled_medical.readers.volumes import Volumes, grid_of

RNG = np.random.default_rng(7)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_patches_are_windows_of_the_whole_at_their_place(tmp_path, name, write_nifti):
    affine = np.diag([-2.0, 3.0, 1.0, 1.0])
    affine[:3, 3] = [30.0, -12.5, 7.25]
    write_nifti(tmp_path / name, affine=affine)
    reader = Volumes(patch=(5, 4, 3))
    (item,) = reader.index(tmp_path)
    whole = reader.read(item)
    for seed in range(5):
        patch = reader.read(item, np.random.default_rng(seed))
        assert patch.size == (5, 4, 3)
        start = np.linalg.solve(whole.affine, [*patch.world([0, 0, 0]), 1])[:3].round().astype(int)
        expected = whole.crop(start, (5, 4, 3))
        np.testing.assert_array_equal(patch.values, expected.values)
        np.testing.assert_array_equal(patch.affine, expected.affine)


def test_the_same_rng_gives_the_same_patch(tmp_path, write_nifti):
    write_nifti(tmp_path / "a.nii")
    reader = Volumes(patch=(5, 4, 3))
    (item,) = reader.index(tmp_path)
    one, two = (reader.read(item, np.random.default_rng(3)) for _ in range(2))
    assert (one.values == two.values).all()


def test_a_patch_longer_than_the_volume_takes_what_there_is(tmp_path, write_nifti):
    write_nifti(tmp_path / "a.nii")
    (item,) = Volumes().index(tmp_path)
    assert Volumes(patch=(64, 4, 64)).read(item, np.random.default_rng(0)).size == (12, 4, 8)


def test_empty_patches_are_drawn_again(tmp_path, write_nifti):
    values = np.zeros((40, 40, 40), np.float32)
    values[:20] = RNG.normal(size=(20, 40, 40))
    write_nifti(tmp_path / "a.nii", values)
    reader = Volumes(patch=(8, 8, 8))
    (item,) = reader.index(tmp_path)
    spread = [reader.read(item, np.random.default_rng(s)).values.std() for s in range(40)]
    assert np.mean([float(s) > 0.01 for s in spread]) > 0.95


def test_memory_mapped_patches_leave_the_rest_on_disk(tmp_path, monkeypatch, write_nifti):
    """An uncompressed file is never decoded as a whole."""
    write_nifti(tmp_path / "a.nii")
    reader = Volumes(patch=(4, 4, 4))
    (item,) = reader.index(tmp_path)
    reader.read(item, np.random.default_rng(0))
    source = voxels.Source.of("nifti", (tmp_path / "a.nii",))
    grid = grid_of(voxels.read_header(source, None), turn=True, spacing=None)
    assert isinstance(voxels.open_windows(source, grid, "stored", 10**9).values, np.memmap)


@pytest.mark.parametrize("smallest", [0, 10**9])
def test_a_compressed_file_is_decoded_once(tmp_path, monkeypatch, smallest, write_nifti):
    """Into the cache, or if it is small into memory; in parts of it too, without being asked."""
    monkeypatch.setattr(voxels, "SMALLEST", smallest)
    write_nifti(tmp_path / "a.nii.gz", shape=(12, 10, 8, 3))
    decoded = []
    monkeypatch.setattr(
        nifti, "load", lambda files, load=nifti.load: (decoded.append(files), load(files))[1]
    )
    reader = Volumes(patch=4)
    items = reader.index(tmp_path)
    windows = [reader.read(items[n % 3], np.random.default_rng(n)) for n in range(6)]
    slices = Volumes(slices="axial")
    flat = [slices.read(item) for item in slices.index(tmp_path)]
    assert len(windows) == 6
    assert len(flat) == 24
    assert len(decoded) == 1


def test_windows_of_the_cache_are_their_owners(tmp_path, monkeypatch, write_nifti):
    """Whoever changes a window in place changes neither the cache nor another window."""
    monkeypatch.setattr(voxels, "SMALLEST", 0)
    write_nifti(tmp_path / "a.nii.gz")
    reader = Volumes(patch=4)
    (item,) = reader.index(tmp_path)
    first = reader.read(item, np.random.default_rng(0))
    before = first.values.clone()
    first.values.zero_()
    np.testing.assert_array_equal(reader.read(item, np.random.default_rng(0)).values, before)


def test_small_volumes_are_held_up_to_a_limit(tmp_path, monkeypatch, write_nifti):
    monkeypatch.setattr(voxels, "MOST_HELD", 3 * 4 * 960)
    monkeypatch.setattr(voxels, "_OPEN", {})
    monkeypatch.setattr(voxels, "_HELD", {})
    for number in range(5):
        write_nifti(tmp_path / f"{number}.nii.gz")
    reader = Volumes(patch=4)
    for item in reader.index(tmp_path):
        reader.read(item, np.random.default_rng(0))
    assert len(voxels._OPEN) == len(voxels._HELD) == 3


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("steps", [(1, 2, 3), (-1, 2, -3)])
@pytest.mark.parametrize("intensity", ["robust", "stored", "hounsfield", "over_frames"])
def test_a_window_from_map_or_cache_is_that_of_the_whole(
    tmp_path, monkeypatch, suffix, steps, intensity
):
    """Of a volume stored with its axes permuted and perhaps backwards, slope and frames too."""
    monkeypatch.setattr(voxels, "SMALLEST", 0)
    values = np.random.default_rng(0).integers(0, 900, (9, 10, 11, 2), dtype=np.int16)
    affine = np.zeros((4, 4))
    affine[[1, 2, 0, 3], range(4)] = [*steps, 1]
    image = nibabel.Nifti1Image(values, affine)
    image.header.set_slope_inter(0.5, -20)
    nibabel.save(image, tmp_path / f"a{suffix}")
    reader = Volumes(patch=4, intensity=intensity)
    item = reader.index(tmp_path)[0]  # the first frame alone is read by another way than windows
    whole = reader.read(item)
    for seed in range(5):
        window = reader.read(item, np.random.default_rng(seed))
        first = np.linalg.solve(whole.affine, window.affine[:, 3])[:3].round().astype(int)
        box = tuple(slice(a, a + 4) for a in first)
        np.testing.assert_array_equal(window.values[0], whole.values[0][box])


def test_a_patch_of_the_wrong_rank_is_refused(tmp_path, write_nifti):
    write_nifti(tmp_path / "a.nii")
    (item,) = Volumes().index(tmp_path)
    with pytest.raises(DataError, match="the reader's patch has 2 axes"):
        Volumes(patch=(4, 4)).read(item, np.random.default_rng(0))
