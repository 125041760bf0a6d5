import json

import numpy as np
import pytest
import rasterio
import torch

from unlabeled.cli.main import run as command
from unlabeled.errors import DataError, UsageError
from unlabeled.export.encoder import Provenance, save_encoder
from unlabeled.recipe import Choice
from unlabeled_remote_sensing.encoders.raster_vit import RasterViT, RasterViTSettings
from unlabeled_remote_sensing.maps import write_maps
from unlabeled_remote_sensing.readers.scenes import Scenes
from unlabeled_remote_sensing.sensors import Sensor

SENSORS = {"x": Sensor(bands=("a", "b"), mean=(100.0, 100.0), std=(50.0, 50.0))}


def words(run, data, out, output):
    named = ("--out", str(out), "--output", output)
    return ["remote_sensing", "maps", str(run), str(data), *named]


@pytest.fixture
def run(tmp_path):
    """An encoder as `pretrain` leaves it, trained on windows."""
    torch.manual_seed(0)
    encoder = RasterViT(RasterViTSettings(sensors=SENSORS, width=8, depth=1, heads=2)).eval()
    reader = Scenes(sensors=SENSORS, pattern="{scene}.tif", window=16, items="window")
    save_encoder(
        encoder,
        encoder_name="remote_sensing/raster_vit",
        reader=Choice("readers", "remote_sensing/scenes", reader),
        folder=tmp_path / "run" / "encoder",
        provenance=Provenance("r", "masked_autoencoder"),
    )
    return tmp_path / "run"


@pytest.fixture
def data(write_tiff, tmp_path):
    rng = np.random.default_rng(0)
    for name in ("one", "two"):
        values = rng.integers(1, 255, (2, 40, 56)).astype("uint8")
        write_tiff(tmp_path / "data" / f"{name}.tif", values)
    return tmp_path / "data"


def test_every_scene_becomes_a_map_and_those_that_are_there_are_kept(run, data, tmp_path, capsys):
    out = tmp_path / "maps"
    assert command(words(run, data, out, "tokens")) == 0
    assert capsys.readouterr().out.split() == [str(out / "one.tif"), str(out / "two.tif")]
    before = (out / "one.tif").stat().st_mtime_ns
    (out / "two.tif").unlink()
    assert len(write_maps(run, data, out, output="tokens")) == 2
    assert (out / "one.tif").stat().st_mtime_ns == before
    with rasterio.open(out / "two.tif") as found:
        assert (found.count, *found.shape) == (8, 5, 7)


def test_maps_of_other_scenes_of_the_same_names_are_drawn_again(
    run, data, tmp_path, write_tiff, capsys
):
    write_maps(run, data, tmp_path / "maps", output="tokens")
    values = np.random.default_rng(1).integers(1, 255, (2, 40, 56)).astype("uint8")
    write_tiff(data / "one.tif", values)
    write_maps(run, data, tmp_path / "maps", output="tokens")
    assert "1 maps drawn, 1 of them of scenes that changed" in capsys.readouterr().err
    write_maps(run, data, tmp_path / "fresh", output="tokens")
    for name in ("one.tif", "two.tif"):
        with (
            rasterio.open(tmp_path / "maps" / name) as kept,
            rasterio.open(tmp_path / "fresh" / name) as fresh,
        ):
            assert np.array_equal(kept.read(), fresh.read(), equal_nan=True)


def test_a_broken_scene_is_listed_and_the_others_are_done(run, data, tmp_path):
    (data / "one.tif").write_bytes((data / "one.tif").read_bytes()[:300])
    out = tmp_path / "maps"
    with pytest.raises(DataError, match="raise --max-skipped"):
        write_maps(run, data, out, output="tokens", format="parquet")
    maps = write_maps(run, data, out, output="tokens", format="parquet", max_skipped=0.5)
    assert maps == [out / "two.parquet"]
    (line,) = (out / "quarantine.jsonl").read_text().splitlines()
    assert "one.tif" in json.loads(line)["source"]


def test_maps_of_another_output_are_not_mixed_in(run, data, tmp_path):
    write_maps(run, data, tmp_path / "maps", output="tokens")
    with pytest.raises(UsageError, match="choose another folder"):
        write_maps(run, data, tmp_path / "maps", output="tokens", tile=128)


def test_an_unknown_output_is_one_line(run, data, tmp_path, capsys):
    assert command([*words(run, data, tmp_path / "m", "pooled"), "--json"]) != 0
    told = capsys.readouterr()
    assert "unlabeled: output: expected one of tokens" in told.err
    assert "expected one of tokens" in json.loads(told.out)["error"]["message"]
    assert command([*words(run, data, tmp_path / "n", "tokens"), "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["maps"]) == 2
