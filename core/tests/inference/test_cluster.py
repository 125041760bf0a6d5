"""Clusters of embeddings: known ones are found, several tables refine one another."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from unlabeled.cli.main import run
from unlabeled.data.labels import read_labels
from unlabeled.errors import DataError, UsageError
from unlabeled.inference.cluster import cluster


def write(path, vectors, names=None):
    names = names or [f"i{number}" for number in range(len(vectors))]
    rows = [None if row is None else [float(x) for x in row] for row in vectors]
    column = pa.array(rows, pa.list_(pa.float32(), 2))
    pq.write_table(pa.table({"id": names, "vector": column}), path)
    return path


@pytest.fixture
def blobs(tmp_path):
    """Three groups of 20, 12 and 6 items."""
    truth = np.repeat([0, 1, 2], [20, 12, 6])
    centres = np.array([[0, 0], [9, 0], [0, 9]])
    vectors = centres[truth] + 0.1 * np.random.default_rng(0).normal(size=(38, 2))
    return write(tmp_path / "blobs.parquet", vectors), truth


def test_known_groups_are_found_and_named_by_size(blobs, tmp_path):
    done = cluster(blobs[0], tmp_path / "c.csv", count=3)
    table = pa.csv.read_csv(done.path)
    assert table.column_names == ["item", "cluster"]
    assert table["item"].to_pylist() == [f"i{number}" for number in range(38)]
    assert table["cluster"].to_pylist() == [f"c{code}" for code in blobs[1]]
    assert (done.sizes, done.absent) == ({"c0": 20, "c1": 12, "c2": 6}, 0)
    again = cluster([blobs[0]], tmp_path / "c.parquet", count=3)
    assert pq.read_table(again.path)["cluster"].to_pylist() == table["cluster"].to_pylist()


def test_the_scale_of_a_column_decides_nothing(blobs, tmp_path):
    table = pq.read_table(blobs[0])
    vectors = np.array(table["vector"].to_pylist()) * [1, 1e-4]
    done = cluster(write(tmp_path / "thin.parquet", vectors), tmp_path / "c.csv", count=3)
    assert done.sizes == {"c0": 20, "c1": 12, "c2": 6}


def test_several_tables_refine_one_another(tmp_path):
    one = write(tmp_path / "one.parquet", [[0, 0], [0, 0], [9, 9], [9, 9], [0, 0]])
    two = write(tmp_path / "two.parquet", [[0, 0], [9, 9], [0, 0], [0, 0], [0, 0]])
    done = cluster([one, two], tmp_path / "c.csv", count=2)
    found = pa.csv.read_csv(done.path)["cluster"].to_pylist()
    assert found[2] == found[3]
    assert found[0] == found[4]
    assert len(set(found)) == 3


def test_rows_of_one_item_are_averaged_and_those_without_a_vector_counted(tmp_path):
    vectors = [[0, 0], [0.2, 0], None, [9, 9], [9, 9], None]
    names = ["a", "a", "b", "c", "d", "a"]
    done = cluster(write(tmp_path / "t.parquet", vectors, names), tmp_path / "c.csv", count=2)
    table = read_labels(done.path).table
    assert table["item"].to_pylist() == ["a", "c", "d"]
    assert table["cluster"].to_pylist() == ["c1", "c0", "c0"]
    assert done.absent == 1


def test_what_does_not_fit_is_said(blobs, tmp_path):
    with pytest.raises(DataError, match=r"expected at least 40 items with a vector.*found 38"):
        cluster(blobs[0], tmp_path / "c.csv", count=40)
    with pytest.raises(UsageError, match=r"ends in \.csv or \.parquet"):
        cluster(blobs[0], tmp_path / "c.txt", count=3)
    with pytest.raises(DataError, match="`unlabeled embed` wrote"):
        cluster(tmp_path / "gone.parquet", tmp_path / "c.csv", count=3)


def test_the_command_says_sizes(blobs, tmp_path, capsys):
    words = ["cluster", str(blobs[0]), "--count", "3", "--out", str(tmp_path / "c.csv")]
    assert run(words) == 0
    assert "38 items in 3 clusters of 6 to 20" in capsys.readouterr().out
    assert run([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sizes"]["c0"] == 20
    assert run(["cluster", "--count", "3", "--out", "c.csv"]) == 2
