import socket

import numpy as np
import pytest

from unlabeled.errors import DataError, UnreadableItem
from unlabeled_remote_sensing.readers.local import require_local
from unlabeled_remote_sensing.readers.scenes import Scenes
from unlabeled_remote_sensing.sensors import Sensor

VRT = '<VRTDataset rasterXSize="8" rasterYSize="6"><VRTRasterBand dataType="Byte" band="1">'
VRT += "<SimpleSource>{source}</SimpleSource></VRTRasterBand></VRTDataset>"
SOURCE = '<SourceFilename relativeToVRT="{relative}">{name}</SourceFilename>'
ADDRESSES = [
    "/vsicurl/http://127.0.0.1:9/x.tif",
    "/vsizip//vsicurl/http://127.0.0.1:9/x.zip/x.tif",
    "http://127.0.0.1:9/x.tif",
    "s3://bucket/x.tif",
    "/vsis3/bucket/x.tif",
    "WMTS:x,layer=y",
]


@pytest.fixture(autouse=True)
def no_connection(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a connection was attempted")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def vrt(folder, name, relative=0):
    path = folder / "a.vrt"
    path.write_text(VRT.format(source=SOURCE.format(relative=relative, name=name)))
    return path


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_is_refused(address):
    with pytest.raises(UnreadableItem, match="a remote address; download it first"):
        require_local(address)


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_vrt_that_points_to_an_address_is_refused(address, tmp_path):
    with pytest.raises(UnreadableItem, match=r"a\.vrt: expected a VRT of local files"):
        require_local(str(vrt(tmp_path, address)))


def test_so_is_a_vrt_of_such_a_vrt(tmp_path):
    (tmp_path / "inner").mkdir()
    vrt(tmp_path / "inner", ADDRESSES[0])
    with pytest.raises(UnreadableItem, match="the address"):
        require_local(str(vrt(tmp_path, "inner/a.vrt", relative=1)))
    with pytest.raises(UnreadableItem, match="levels"):
        require_local(str(vrt(tmp_path, "a.vrt", relative=1)))


@pytest.mark.parametrize("text", ["<GDAL_WMS><Service/></GDAL_WMS>", '{"stac_version": "1.0"}'])
def test_descriptions_of_remote_services_are_refused_under_any_name(text, tmp_path):
    (tmp_path / "a.tif").write_text(text)
    with pytest.raises(DataError, match="which may point to remote addresses"):
        Scenes(sensors={"x": Sensor(bands=("a",))}, pattern="{scene}.tif").index(tmp_path)


def test_a_manifest_may_not_hold_addresses(tmp_path):
    rows = "".join(
        f"t{k},x,{address!r}\n".replace("'", "") for k, address in enumerate(ADDRESSES[:5])
    )
    (tmp_path / "m.csv").write_text("scene,sensor,path\n" + rows)
    reader = Scenes(sensors={"x": Sensor(bands=("a",))}, manifest="m.csv")
    with pytest.raises(DataError, match=r"5 that cannot be used.*a remote address; download it"):
        reader.index(tmp_path)


def test_a_local_stack_is_read_and_may_mention_addresses(write_tiff, tmp_path):
    write_tiff(tmp_path / "x.tif", np.full((1, 6, 8), 7, "uint8"))
    path = vrt(tmp_path, "x.tif", relative=1)
    notice = "<Metadata><MDI key='TIFFTAG_COPYRIGHT'>https://example.org</MDI></Metadata>"
    path.write_text(path.read_text().replace("<VRTRasterBand", f"{notice}<VRTRasterBand"))
    reader = Scenes(sensors={"x": Sensor(bands=("a",))}, pattern="{scene}.vrt")
    assert (reader.read(reader.index(tmp_path)[0]).layers["x"].values == 7).all()
