"""Similarity search: nearest rows by hand, items of many rows, and tables that do not fit."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from unlabeled.cli.main import run
from unlabeled.errors import DataError, UsageError
from unlabeled.inference.neighbours import neighbours


def write(path, ids, vectors, **columns):
    flat = pa.array(np.asarray(vectors, np.float32).ravel())
    vector = pa.FixedSizeListArray.from_arrays(flat, np.shape(vectors)[1])
    pq.write_table(pa.table({"id": ids, **columns, "vector": vector}), path)
    return path


@pytest.fixture
def birds(tmp_path):
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(40, 6)) * [1, 1, 1, 1, 1, 100] + 5
    return write(tmp_path / "birds.parquet", [f"{i}.wav" for i in range(40)], vectors), vectors


def test_equals_the_definition(birds):
    path, vectors = birds
    z = (vectors - vectors.mean(0)) / vectors.std(0)
    cosine = [z[7] @ row / np.sqrt((z[7] @ z[7]) * (row @ row)) for row in z]
    expected = [i for i in np.argsort(cosine)[::-1] if i != 7][:5]
    found = neighbours(path, "7.wav", count=5)
    assert found["id"].to_pylist() == [f"{i}.wav" for i in expected]
    np.testing.assert_allclose(found["similarity"], [cosine[i] for i in expected], atol=1e-5)
    assert found.column_names == ["id", "similarity"]


def test_an_item_of_many_rows_asks_by_their_mean_and_finds_rows(tmp_path):
    vectors = [[1, 0], [0.8, 0.2], [0.9, 0.1], [-1, 0], [0, -1]]
    ids, times = ["a", "a", "b", "b", "c"], [0.0, 1.0, 0.0, 1.0, 0.0]
    path = write(tmp_path / "frames.parquet", ids, vectors, position=times)
    found = neighbours(path, "a")
    assert found["id"].to_pylist()[0] == "b"
    assert found["position"].to_pylist()[0] == 0.0
    assert len(found) == 3


def test_a_constant_column_and_a_zero_vector_are_no_trouble(tmp_path):
    path = write(tmp_path / "flat.parquet", ["a", "b", "c"], np.ones((3, 2)))
    assert np.isfinite(neighbours(path, "a")["similarity"]).all()


def test_what_does_not_fit_is_said(birds, tmp_path):
    with pytest.raises(UsageError, match=r"no item 'x\.wav'.*'0\.wav'"):
        neighbours(birds[0], "x.wav")
    pq.write_table(pa.table({"name": ["a"]}), tmp_path / "other.parquet")
    for name in ("other.parquet", "missing.parquet"):
        with pytest.raises(DataError, match="`unlabeled embed` wrote"):
            neighbours(tmp_path / name, "a")


def test_the_command_prints_the_rows(birds, capsys):
    assert run(["neighbours", str(birds[0]), "7.wav", "--count", "3", "--json"]) == 0
    assert capsys.readouterr().out.count('"similarity"') == 3
    assert run(["neighbours", str(birds[0]), "7.wav"]) == 0
    assert "similarity" in capsys.readouterr().out
    assert run(["neighbours", str(birds[0]), "no"]) == 2


def test_a_node_is_asked_for_by_its_name_and_found_by_it(tmp_path):
    vectors = [[1, 0], [0, 1], [-1, -1], [1, 0]]
    nodes = ["15", "2", "9", "x#1"]
    path = write(tmp_path / "n.parquet", ["net"] * 4, vectors, node=nodes)
    assert neighbours(path, "net#15", count=1)["node"].to_pylist() == ["x#1"]
    assert neighbours(path, "net#x#1", count=1)["node"].to_pylist() == ["15"]
    with pytest.raises(UsageError, match=r"no item 'net#0'.*nodes are net#15 …"):
        neighbours(path, "net#0")


def test_a_name_that_one_item_has_asks_for_it(tmp_path):
    names = ["ethanol", "acid", "acid"]
    path = write(tmp_path / "m.parquet", ["1", "2", "3"], [[1, 0], [0, 1], [0, 2]], name=names)
    assert neighbours(path, "ethanol", count=1)["id"].to_pylist() != ["1"]
    with pytest.raises(UsageError, match=r"2 items are called 'acid'.*'2', '3'"):
        neighbours(path, "acid")


def test_a_table_that_is_not_there_is_said_in_plain_words(tmp_path, capsys):
    assert run(["neighbours", str(tmp_path / "none.parquet"), "a"]) == 3
    assert capsys.readouterr().err.endswith("wrote, found no such file\n")
