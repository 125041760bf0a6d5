import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from reported import HOSTILE, Checked, a_run, a_seen, evaluated, judged, read

from unlabeled.report.gallery import Gallery
from unlabeled.report.sections.details import details


def predicted(run, classes=("a", HOSTILE), count=40):
    evaluated(run, judged())
    truth = [classes[n % 2] if classes else str(n) for n in range(count)]
    table = pa.table(
        {
            "item": [f"item {n}.wav" for n in range(count)],
            "group": [f"g{n % 4}" for n in range(count)],
            "target": ["kind"] * count,
            "truth": truth,
            "predicted": truth,
            "scores": pa.array(
                [[0.9, 0.1] if n % 3 else [0.2, 0.8] for n in range(count)]
                if classes
                else [[]] * count,
                pa.list_(pa.float32()),
            ),
        }
    )
    metadata = {"classes": json.dumps({"kind": list(classes)})}
    file = run.path / "evaluation" / "labels-ridge.items.parquet"
    pq.write_table(table.replace_schema_metadata(metadata), file)
    return run


@pytest.fixture
def run(tmp_path):
    return a_run(tmp_path / "run")


def test_confusion_classes_groups_calibration_and_the_worst_items(run):
    seen = a_seen(gallery=Gallery({1: "data:image/png;base64,AA"}))
    body = details(read(predicted(run)), seen).body
    page = Checked(body)
    for words in (
        "Confusion: rows are the truth",
        "Expected calibration error",
        "accuracy by group",
        "Worst items",
        "item 1.wav",
        HOSTILE,
    ):
        assert words in page.text
    assert "<script>" not in body
    assert 'href="#p1"' in body


def test_a_quantity_has_a_chart_and_errors(run):
    text = Checked(details(read(predicted(run, ())), None).body).text
    assert "Predicted beside true" in text
    assert "mean absolute error by group" in text
    assert "Confusion" not in text


def test_people_are_not_named(run):
    run.private.mkdir()
    text = Checked(details(read(predicted(run)), None).body).text
    assert "item 1.wav" not in text
    assert "g3" not in text
    assert "group 4" in text
    assert "Worst items are not named" in text


def test_without_predictions_there_is_no_section(run):
    evaluated(run, judged())
    assert details(read(run), None) is None
