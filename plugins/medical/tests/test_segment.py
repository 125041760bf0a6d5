"""Segmentation from few labels, by the command line, on bright balls in noise."""

import csv
import json

import nibabel
import numpy as np
import pytest
import torch

from unlabeled.errors import DataError
from unlabeled.export.encoder import Provenance, save_encoder
from unlabeled.recipe import read_choice
from unlabeled_medical.encoders.residual import Residual, ResidualSettings
from unlabeled_medical.encoders.uni_vit import UniViT, UniViTSettings
from unlabeled_medical.evaluators.few_labels import Volumetric, few_fits, probing, table_rows
from unlabeled_medical.evaluators.segmentation import Labelled, frozen
from unlabeled_medical.evaluators.voxels import VoxelFeatures
from unlabeled_medical.segment import main, segment
from unlabeled_medical.volume import Volume

STORED = np.diag([-2.0, 1.0, 1.0, 1.0])


def write_ball(folder, number, rng):
    """An image and its label map, 0, 3 and 7, stored leftwards."""
    size = np.array([9, 12, 11])
    place = np.stack(np.meshgrid(*map(np.arange, size), indexing="ij"), -1)
    inside = np.square(place - size / 2 - rng.uniform(-1, 1, 3)).sum(-1) < 9
    mask = inside * np.where(place[..., 2] > 5, 7, 3)
    values = inside * 200 + (mask == 7) * 150 + rng.normal(0, 20, size)
    for kind, array in (("images", values.astype(np.float32)), ("labels", mask.astype(np.uint8))):
        (folder / kind).mkdir(exist_ok=True)
        image = nibabel.Nifti1Image(array, STORED)
        nibabel.save(image, folder / kind / f"case_{number}.nii.gz")


@pytest.fixture
def balls(tmp_path):
    """Eight volumes with masks, and a table of them."""
    rng = np.random.default_rng(0)
    for number in range(8):
        write_ball(tmp_path, number, rng)
    write_table(tmp_path, split=True)
    return tmp_path


