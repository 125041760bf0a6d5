import numpy as np
import pytest

from unlabeled.errors import UnreadableItem
from unlabeled_remote_sensing.readers import memory
from unlabeled_remote_sensing.readers.scenes import Scenes
from unlabeled_remote_sensing.sensors import Sensor


def test_a_scene_that_is_too_large_is_named_before_it_is_read(write_tiff, tmp_path, monkeypatch):
    write_tiff(tmp_path / "a.tif", np.ones((1, 100, 80), "uint8"))
    monkeypatch.setattr(memory, "memory", lambda: 3 * 4 * 100 * 80 - 1)
    reader = Scenes(sensors={"x": Sensor(bands=("a",))}, pattern="{scene}.tif", window=50)
    item = reader.index(tmp_path)[0]
    with pytest.raises(UnreadableItem, match=r"a\.tif.*100 x 80 px of 1 bands.*maps embeds"):
        reader.read(item)
    assert reader.read(item, np.random.default_rng(0)).shape == (50, 50)


def test_what_this_process_may_have():
    assert 2**28 < memory.memory() < 2**50
