import json

import nibabel
import numpy as np
import pytest
from PIL import Image

from unlabeled.cli.main import run
from unlabeled.cli.overrides import parse_overrides
from unlabeled.recipe import load_recipe
from unlabeled_medical.readers.volumes import Volumes


def test_inspection_tells_orientation_oddities_and_a_recipe(tmp_path, capsys):
    values = np.random.default_rng(7).normal(500, 100, (20, 20, 6))
    for name, kind in (("a.nii", values), ("b.nii", np.round(values / values.max() * 3))):
        image = nibabel.Nifti1Image(kind.astype(np.float32), np.diag([-1.0, 1, 5, 1]))
        nibabel.save(image, tmp_path / name)
    assert run(["inspect", "medical", str(tmp_path), "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found["metadata"]["orientation"] == {"LAS": 2}
    assert found["data_checks"] == {
        "voxels more than 3 times as long as wide": 2,
        "shorter than 16 voxels along an axis": 2,
        "16 values or fewer, like a label map": 1,
    }
    assert found["suggested"]["recipe"] == "medical/vicreg"
    low, high = np.percentile(values.astype(np.float32), (0.5, 99.5))
    assert found["measured"]["darkest (0.5 %)"]["largest"] == pytest.approx(low, rel=0.02)
    assert found["measured"]["brightest (99.5 %)"]["largest"] == pytest.approx(high, rel=0.02)
    assert run(["inspect", "medical", str(tmp_path), "--reader.slices", "axial"]) == 0
    assert "suggested: medical/vicreg_images" in capsys.readouterr().out.replace("\n", " ")


def test_a_mixed_folder_is_inspected_too(tmp_path, capsys):
    pixels = np.random.default_rng(0).integers(0, 255, (20, 20, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    Image.fromarray(pixels[..., 0]).save(tmp_path / "b.png")
    assert run(["inspect", "medical", str(tmp_path)]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "not to be trained on together: the items differ: 1 items with channels 3" in shown
    assert "brightest (99.5 %): smallest 25" in shown
    assert "suggested" not in shown


def test_what_is_suggested_can_be_run(tmp_path, write_nifti):
    write_nifti(tmp_path / "a.nii", shape=(70, 66, 64))
    reader = Volumes()
    name, *flags = reader.suggest(reader.index(tmp_path))[0].split()
    assert load_recipe(name, parse_overrides(flags, []))
    assert flags


@pytest.mark.parametrize("padding", [-1024, -3024])
def test_values_like_ct_suggest_hounsfield_units(tmp_path, capsys, write_nifti, padding):
    rng = np.random.default_rng(0)
    for name in "ab":
        values = rng.choice([padding, -1000.0, 40.0, 900.0], (20, 20, 20)).astype(np.float32)
        write_nifti(tmp_path / f"{name}.nii", values)
    reader = Volumes()
    name, *flags = reader.suggest(reader.index(tmp_path))[0].split()
    assert flags == ["--reader.intensity", "hounsfield"]
    assert load_recipe(name, parse_overrides(flags, []))
    assert run(["inspect", "medical", str(tmp_path)]) == 0
    assert "values look like CT" in " ".join(capsys.readouterr().out.split())
    told = Volumes(intensity="hounsfield")
    assert "--reader.intensity" not in told.suggest(told.index(tmp_path))[0]


def test_values_unlike_ct_do_not(tmp_path, write_nifti):
    write_nifti(tmp_path / "mri.nii", shape=(20, 20, 20))
    assert "hounsfield" not in Volumes().suggest(Volumes().index(tmp_path))[0]


def test_inspection_names_patients_and_odd_scans(tmp_path, capsys, write_nifti):
    write_nifti(tmp_path / "anna_T1.nii", shape=(20, 20, 20))
    write_nifti(tmp_path / "empty_T1.nii", np.zeros((20, 20, 20), np.float32))
    assert run(["inspect", "medical", str(tmp_path)]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "patients were recognised: 2 (2 items) by the names of files and folders" in shown
    assert "groups: 2, such as anna (as anna_T1.nii); empty (as empty_T1.nii)" in shown
    assert "one value everywhere: 1 of 2 items read, such as empty_T1.nii" in shown
