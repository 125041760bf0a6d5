import json
import struct

import numpy as np
import pyarrow.parquet as pq
import pytest
import rasterio
import torch

from unlabeled.errors import UsageError
from unlabeled_remote_sensing.encoders.despeckler import Despeckler, DespecklerSettings
from unlabeled_remote_sensing.encoders.raster_vit import RasterViT, RasterViTSettings
from unlabeled_remote_sensing.evaluators.despeckling import equivalent_looks
from unlabeled_remote_sensing.outputs import scenes
from unlabeled_remote_sensing.outputs.scenes import despeckle_scene, embed_scene
from unlabeled_remote_sensing.readers.complex_scenes import ComplexScenes
from unlabeled_remote_sensing.readers.scenes import Scenes
from unlabeled_remote_sensing.sensors import Sensor
from unlabeled_remote_sensing.synthetic import fields, speckled

RNG = np.random.default_rng(0)
SENSOR = {"x": Sensor(bands=("a", "b"), mean=(100.0, 100.0), std=(50.0, 50.0))}


def scene(write_tiff, folder, height=90, width=70, nodata=None):
    values = RNG.integers(1, 255, (2, height, width)).astype("uint8")
    if nodata is not None:
        values[:, :16, :16] = nodata
    write_tiff(folder / "a.tif", values, nodata=nodata)
    reader = Scenes(sensors=SENSOR, pattern="{scene}.tif")
    return reader, reader.index(folder)[0]


def encoder(depth=1):
    torch.manual_seed(0)
    return RasterViT(RasterViTSettings(sensors=SENSOR, width=8, depth=depth, heads=2)).eval()


def test_the_map_holds_each_token_where_it_lies(write_tiff, tmp_path):
    """With one tile the map is the encoder's output, reshaped."""
    reader, item = scene(write_tiff, tmp_path)
    model, out = encoder(), tmp_path / "map.tif"
    embed_scene(model, reader, item, out, output="tokens", tile=128, margin=0)
    tokens = model.encode(model.collate([reader.read(item)]), "tokens")
    with rasterio.open(out) as got:
        assert got.shape == (12, 9)
        assert got.count == 8
        assert got.crs.to_epsg() == 32633
        expected = tokens.values[0].detach().numpy().T.reshape(8, 12, 9)
        np.testing.assert_allclose(got.read(), expected, rtol=1e-4, atol=1e-5)
        for row, column in ((0, 0), (5, 8)):
            x, y = tokens.position[0, row * 9 + column].tolist()
            assert got.xy(row, column) == (x, y)
        assert got.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
    assert not list(tmp_path.glob(".map*"))


def test_tiles_with_margins_differ_little_from_the_whole(write_tiff, tmp_path):
    reader, item = scene(write_tiff, tmp_path)
    model, out = encoder(), tmp_path / "map.tif"
    whole = tmp_path / "whole.tif"
    embed_scene(model, reader, item, out, output="tokens", tile=64, margin=16, batch_size=3)
    embed_scene(model, reader, item, whole, output="tokens", tile=128, margin=0)
    with rasterio.open(out) as one, rasterio.open(whole) as other:
        assert one.shape == other.shape
        assert np.isfinite(one.read()).all()
        assert np.corrcoef(one.read().ravel(), other.read().ravel())[0, 1] > 0.95


def test_nodata_stays_nodata(write_tiff, tmp_path):
    reader, item = scene(write_tiff, tmp_path, nodata=0)
    out = tmp_path / "map.tif"
    embed_scene(encoder(), reader, item, out, output="tokens", tile=64, margin=8)
    with rasterio.open(out) as got:
        missing = np.isnan(got.read(1))
    assert missing[:2, :2].all()
    assert missing.sum() == 4


