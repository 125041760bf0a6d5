import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlabeled.errors import UsageError
from unlabeled_remote_sensing.outputs.tiles import Tiling

sides = st.integers(1, 100)


@given(sides, sides, st.integers(1, 8), st.integers(1, 4), st.integers(0, 2))
def test_cores_cover_every_cell_once_and_tiles_stay_inside(height, width, cell, core, margin):
    tiling = Tiling(height, width, cell, cell * (core + 2 * margin), cell * margin)
    seen = np.zeros(tiling.shape, int)
    for row in tiling.rows():
        for tile in row:
            seen[slice(*tile.rows), slice(*tile.columns)] += 1
            assert tile.row % cell == tile.column % cell == 0
            assert 0 <= tile.row < tile.row + tile.height <= height
            assert 0 <= tile.column < tile.column + tile.width <= width
            assert tile.row // cell + tile.first[0] == tile.rows[0]
            assert tile.column // cell + tile.first[1] == tile.columns[0]
    assert (seen == 1).all()


def test_sizes_that_do_not_fit_are_refused():
    for size, margin in ((12, 0), (16, 4), (16, 8)):
        with pytest.raises(UsageError, match="multiples of 8"):
            Tiling(50, 50, 8, size, margin)
