import json

import nibabel
import numpy as np
import pytest
import torch

from unlabeled.cli.overrides import parse_overrides
from unlabeled.errors import UnreadableItem
from unlabeled.recipe import load_recipe
from unlabeled.training.pretrain import pretrain
from unlabeled_medical.readers.volumes import Volumes


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1.7e6])
def test_standardised_values_do_not_depend_on_the_unit(tmp_path, scale, write_nifti):
    values = np.abs(np.random.default_rng(0).normal(size=(16, 16, 16))).astype(np.float32)
    write_nifti(tmp_path / "a.nii", (values * scale).astype(np.float32))
    write_nifti(tmp_path / "b.nii", values)
    a, b = (Volumes().read(item).values for item in Volumes().index(tmp_path))
    np.testing.assert_allclose(a, b, atol=1e-4)
    assert abs(float(a.mean())) < 0.02
    assert abs(float(a.std()) - 1) < 0.02


def test_one_bright_voxel_does_not_darken_the_rest(tmp_path, write_nifti):
    values = write_nifti(tmp_path / "a.nii", shape=(20, 20, 20))
    values[0, 0, 0] = 1e9
    write_nifti(tmp_path / "b.nii", values)
    a, b = (Volumes().read(item).values for item in Volumes().index(tmp_path))
    np.testing.assert_allclose(a[0, 1:], b[0, 1:], atol=0.05)


def test_nan_infinity_and_constants_stay_finite(tmp_path, write_nifti):
    values = np.random.default_rng(0).normal(size=(12, 10, 8))
    values[0, 0, 0], values[1, 1, 1] = np.nan, np.inf
    write_nifti(tmp_path / "odd.nii", values)
    write_nifti(tmp_path / "flat.nii", np.full((5, 5, 5), 3, np.int16))
    flat, odd = (Volumes().read(item).values for item in Volumes().index(tmp_path))
    assert torch.isfinite(odd).all()
    assert (flat == 0).all()


def test_a_volume_without_a_finite_voxel_is_refused(tmp_path, write_nifti):
    write_nifti(tmp_path / "a.nii", np.full((4, 4, 4), np.nan, np.float32))
    with pytest.raises(UnreadableItem, match="at least one finite voxel"):
        Volumes().read(Volumes().index(tmp_path)[0])


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_each_voxel_is_standardised_over_the_frames_of_its_file(tmp_path, suffix):
    """In float64, by the formula; what never changes, as around a masked brain, becomes zero."""
    rng = np.random.default_rng(0)
    level = rng.uniform(1e3, 1.7e6, (4, 5, 3, 1))
    values = (level * (1 + 0.02 * rng.normal(size=(4, 5, 3, 30)))).astype(np.float32)
    values[0], values[1, 0, 0] = 12345.67, np.nan
    image = nibabel.Nifti1Image(values, np.diag([-2.0, 2, 2, 1]))
    nibabel.save(image, tmp_path / f"bold{suffix}")
    reader = Volumes(intensity="over_frames", patch=8)
    items = reader.index(tmp_path)
    read = np.stack([reader.read(item, rng).values[0].numpy() for item in items], axis=-1)[::-1]
    changing = values[1:].astype(np.float64)
    expected = (changing - changing.mean(-1, keepdims=True)) / changing.std(-1, keepdims=True)
    np.testing.assert_allclose(read[1:], np.nan_to_num(expected), atol=1e-4)
    assert (read[0] == 0).all()


def test_one_frame_alone_is_standardised_as_a_volume(tmp_path, write_nifti):
    write_nifti(tmp_path / "a.nii")
    alone, robust = (
        Volumes(intensity=intensity).read(Volumes().index(tmp_path)[0]).values
        for intensity in ("over_frames", "robust")
    )
    assert torch.equal(alone, robust)


def test_functional_images_in_the_units_of_the_scanner_train(tmp_path):
    """Voxels of thousands that change by a few per cent: without their standard deviations the
    losses were of the order of 1e23."""
    rng = np.random.default_rng(0)
    level = rng.uniform(2e3, 2e4, (6, 5, 2, 1))
    for number in range(2):
        frames = level * (1 + 0.02 * rng.normal(size=(6, 5, 2, 40)))
        image = nibabel.Nifti1Image(frames.astype(np.int16), np.eye(4))
        nibabel.save(image, tmp_path / f"sub-1_run-{number}_bold.nii.gz")
    flags = ["--encoder.grid", "[6, 5, 2]", "--training.steps", "5", "--training.batch_size", "32"]
    recipe = load_recipe("medical/vicreg_fmri", parse_overrides(flags, []))
    pretrain(recipe, tmp_path, tmp_path / "run")
    losses = [
        json.loads(line)["loss"]
        for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()
    ]
    assert losses
    assert max(losses) < 100