def test_geoparquet_has_exact_footprints(write_tiff, tmp_path):
    reader, item = scene(write_tiff, tmp_path, nodata=0)
    out, image = tmp_path / "map.parquet", tmp_path / "map.tif"
    for path in (out, image):
        embed_scene(encoder(), reader, item, path, output="tokens", tile=64, margin=8)
    table = pq.read_table(out)
    assert len(table) == 12 * 9 - 4
    geo = json.loads(table.schema.metadata[b"geo"])
    assert geo["primary_column"] == "geometry"
    assert geo["columns"]["geometry"]["crs"]["id"]["code"] == 32633
    with rasterio.open(image) as got:
        values = got.read()
        for one in (table.slice(0, 1).to_pylist()[0], table.slice(50, 1).to_pylist()[0]):
            assert one["vector"] == values[:, one["row"], one["column"]].tolist()
            corners = struct.unpack("<BIII10d", one["geometry"])
            assert corners[:4] == (1, 3, 1, 5)
            x, y = got.transform @ (one["column"], one["row"])
            assert corners[4:6] == corners[-2:] == (x, y)
            assert corners[8:10] == (x + 80, y - 80)


def test_an_interrupted_call_goes_on_where_it_stopped(write_tiff, tmp_path, monkeypatch):
    reader, item = scene(write_tiff, tmp_path)
    model, out = encoder(), tmp_path / "map.tif"
    read, calls = Scenes.read_part, []

    def counted(self, *args):
        calls.append(args)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return read(self, *args)

    monkeypatch.setattr(Scenes, "read_part", counted)
    with pytest.raises(KeyboardInterrupt):
        embed_scene(model, reader, item, out, output="tokens", tile=48, margin=8, batch_size=1)
    assert not out.exists()
    before = len(calls)
    embed_scene(model, reader, item, out, output="tokens", tile=48, margin=8, batch_size=1)
    tiles = 3 * 3
    assert len(calls) - before < tiles
    # Other weights are another plan: nothing is taken over.
    calls.clear()
    calls.extend([None] * 10)
    again = tmp_path / "again.tif"
    embed_scene(model, reader, item, again, output="tokens", tile=48, margin=8, batch_size=1)
    with rasterio.open(out) as one, rasterio.open(again) as other:
        np.testing.assert_array_equal(one.read(), other.read())


def test_strips_of_other_weights_are_not_used(write_tiff, tmp_path, monkeypatch):
    reader, item = scene(write_tiff, tmp_path)
    out = tmp_path / "map.tif"

    def stop(*args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(scenes, "write_geotiff", stop)
        with pytest.raises(KeyboardInterrupt):
            embed_scene(encoder(1), reader, item, out, output="tokens", tile=64, margin=8)
    model = encoder(2)
    embed_scene(model, reader, item, out, output="tokens", tile=128, margin=0)
    expected = model.encode(model.collate([reader.read(item)]), "tokens").values[0]
    with rasterio.open(out) as got:
        np.testing.assert_allclose(
            got.read()[:, 0, 0], expected[0].detach().numpy(), rtol=1e-4, atol=1e-5
        )


def test_unknown_outputs_are_refused(write_tiff, tmp_path):
    reader, item = scene(write_tiff, tmp_path)
    with pytest.raises(UsageError, match="expected one of tokens, found 'pooled'"):
        embed_scene(encoder(), reader, item, tmp_path / "m.tif", output="pooled")


def test_a_despeckled_scene_is_a_geotiff_of_reflectivity(write_tiff, tmp_path):
    values = speckled(fields(RNG, 96), RNG)[None]
    write_tiff(tmp_path / "a.tif", values)
    reader = ComplexScenes()
    item = reader.index(tmp_path)[0]
    model = Despeckler(
        DespecklerSettings(sensors=reader.sensors, width=6, subsample=2, symmetrise=False)
    ).eval()
    torch.nn.init.zeros_(model.network.get_parameter("dec1.weight"))
    out = tmp_path / "out" / "clean.tif"
    despeckle_scene(model, reader, item, out, tile=64, margin=16)
    with rasterio.open(out) as got:
        assert got.shape == (96, 96)
        assert tuple(got.transform)[:6] == reader.grid(item).transform
        # With its last layer zero a mean of 9 × 9 is left, which the margin holds.
        expected = model.restore(reader.read(item)).layers["slc"].values
        np.testing.assert_allclose(got.read(), expected, rtol=1e-3)
        assert equivalent_looks(got.read()) > equivalent_looks(np.abs(values) ** 2)
    with pytest.raises(UsageError, match="name it"):
        despeckle_scene(model, reader, item, tmp_path / "x.parquet")
