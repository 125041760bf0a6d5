import csv
import json

import nibabel
import nrrd
import numpy as np
import pyarrow as pa
import pytest
import torch
from PIL import Image

from unlabeled.errors import DataError, RecipeError, UnreadableItem
from unlabeled.validation import validate
from unlabeled_medical.encoders.vit import ViT, ViTSettings
from unlabeled_medical.readers.volumes import Volumes

RNG = np.random.default_rng(7)


def test_spacing_in_mm_is_made_and_told(tmp_path, write_nifti):
    write_nifti(tmp_path / "a.nii", affine=np.diag([2.0, 1.0, 4.0, 1.0]))
    reader = Volumes(spacing=(1.0, 1.0, 1.0))
    (item,) = reader.index(tmp_path)
    volume = reader.read(item)
    assert volume.size == tuple(item.metadata["shape"]) == (23, 10, 29)
    np.testing.assert_allclose(volume.spacing, 1.0)


def test_frames_are_items_or_channels(tmp_path, write_nifti):
    values = write_nifti(tmp_path / "bold.nii", shape=(6, 5, 4, 3))
    reader = Volumes(intensity="stored")
    items = reader.index(tmp_path)
    assert [item.id for item in items] == [f"bold.nii#frame={f}" for f in range(3)]
    np.testing.assert_array_equal(reader.read(items[2]).values[0], values[..., 2])
    (item,) = Volumes(frames="channels").index(tmp_path)
    np.testing.assert_array_equal(
        Volumes(frames="channels", intensity="stored").read(item).values, np.moveaxis(values, -1, 0)
    )


@pytest.mark.parametrize(("plane", "axis"), [("sagittal", 0), ("coronal", 1), ("axial", 2)])
def test_slices_are_flat_items_at_their_place(tmp_path, plane, axis, write_nifti):
    affine = np.diag([-2.0, -3.0, 4.0, 1.0])
    write_nifti(tmp_path / "a.nii", affine=affine)
    whole = Volumes().read(Volumes().index(tmp_path)[0])
    reader = Volumes(slices=plane)
    items = reader.index(tmp_path)
    assert len(items) == whole.size[axis]
    assert reader.describe(items) == {"channels": 1, "rank": 2, "ranks": (2,)}
    flat = reader.read(items[3])
    np.testing.assert_array_equal(flat.values, whole.values.select(axis + 1, 3))
    index = [1, 2]
    full = [*index[:axis], 3, *index[axis:]]
    np.testing.assert_array_equal(flat.world(index), whole.world(full))


def test_sequences_are_channels_and_missing_ones_zeros(tmp_path, write_nifti):
    for name in ("sub-1_T1w", "sub-1_FLAIR", "sub-2_FLAIR", "sub-2_T2w"):
        patient = name.partition("_")[0]
        write_nifti(tmp_path / patient / "anat" / f"{name}.nii.gz")
    reader = Volumes(sequences=("T1w", "FLAIR"), patch=(4, 4, 4))
    items = reader.index(tmp_path)
    assert [(i.id, i.metadata["channels"]) for i in items] == [("sub-1", 2), ("sub-2", 2)]
    volume = reader.read(items[1], np.random.default_rng(0))
    assert volume.present.tolist() == [False, True]
    assert (volume.values[0] == 0).all()
    assert volume.values[1].std() > 0.1


def test_sequences_on_different_grids_are_refused(tmp_path, write_nifti):
    write_nifti(tmp_path / "sub-1_T1w.nii")
    write_nifti(tmp_path / "sub-1_T2w.nii", shape=(4, 4, 4))
    with pytest.raises(DataError, match="shapes"):
        Volumes(sequences=("T1w", "T2w")).index(tmp_path)


def test_a_sequence_twice_is_refused(tmp_path, write_nifti):
    write_nifti(tmp_path / "a" / "sub-1_T1w.nii")
    write_nifti(tmp_path / "b" / "sub-1_T1w.nii")
    with pytest.raises(DataError, match="expected one T1w of sub-1"):
        Volumes(sequences=("T1w",)).index(tmp_path)


