import numpy as np
import pytest

from unlabeled.errors import UnreadableItem
from unlabeled_remote_sensing.readers import files
from unlabeled_remote_sensing.readers.files import grid_of, open_raster


def test_a_handle_stays_open_and_the_oldest_is_closed(write_tiff, tmp_path, monkeypatch):
    paths = [str(write_tiff(tmp_path / f"{k}.tif", np.zeros((1, 2, 3), "uint8"))) for k in range(3)]
    monkeypatch.setattr(files, "OPEN_FILES", 2)
    files._local.__dict__.clear()
    first = open_raster(paths[0])
    assert open_raster(paths[0]) is first
    open_raster(paths[1])
    open_raster(paths[2])
    assert first.source.closed
    assert (grid_of(paths[0]).height, grid_of(paths[0]).width) == (2, 3)


def test_what_is_no_raster_is_refused_in_gdals_words(tmp_path):
    (tmp_path / "x.tif").write_text("no image")
    with pytest.raises(UnreadableItem, match=r"a raster that rasterio opens.*not recognized"):
        open_raster(str(tmp_path / "x.tif"))
