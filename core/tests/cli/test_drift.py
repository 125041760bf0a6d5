"""`unlabeled drift`: words for people, one document for programs, an exit code for pipelines."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from unlabeled.cli.main import run


def write(path, shift, seed):
    vectors = np.random.default_rng(seed).normal(size=(40, 4)) + shift
    ids = [f"{path.stem}{number}" for number in range(40)]
    column = pa.array(vectors.tolist(), pa.list_(pa.float32(), 4))
    pq.write_table(pa.table({"id": ids, "vector": column}), path)
    return str(path)


def test_a_change_ends_with_code_7_in_words_and_in_json(tmp_path, capsys):
    old, new = write(tmp_path / "old.parquet", 0, 0), write(tmp_path / "new.parquet", 2, 1)
    assert run(["drift", old, new, "--json"]) == 7
    found = json.loads(capsys.readouterr().out)
    assert found["drifted"]
    assert [each["name"] for each in found["measures"]] == [
        "classifier",
        "mmd",
        "frechet",
        "novelty",
    ]
    assert run(["drift", old, new, "--count", "3"]) == 7
    shown = capsys.readouterr().out
    assert f"{new} differs from {old} (p 0.005 <= 0.05)" in shown
    assert shown.count("new") >= 4


def test_the_same_data_end_with_code_0(tmp_path, capsys):
    old = write(tmp_path / "old.parquet", 0, 0)
    assert run(["drift", old, old]) == 0
    assert "is distributed as" in capsys.readouterr().out


def test_a_wrong_level_is_a_wrong_use(tmp_path):
    old = write(tmp_path / "old.parquet", 0, 0)
    assert run(["drift", old, old, "--level", "2"]) == 2
