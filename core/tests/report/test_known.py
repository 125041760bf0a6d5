import csv

import pytest
import toy_runs
from reported import a_run, evaluated, judged, read

from unlabeled.recipe import build_reader, read_choice
from unlabeled.report.known import columns_of, labels_of_items


@pytest.fixture
def data(vectors, tmp_path):
    return toy_runs.write_data(tmp_path / "data")


def table(data, columns):
    names = [file.name for file in sorted(data.glob("*.json"))]
    path = data.parent / "labels.csv"
    with path.open("w", newline="") as file:
        rows = [
            [name, *(values[n % 2] for values in columns.values())] for n, name in enumerate(names)
        ]
        csv.writer(file).writerows([["item", *columns], *rows])
    return path


def found(data, reader="vectors/json", labels=None, run=None, *, hidden=False):
    reads = build_reader(read_choice("readers", {"name": reader}, "here"))
    items = reads.index(data)
    run = run or a_run(data.parent / "run")
    labelled = labels_of_items(reads, items, data, labels, ()) if labels else None
    return columns_of(read(run), reads, items, list(range(len(items))), labelled, hidden=hidden)


def test_labels_come_first_then_group_and_metadata(data):
    columns, groups = found(data, labels=table(data, {"kind": "xy"}))
    assert [each.name for each in columns][:2] == ["kind", "group"]
    assert [each.role for each in columns][:2] == ["label", "group"]
    assert {"site", "size"} & {each.name for each in columns}
    assert len(groups) == toy_runs.ITEMS


def test_a_group_of_the_labels_replaces_that_of_the_index(data):
    _, groups = found(data, labels=table(data, {"kind": "xy", "group": ["one", "two"]}))
    assert set(groups) == {"one", "two"}


def test_of_people_only_public_columns_and_numbers_for_names(data):
    columns, _ = found(data, "vectors/private", hidden=True)
    names = {each.name: each for each in columns}
    assert "files" not in names
    assert all(name.startswith("group ") for name in names["group"].classes)
    labels = table(data, {"doctor": ["Smith", "Lee"], "activity": ["up", "down"]})
    run = a_run(data.parent / "other")
    evaluated(run, judged())
    columns, _ = found(data, "vectors/private", labels, run, hidden=True)
    classes = {each.name: each.classes for each in columns}
    assert "Smith" not in str(classes)
    assert classes.get("activity", classes.get("doctor")) is not None
