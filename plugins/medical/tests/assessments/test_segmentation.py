"""Segmentation from few labels through `evaluate`, on bright balls in noise."""

import csv
import json

import nibabel
import numpy as np
import pytest
import torch

from unlabeled.errors import DataError, RunError
from unlabeled.evaluation import evaluate as room
from unlabeled.evaluation.evaluate import evaluate
from unlabeled.evaluation.settings import EvaluationSettings
from unlabeled.export.encoder import Provenance, save_encoder
from unlabeled.labelled import Labelled as SeenLabels
from unlabeled.recipe import read_choice
from unlabeled_medical.encoders.linear import Linear, LinearSettings
from unlabeled_medical.encoders.residual import Residual, ResidualSettings

STORED = np.diag([-2.0, 1.0, 1.0, 1.0])
SEGMENTATION = "medical/segmentation"


def save(path, array):
    path.parent.mkdir(exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(array, STORED), path)


@pytest.fixture
def balls(tmp_path):
    """Eight scans with masks of 0, 3 and 7, stored leftwards, and a table of them."""
    rng, size = np.random.default_rng(0), np.array([9, 12, 11])
    place = np.stack(np.meshgrid(*map(np.arange, size), indexing="ij"), -1)
    for number in range(8):
        inside = np.square(place - size / 2 - rng.uniform(-1, 1, 3)).sum(-1) < 9
        mask = inside * np.where(place[..., 2] > 5, 7, 3)
        values = inside * 200 + (mask == 7) * 150 + rng.normal(0, 20, size)
        save(tmp_path / "images" / f"case_{number}.nii.gz", values.astype(np.float32))
        save(tmp_path / "labelsTr" / f"case_{number}.nii.gz", mask.astype(np.uint8))
    write_table(tmp_path, split=True)
    return tmp_path


def write_table(folder, *, split=False, **more):
    rows = [
        {"item": f"case_{n}.nii.gz", "mask": f"labelsTr/case_{n}.nii.gz", **more} for n in range(8)
    ]
    if split:
        rows = [{**row, "split": "train" if n < 4 else "test"} for n, row in enumerate(rows)]
    with (folder / "masks.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def encoder_at(folder, encoder, name):
    save_encoder(
        encoder,
        encoder_name=name,
        reader=read_choice("readers", {"name": "medical/volumes"}, "here"),
        folder=folder / "run" / "encoder",
        provenance=Provenance(recipe="medical/vicreg", pretext="joint_embedding"),
    )
    return folder / "run"


@pytest.fixture
def run(tmp_path):
    torch.manual_seed(0)
    encoder = Residual(ResidualSettings(channels=1, rank=3, widths=(8, 12)))
    return encoder_at(tmp_path, encoder, "medical/residual")


def found(run, balls, labels="masks.csv", *, random=1, **settings):
    asked = {"name": SEGMENTATION, "labelled": [2], "draws": 1, **settings}
    chosen = EvaluationSettings(assess=asked, random_encoders=random)
    return evaluate(run, balls / "images", labels and balls / labels, settings=chosen)


def tables(found):
    return {(t.metric, *t.at.values()): t for t in (found.headline, *found.further)}


def test_every_number_of_labels_is_a_table_beside_random_and_raw(run, balls):
    seen = found(run, balls, random=2, labelled=[1, 3], draws=2, tuned_steps=2)
    assert list(tables(seen)) == [
        (metric, *at)
        for at in ((3,), (1,), (3, "fine-tuned"), (1, "fine-tuned"))
        for metric in ("Dice", "HD95")
    ]
    names = ["pretrained", "2 random encoders (mean)", "raw voxels", "raw voxels and place"]
    assert [row.name for row in seen.rows] == names
    dice = {row.name: row.score for row in seen.rows}
    assert dice["raw voxels"] > 0.7
    assert dice["pretrained"] > 0.7
    tuned = tables(seen)["Dice", 3, "fine-tuned"]
    assert tuned.rows[1].score < dice["raw voxels"]  # two steps teach nothing
    assert [row.score for row in tuned.rows[2:]] == [None, None]
    assert tables(seen)["HD95", 3].heading == "HD95, mm"
    against = {each.against: each for each in seen.comparisons}
    assert against["raw voxels"].difference == pytest.approx(
        dice["pretrained"] - dice["raw voxels"]
    )
    assert seen.about["classes"] == [3, 7]
    assert (seen.items, seen.groups, seen.targets) == (4, 4, ("mask",))
    assert "case_" not in json.dumps(seen.to_dict())


def test_without_a_split_every_second_patient_is_tested(run, balls):
    write_table(balls)
    assert found(run, balls).groups == 4
    with pytest.raises(DataError, match=r"5 scans requested, .* 4 patients to label"):
        found(run, balls, labelled=[5])


def test_a_folder_of_masks_gives_the_same_as_a_table(run, balls):
    write_table(balls)
    table, folder = found(run, balls), found(run, balls, "labelsTr")
    assert [row.score for row in folder.rows] == [row.score for row in table.rows]
    assert folder.headline.rows == table.headline.rows


def test_a_datalist_gives_masks_and_a_split(run, balls):
    rows = [{"image": f"./images/case_{n}.nii.gz", "label": f"./labelsTr/case_{n}.nii.gz"}
            for n in range(8)]  # fmt: skip
    listed = {"training": rows[:4], "validation": rows[4:]}
    (balls / "dataset.json").write_text(json.dumps(listed))
    assert found(run, balls, "dataset.json").headline.rows == found(run, balls).headline.rows


def test_patients_whose_labels_were_seen_are_not_tested(run, balls, monkeypatch):
    write_table(balls)
    names = [f"case_{n}" for n in range(8)]
    known = {"seen_by": lambda path: SeenLabels(groups=frozenset(names[:4]))}
    monkeypatch.setattr(room, "seen_by", known["seen_by"])
    seen = found(run, balls)
    assert (seen.groups, seen.labelled_in_training) == (2, 4)
    write_table(balls, split=True)
    monkeypatch.setattr(room, "seen_by", lambda path: SeenLabels(groups=frozenset(names[4:])))
    with pytest.raises(DataError, match="had labels in training"):
        found(run, balls)


def test_tables_that_cannot_be_judged_are_refused(run, balls):
    write_table(balls, split=True, group="anna")
    with pytest.raises(DataError, match="1 patients on both sides"):
        found(run, balls)
    (balls / "masks.csv").write_text("item,sick\ncase_0.nii.gz,1\n")
    with pytest.raises(DataError, match=r"1 of 1 masks cannot be used:\n  masks.csv, row 2"):
        found(run, balls)


def test_encoders_without_maps_are_refused(balls, tmp_path):
    linear = Linear(LinearSettings(channels=1, rank=3, grid=(9, 12, 11)))
    flat = encoder_at(tmp_path / "flat", linear, "medical/linear")
    with pytest.raises(RunError, match="needs an encoder of the kind MapEncoder or UniViT"):
        found(flat, balls)
