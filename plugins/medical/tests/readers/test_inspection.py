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
    assert found["remarks"] == {
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
