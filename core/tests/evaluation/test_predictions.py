"""The table of predictions beside a result."""

import csv
import json

import pyarrow.parquet as pq
import pytest
import toy_runs
from toy_runs import recipe

from unlabeled.evaluation.evaluate import evaluate
from unlabeled.evaluation.settings import EvaluationSettings
from unlabeled.inference.forget import forget
from unlabeled.recipe import merge
from unlabeled.training.pretrain import pretrain

FEW = EvaluationSettings(random_encoders=2)


@pytest.fixture
def data(vectors, tmp_path):
    return toy_runs.write_data(tmp_path / "data")


def labels(data):
    """kind and a column to cut by; the last item has no kind."""
    names = [file.name for file in sorted(data.glob("*.json"))]
    rows = [[name, "xy"[n % 2], f"scanner {n % 3}"] for n, name in enumerate(names)]
    rows[-1][1] = ""
    path = data.parent / "labels.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["item", "kind", "scanner"], *rows])
    return path


def evaluated(data, reader="vectors/json"):
    sections = merge(toy_runs.MEMORY, {"reader": {"name": reader}})
    run = pretrain(recipe(sections, steps=2), data, data.parent / "run", quiet=True).path
    found = evaluate(run, data, labels(data), target=["kind"], settings=FEW)
    return run, found, run / "evaluation" / f"{found.name}.items.parquet"


def test_every_tested_item_has_its_truth_prediction_and_scores(data):
    _, found, file = evaluated(data)
    table = pq.read_table(file)
    assert len(table) == toy_runs.ITEMS - 1
    rows = {row["item"]: row for row in table.to_pylist()}
    assert rows["0001.json"]["truth"] == "y"
    assert rows["0001.json"]["scanner"] == "scanner 1"
    assert rows["0001.json"]["site"].startswith("site ")
    right = sum(row["truth"] == row["predicted"] for row in rows.values()) / len(rows)
    assert right == pytest.approx(found.rows[0].score)
    classes = json.loads(table.schema.metadata[b"classes"])
    assert classes == {"kind": ["x", "y"]}
    for row in rows.values():
        assert sum(row["scores"]) == pytest.approx(1, abs=1e-5)
        assert classes["kind"][row["scores"].index(max(row["scores"]))] == row["predicted"]


def test_of_people_there_are_pseudonyms_and_public_columns(data):
    _, _, file = evaluated(data, "vectors/private")
    table = pq.read_table(file)
    assert set(table.column_names) - {"site"} == {
        *("item", "group", "target", "truth", "predicted", "scores")
    }
    assert all(len(name) == 24 for name in table["item"].to_pylist())
    assert "scanner" not in file.read_bytes().decode("latin-1")


def test_a_group_that_is_forgotten_is_forgotten_here(data):
    run, _, file = evaluated(data)
    before = pq.read_table(file)["group"].to_pylist()
    removed = forget(run, "g3").removed
    assert removed[f"evaluation/{file.name}"] == before.count("g3") > 0
    assert "g3" not in pq.read_table(file)["group"].to_pylist()


def test_quantities_have_values_and_no_scores(data):
    run, _, _ = evaluated(data)
    found = evaluate(run, data, data / "labels.csv", target=["strength"], settings=FEW)
    table = pq.read_table(run / "evaluation" / f"{found.name}.items.parquet")
    assert json.loads(table.schema.metadata[b"classes"]) == {"strength": []}
    assert abs(float(table["truth"][0].as_py())) > 0.5
    assert table["scores"][0].as_py() == []