def test_a_datalist_gives_items_with_their_split(tmp_path, write_nifti):
    write_nifti(tmp_path / "imagesTr" / "p1.nii.gz")
    write_nifti(tmp_path / "labelsTr" / "p1.nii.gz")
    rows = {"training": [{"image": "imagesTr/p1.nii.gz", "label": "labelsTr/p1.nii.gz"}]}
    (tmp_path / "dataset.json").write_text(json.dumps(rows))
    (item,) = Volumes().index(tmp_path)
    assert (item.id, item.metadata["split"]) == ("imagesTr/p1.nii.gz", "training")


def test_nrrd_is_turned_from_lps(tmp_path):
    values = RNG.normal(size=(6, 5, 4)).astype(np.float32)
    header = {
        "space": "left-posterior-superior",
        "space directions": [[2.0, 0, 0], [0, 3.0, 0], [0, 0, 4.0]],
        "space origin": [1.0, 2.0, 3.0],
    }
    nrrd.write(str(tmp_path / "a.nrrd"), values, header)
    reader = Volumes(intensity="stored")
    volume = reader.read(reader.index(tmp_path)[0])
    np.testing.assert_array_equal(volume.values[0], values[::-1, ::-1])
    np.testing.assert_allclose(volume.world([5, 4, 0]), [-1, -2, 3])


def test_nrrd_with_channels_first(tmp_path):
    values = RNG.normal(size=(2, 6, 5, 4)).astype(np.float32)
    header = {
        "space": "RAS",
        "space directions": [[np.nan] * 3, [1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]],
        "kinds": ["vector", "domain", "domain", "domain"],
    }
    nrrd.write(str(tmp_path / "a.nrrd"), values, header)
    reader = Volumes(intensity="stored", frames="channels")
    np.testing.assert_array_equal(reader.read(reader.index(tmp_path)[0]).values, values)


def test_flat_images_keep_rows_and_columns(tmp_path):
    pixels = RNG.integers(0, 255, (5, 7), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    reader = Volumes(intensity="stored")
    items = reader.index(tmp_path)
    assert reader.describe(items) == {"channels": 1, "rank": 2, "ranks": (2,)}
    np.testing.assert_array_equal(reader.read(items[0]).values[0], pixels)


def test_colours_are_channels_and_mixing_is_refused(tmp_path):
    colours = RNG.integers(0, 255, (5, 7, 3), dtype=np.uint8)
    Image.fromarray(colours).save(tmp_path / "a.png")
    reader = Volumes(intensity="stored")
    volume = reader.read(reader.index(tmp_path)[0])
    np.testing.assert_array_equal(volume.values, np.moveaxis(colours, -1, 0))
    Image.fromarray(colours[..., 0]).save(tmp_path / "b.png")
    with pytest.raises(DataError, match="1 items with channels 3, 1 items with channels 1"):
        reader.describe(reader.index(tmp_path))


def test_a_spacing_that_no_file_gives_is_asked_for(tmp_path):
    Image.fromarray(np.eye(8, dtype=np.uint8)).save(tmp_path / "a.png")
    with pytest.raises(DataError, match="none in the file"):
        Volumes(spacing=(1.0, 1.0, 1.0)).index(tmp_path)
    reader = Volumes(spacing=(1.0, 1.0, 1.0), assume_spacing=(0.5, 0.5, 1.0))
    assert reader.index(tmp_path)[0].metadata["shape"] == [4, 4]


def test_an_uncompressed_file_that_is_cut_is_found_by_the_index(tmp_path, write_nifti):
    write_nifti(tmp_path / "a.nii")
    content = (tmp_path / "a.nii").read_bytes()
    (tmp_path / "a.nii").write_bytes(content[:-100])
    with pytest.raises(DataError, match=f"{len(content) - 100} bytes"):
        Volumes().index(tmp_path)


def test_a_compressed_file_that_is_cut_is_found_when_read(tmp_path, write_nifti):
    write_nifti(tmp_path / "a.nii.gz")
    (tmp_path / "a.nii.gz").write_bytes((tmp_path / "a.nii.gz").read_bytes()[:2000])
    (item,) = Volumes().index(tmp_path)
    for rng in (None, np.random.default_rng(0)):
        with pytest.raises(UnreadableItem, match="complete voxel data"):
            Volumes(patch=(2, 2, 2)).read(item, rng)


def test_a_file_that_vanished_is_unreadable(tmp_path, write_nifti):
    write_nifti(tmp_path / "a.nii")
    (item,) = Volumes().index(tmp_path)
    (tmp_path / "a.nii").unlink()
    with pytest.raises(UnreadableItem):
        Volumes().read(item)


def test_complex_numbers_are_refused(tmp_path, write_nifti):
    write_nifti(tmp_path / "a.nii", np.ones((3, 3, 3), np.complex64))
    with pytest.raises(DataError, match="complex64"):
        Volumes().index(tmp_path)


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match="no medical image that can be used"):
        Volumes().index(tmp_path)


