"""MetaImage written by hand, as ITK does; values and places by the format's description."""

import zlib

import numpy as np
import pytest

from unlabeled.errors import DataError, UnreadableItem
from unlabeled_medical.readers.volumes import Volumes

RNG = np.random.default_rng(5)
VALUES = RNG.integers(-1000, 1000, (6, 5, 4), dtype=np.int16)


def write(path, values=VALUES, *, data="LOCAL", packed=False, big=False, **fields):
    """values: (x, y, z) or more axes; x runs fastest in the file."""
    order = ">" if big else "<"
    content = values.astype(values.dtype.newbyteorder(order)).tobytes(order="F")
    content = zlib.compress(content) if packed else content
    kinds = {"int16": "MET_SHORT", "float32": "MET_FLOAT", "uint8": "MET_UCHAR"}
    lines = {
        "ObjectType": "Image",
        "NDims": values.ndim,
        "BinaryData": "True",
        "BinaryDataByteOrderMSB": big,
        "CompressedData": packed,
        "TransformMatrix": " ".join(map(str, np.eye(values.ndim, dtype=int).ravel())),
        "Offset": " ".join(["0"] * values.ndim),
        "ElementSpacing": " ".join(["1"] * values.ndim),
        "DimSize": " ".join(map(str, values.shape)),
        "ElementType": kinds[values.dtype.name],
        **fields,
        "ElementDataFile": data,
    }
    header = "".join(f"{name} = {value}\n" for name, value in lines.items() if value != "")
    path.write_bytes(header.encode() + (content if data == "LOCAL" else b""))
    if data != "LOCAL":
        (path.parent / data).write_bytes(content)


def read(folder, **settings):
    reader = Volumes(**{"intensity": "stored", "orientation": "stored", **settings})
    (item,) = reader.index(folder)
    return reader.read(item)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize(
    ("name", "data"),
    [("a.mha", "LOCAL"), ("A.MHA", "LOCAL"), ("a.mhd", "a.raw"), ("a.mhd", "b.zraw")],
)
def test_voxels_of_every_kind_of_file(tmp_path, name, data, packed, big):
    write(tmp_path / name, data=data, packed=packed, big=big)
    np.testing.assert_array_equal(read(tmp_path).values[0], VALUES)


def test_voxels_lie_where_the_header_says(tmp_path):
    """Turned by a quarter about z: stored x runs to the patient's back, stored y to the right."""
    turned = "0 1 0 -1 0 0 0 0 1"
    spacing, offset = "0.5 2 3", "10 20 30"
    write(tmp_path / "a.mha", TransformMatrix=turned, ElementSpacing=spacing, Offset=offset)
    volume = read(tmp_path)
    np.testing.assert_allclose(volume.spacing, [0.5, 2, 3])
    lps = np.array([10, 20, 30]) + 4 * 0.5 * np.array([0, 1, 0]) + 3 * 2 * np.array([-1, 0, 0])
    np.testing.assert_allclose(volume.world([4, 3, 0]), lps * [-1, -1, 1])
    ras = read(tmp_path, orientation="RAS")
    assert ras.size == (5, 6, 4)
    np.testing.assert_array_equal(ras.values[0], VALUES.transpose(1, 0, 2)[:, ::-1])


def test_frames_channels_colours_and_flat_images(tmp_path):
    frames = RNG.normal(size=(4, 3, 2, 5)).astype(np.float32)
    write(tmp_path / "a.mha", frames)
    reader = Volumes(intensity="stored", orientation="stored")
    items = reader.index(tmp_path)
    assert len(items) == 5
    np.testing.assert_array_equal(reader.read(items[3]).values[0], frames[..., 3])
    (tmp_path / "a.mha").unlink()
    colours = RNG.integers(0, 255, (3, 6, 5), dtype=np.uint8)  # the channels of a voxel together
    write(
        tmp_path / "b.mha", colours, NDims=2, DimSize="6 5", ElementNumberOfChannels=3,
        TransformMatrix="1 0 0 1", Offset="0 0", ElementSpacing="1 1",
    )  # fmt: skip
    np.testing.assert_array_equal(read(tmp_path).values, colours)


def test_units_and_missing_spacing(tmp_path):
    write(tmp_path / "a.mha", ElementSpacing="500 500 500", DistanceUnits="um")
    np.testing.assert_allclose(read(tmp_path).spacing, 0.5)
    assert "1 file with distances in um, converted to mm" in Volumes().index(tmp_path).notes
    write(tmp_path / "a.mha", ElementSpacing="")
    with pytest.raises(DataError, match="none in the file"):
        Volumes(spacing=(1, 1, 1)).index(tmp_path)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"NDims": "x"}, "a whole number NDims"),
        ({"DimSize": "6 5"}, "a size for each"),
        ({"DimSize": "6 5 -4"}, "a size for each"),
        ({"ElementType": "MET_STRING"}, "an ElementType of"),
        ({"BinaryData": "False"}, "voxels as text"),
        ({"ObjectType": "Scene"}, "ObjectType = Image"),
        ({"DimSize": "60 5 4"}, "2400 bytes of voxels"),
        ({"ElementSpacing": "0 1 1"}, "a distance between voxels"),
    ],
)
def test_headers_that_cannot_be_used_are_named(tmp_path, fields, words):
    write(tmp_path / "a.mha", **fields)
    with pytest.raises(DataError, match=words):
        Volumes().index(tmp_path)


@pytest.mark.parametrize("data", ["LIST", "s%03d.raw 1 4 1", "../b.raw", "/etc/passwd", "no.raw"])
def test_voxels_elsewhere_are_refused(tmp_path, data):
    write(tmp_path / "a.mhd", data="b.raw")
    text = (tmp_path / "a.mhd").read_text().replace("b.raw", data)
    (tmp_path / "a.mhd").write_text(text)
    with pytest.raises(DataError, match=r"a\.mhd"):
        Volumes().index(tmp_path)


def test_cut_and_broken_voxels_are_found(tmp_path):
    write(tmp_path / "a.mha", packed=True)
    (tmp_path / "a.mha").write_bytes((tmp_path / "a.mha").read_bytes()[:-40])
    (item,) = Volumes().index(tmp_path)
    with pytest.raises(UnreadableItem, match="bytes of voxels"):
        Volumes().read(item)
    (tmp_path / "a.mha").write_bytes(b"\0\1\2 not a header")
    with pytest.raises(DataError, match="a MetaImage header"):
        Volumes().index(tmp_path)
