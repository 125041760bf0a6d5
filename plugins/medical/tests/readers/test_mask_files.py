"""Masks find their scans by a datalist, or by names."""

import json

import pytest

from unlabeled.data.items import Items
from unlabeled.errors import DataError
from unlabeled_medical.readers.mask_files import find_masks


def items_of(*names, folder="/data"):
    columns = {
        "id": list(names),
        "source": [f"{folder}/{name.partition('#')[0]}" for name in names],
        "group": list(names),
        "size": [1] * len(names),
    }
    return Items.of(columns)


def masks_in(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


@pytest.mark.parametrize(
    ("item", "mask"),
    [
        ("a/x.nii.gz", "a/x.nrrd"),
        ("imagesTr/hippocampus_001.nii.gz", "hippocampus_001.nii.gz"),
        ("imagesTr/BRATS_001_0000.nii.gz", "BRATS_001.nii.gz"),
        ("BraTS20_001/BraTS20_001_t1.nii.gz", "BraTS20_001_seg.nii.gz"),
        ("sub-01/anat/sub-01_T1w.nii.gz", "sub-01/anat/sub-01_space-orig_label-lesion_mask.nii.gz"),
        ("P01_followup_T1.nii.gz", "P01_followup_segmentation.nii.gz"),
    ],
)
def test_names_of_the_usual_layouts_fit(tmp_path, item, mask):
    found = find_masks(masks_in(tmp_path, mask), items_of(item, "other_9.nii.gz"))
    assert found.table.to_pylist() == [{"item": item, "mask": mask}]


def test_the_strictest_rule_counts_and_visits_are_not_mixed(tmp_path):
    names = ["P01_baseline_T1.nii.gz", "P01_followup_T1.nii.gz"]
    masks = ["P01_baseline_seg.nii.gz", "P01_followup_seg.nii.gz"]
    found = find_masks(masks_in(tmp_path, *masks), items_of(*names))
    assert found.table["item"].to_pylist() == names


def test_a_mask_is_that_of_every_slice_of_its_file(tmp_path):
    names = [f"x.nii.gz#axial={n}" for n in range(3)]
    found = find_masks(masks_in(tmp_path, "x.nii.gz"), items_of(*names))
    assert found.table["item"].to_pylist() == names
    assert set(found.table["mask"].to_pylist()) == {"x.nii.gz"}


def test_masks_without_a_scan_stay_in_the_table(tmp_path):
    folder = masks_in(tmp_path, "x.nii.gz", "unknown.nii.gz")
    assert find_masks(folder, items_of("x.nii.gz")).table["item"].to_pylist() == [
        "unknown.nii.gz",
        "x.nii.gz",
    ]


def test_scans_beside_masks_are_no_masks(tmp_path):
    folder = masks_in(tmp_path, "x/x_t1.nii.gz", "x/x_seg.nii.gz")
    found = find_masks(folder, items_of("x/x_t1.nii.gz"))
    assert found.table["mask"].to_pylist() == ["x/x_seg.nii.gz"]
    assert found.notes == ("1 images without a word for masks are no labels.",)


def test_two_masks_of_one_scan_are_refused(tmp_path):
    folder = masks_in(tmp_path, "anna/x.nii.gz", "ben/x.nii.gz")
    with pytest.raises(DataError, match=r"one mask for each scan, found 2 for 'x.nii.gz': anna/x"):
        find_masks(folder, items_of("x.nii.gz"))


def test_a_datalist_names_masks_and_a_split(tmp_path):
    rows = [{"image": f"./imagesTr/{n}.nii.gz", "label": f"./labelsTr/{n}.nii.gz"} for n in "ab"]
    items = items_of("a.nii.gz", "b.nii.gz", folder=tmp_path / "imagesTr")
    for listed, split in (
        ({"training": rows}, None),
        ({"training": rows[:1], "validation": rows[1:]}, ["train", "test"]),
        ({"dataset": {n: {"images": [f"imagesTr/{n}.nii.gz"], "label": f"labelsTr/{n}.nii.gz"}
                      for n in "ab"}}, None),
    ):  # fmt: skip
        (tmp_path / "dataset.json").write_text(json.dumps(listed))
        for path in (tmp_path, tmp_path / "dataset.json"):
            table = find_masks(path, items).table
            assert table["item"].to_pylist() == ["a.nii.gz", "b.nii.gz"]
            assert table["mask"].to_pylist() == ["labelsTr/a.nii.gz", "labelsTr/b.nii.gz"]
            assert ("split" in table.column_names) == (split is not None)
            assert split is None or table["split"].to_pylist() == split


def test_what_holds_no_masks_is_refused(tmp_path):
    items = items_of("a.nii.gz")
    with pytest.raises(DataError, match="no such file or folder"):
        find_masks(tmp_path / "nowhere", items)
    with pytest.raises(DataError, match="found no image file"):
        find_masks(tmp_path, items)
    (tmp_path / "list.json").write_text(json.dumps({"training": ["a.nii.gz"]}))
    with pytest.raises(DataError, match="rows with an image and its label, found none"):
        find_masks(tmp_path / "list.json", items)
    (tmp_path / "x.txt").touch()
    with pytest.raises(DataError, match=r"a folder of masks, a datalist .JSON. or a table"):
        find_masks(tmp_path / "x.txt", items)