def write_table(folder, *, split=False, **more):
    rows = [
        {"item": f"case_{n}.nii.gz", "mask": f"labels/case_{n}.nii.gz", **more} for n in range(8)
    ]
    if split:
        rows = [{**row, "split": "train" if n < 4 else "test"} for n, row in enumerate(rows)]
    with (folder / "masks.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture
def run(tmp_path):
    torch.manual_seed(0)
    encoder = Residual(ResidualSettings(channels=1, rank=3, widths=(8, 12)))
    save_encoder(
        encoder,
        encoder_name="medical/residual",
        reader=read_choice("readers", {"name": "medical/volumes"}, "here"),
        folder=tmp_path / "run" / "encoder",
        provenance=Provenance(recipe="medical/vicreg", pretext="joint_embedding"),
    )
    return tmp_path / "run"


def test_the_command_line_tells_how_encoders_segment(balls, run, capsys):
    words = [str(run), str(balls / "images"), "--labels", str(balls / "masks.csv")]
    words += ["--labelled", "1", "3", "--draws", "2", "--random-encoders", "2"]
    main([*words, "--tuned-steps", "2", "--out", str(balls / "rows.json")])
    told = capsys.readouterr().out
    rows = json.loads((balls / "rows.json").read_text())
    assert [(row["labelled"], row["name"]) for row in rows] == [
        (count, name)
        for count in (1, 3)
        for name in (
            "pretrained",
            "2 random encoders (mean)",
            "raw voxels",
            "raw voxels and place",
            "fine-tuned",
            "from scratch",
        )
    ]
    dice = {(row["labelled"], row["name"]): row["dice"] for row in rows}
    assert dice[3, "raw voxels"] > 0.7
    assert dice[3, "pretrained"] > 0.7
    assert dice[3, "raw voxels"] > dice[3, "from scratch"]  # two steps teach nothing
    gaps = {gap["against"]: gap for gap in rows[0]["gaps"]}
    expected = dice[1, "pretrained"] - dice[1, "raw voxels"]
    assert gaps["raw voxels"]["difference"] == pytest.approx(expected)
    expected = dice[1, "pretrained"] - dice[1, "raw voxels and place"]
    assert gaps["raw voxels and place"]["difference"] == pytest.approx(expected)
    assert told.count("\n") == 14
    assert "case_" not in told


def test_without_a_split_every_second_patient_is_tested(balls, run):
    write_table(balls)
    rows = segment(
        run, balls / "images", balls / "masks.csv", labelled=(2,), draws=1, random_encoders=1
    )
    assert len(rows) == 4
    with pytest.raises(DataError, match="5 volumes asked for, 4 patients"):
        segment(run, balls / "images", balls / "masks.csv", labelled=(5,), random_encoders=1)


def test_tables_that_cannot_be_judged_are_refused(balls, run):
    write_table(balls, split=True, group="anna")
    with pytest.raises(DataError, match="1 patients on both sides"):
        segment(run, balls / "images", balls / "masks.csv")
    (balls / "masks.csv").write_text("item,sick\ncase_0.nii.gz,1\n")
    with pytest.raises(DataError, match="expected the columns item and mask"):
        segment(run, balls / "images", balls / "masks.csv")
    with pytest.raises(SystemExit, match=r"unlabeled: .*no such table"):
        main([str(run), str(balls / "images"), "--labels", str(balls / "nowhere.csv")])


def labelled_of(count):
    there = torch.ones(1, dtype=torch.bool)
    return [
        Labelled(Volume(torch.full((1, 3, 3, 3), float(n)), np.eye(4), there), np.ones((3, 3, 3)))
        for n in range(count)
    ]


def test_draws_are_of_different_patients_and_the_same_for_all():
    volumes, patients = labelled_of(6), np.array(list("aabbcc"))
    pool, seen = Volumetric(volumes, patients), []

    def fitting(few, classes):
        seen.append([int(each.volume.values.max()) for each in few])
        return lambda volume: np.zeros(volume.size)

    for _ in range(2):
        found = few_fits(fitting, pool, pool, 2, (1, 3), draws=range(4))
    assert seen[:8] == seen[8:]
    assert [len(few) for few in seen[:8]] == [1] * 4 + [3] * 4
    assert all(len({n // 2 for n in few}) == len(few) for few in seen)
    assert len({tuple(few) for few in seen[:8]}) > 4
    assert found.shape == (2, 6, 2)
    assert (found[..., 0] == 0).all()
    assert np.isnan(found[..., 1]).all()  # nothing is found anywhere


def test_a_tested_volume_is_described_once_for_all_draws():
    pool, tested, described = Volumetric(labelled_of(3), np.array(list("abc"))), labelled_of(40), []

    def describe(volume):
        described.append(volume)
        return VoxelFeatures([volume.values], (1,), volume.size)

    patients = np.arange(40).astype(str)
    few_fits(probing(describe), pool, Volumetric(tested, patients), 2, (1, 2), range(3))
    assert [sum(each is one.volume for each in described) for one in tested] == [1] * 40


def test_rows_are_means_with_paired_intervals():
    def fits(*dice):
        return np.stack([np.array([dice]), np.ones((1, len(dice)))], axis=-1)

    found = {
        "pretrained": [fits(0.5, 0.7, 0.9)],
        "2 random encoders (mean)": [fits(0.4, 0.6, 0.8), fits(0.2, 0.4, 0.6)],
        "raw voxels": [fits(0.5, 0.7, 0.9)],
    }
    rows = table_rows(found, np.array(["a", "b", "c"]), (2,))
    assert [row.dice for row in rows] == pytest.approx([0.7, 0.5, 0.7])
    gap, none = rows[0].gaps
    assert (gap.difference, gap.low, gap.high) == pytest.approx((0.2, 0.2, 0.2))
    assert (none.low, none.high) == pytest.approx((0, 0))


def test_an_encoder_of_images_and_volumes_has_voxel_features_too():
    settings = UniViTSettings(channels=1, ranks=(2, 3), patch=3, width=12, depth=1, heads=2)
    (volume,) = (each.volume for each in labelled_of(1))
    assert frozen(UniViT(settings))(volume).rows().shape == (27, 12)
