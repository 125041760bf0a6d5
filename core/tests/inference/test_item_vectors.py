"""One vector per item: means over rows, items without a vector counted, groups kept."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from unlabeled.errors import DataError
from unlabeled.inference.item_vectors import item_vectors


def write(path, names, vectors, **columns):
    column = pa.array(vectors, pa.list_(pa.float32(), 2))
    pq.write_table(pa.table({"id": names, "vector": column, **columns}), path)
    return path


def test_rows_of_an_item_are_averaged_in_the_order_of_the_table(tmp_path):
    vectors = [[1.0, 2.0], None, [3.0, 4.0], [5.0, 0.0], None]
    path = write(tmp_path / "t.parquet", ["z", "z", "z", "a", "b"], vectors)
    found = item_vectors(path)
    assert found.ids.tolist() == ["z", "a"]
    np.testing.assert_array_equal(found.values, [[2, 3], [5, 0]])
    assert found.names == ("z", "a", "b")
    assert found.absent == 1


def test_an_item_without_a_group_is_its_own(tmp_path):
    path = write(tmp_path / "t.parquet", ["a", "b"], [[0.0, 0.0], [1.0, 1.0]], group=["g", ""])
    assert item_vectors(path).groups.tolist() == ["g", "b"]
    plain = write(tmp_path / "u.parquet", ["a", "b"], [[0.0, 0.0], [1.0, 1.0]])
    assert item_vectors(plain).groups.tolist() == ["a", "b"]


def test_items_are_taken_by_position(tmp_path):
    found = item_vectors(write(tmp_path / "t.parquet", ["a", "b"], [[0.0, 0.0], [1.0, 2.0]]))
    one = found.take(np.array([1]))
    assert (one.ids.tolist(), one.values.tolist()) == (["b"], [[1, 2]])


def test_another_file_is_refused_by_name(tmp_path):
    (tmp_path / "no.parquet").write_text("no")
    with pytest.raises(DataError, match=r"no\.parquet: expected a Parquet file that"):
        item_vectors(tmp_path / "no.parquet")