def test_a_moved_folder_keeps_its_fingerprint(tmp_path, write_nifti):
    for name in ("one", "two"):
        write_nifti(tmp_path / name / "a.nii", np.ones((3, 4, 5), np.float32))
    assert (
        Volumes().index(tmp_path / "one").fingerprint()
        == Volumes().index(tmp_path / "two").fingerprint()
    )


def test_settings_are_checked():
    with pytest.raises(RecipeError, match="Did you mean patch"):
        validate(Volumes, {"pach": [1, 2, 3]}, "reader")


def test_an_index_is_small(tmp_path, write_nifti):
    write_nifti(tmp_path / "a.nii", np.zeros((2, 2, 1, 2000), np.int8))
    table = Volumes().index(tmp_path).table
    strings = sum(table[f.name].nbytes for f in table.schema if f.type == pa.string())
    assert (table.nbytes - strings) / len(table) <= 200


def test_every_volume_ends_as_the_manifest_says_or_with_its_reason(medical_data):
    folder = medical_data / "volume_formats"
    reader = Volumes()
    items = reader.index(folder)
    refused = {q.source.rpartition("/")[2]: q for q in items.quarantine}
    read = {}
    for item in items:
        name = item.id.partition("#")[0]
        try:
            read[name] = reader.read(item)
        except UnreadableItem as error:
            refused[name] = error
    with (folder / "manifest.csv").open() as file:
        rows = {row["file"]: row for row in csv.DictReader(file)}
    for name, row in rows.items():
        if name.lower().endswith((".brik", ".brik.gz", ".rec")):
            continue
        if row["reads"] == "yes" and name in read:
            expected = [
                int("".join(filter(str.isdigit, n.replace("int32", ""))))
                for n in row["shape"].split("x")
            ]
            assert sorted(n for n in expected[:3] if n > 1) == sorted(read[name].size)
            assert torch.isfinite(read[name].values).all()
        elif row["reads"] == "yes":
            assert "h5py" in refused[name].expected
        else:
            assert refused[name].found


def test_world_coordinates_survive_on_real_heads(medical_data):
    """Every voxel of a window of an IXI head has the value and the place that nibabel gives it."""
    reader = Volumes(intensity="stored", patch=(17, 23, 19))
    items = reader.index(medical_data / "ixi_t1_2mm")
    assert len(items) == 7
    for number, item in enumerate(items):
        patch = reader.read(item, np.random.default_rng(number))
        image = nibabel.load(item.source)
        index = np.array(list(np.ndindex(*patch.size)))
        stored = np.linalg.solve(image.affine, np.c_[patch.world(index), np.ones(len(index))].T)[
            :3
        ].T
        voxel = stored.round().astype(int)
        np.testing.assert_allclose(stored, voxel, atol=1e-9)
        expected = np.asarray(image.dataobj, np.float32)[tuple(voxel.T)]
        np.testing.assert_array_equal(patch.values.numpy().ravel(), expected)


def test_tokens_of_real_heads_lie_where_their_voxels_do(medical_data):
    """What `embed` writes as `position` of a token is the mean place of its voxels in the file."""
    reader = Volumes(patch=16)
    item = reader.index(medical_data / "ixi_t1_2mm")[0]
    window = reader.read(item, np.random.default_rng(0))
    encoder = ViT(ViTSettings(rank=3, channels=1, patch=8, width=12, depth=1, heads=1)).eval()
    with torch.no_grad():
        places = encoder.encode(encoder.collate([window]), "tokens").position[0].numpy()
    image = nibabel.load(item.source)
    for token, start in enumerate(np.ndindex(2, 2, 2)):
        inside = window.world(np.array(list(np.ndindex(8, 8, 8))) + 8 * np.array(start))
        stored = nibabel.affines.apply_affine(np.linalg.inv(image.affine), inside)
        np.testing.assert_allclose(stored, stored.round(), atol=1e-9)
        mean = nibabel.affines.apply_affine(image.affine, stored.round().mean(axis=0))
        np.testing.assert_allclose(places[token], mean, atol=1e-9)
