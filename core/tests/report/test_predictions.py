import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from unlabeled.errors import RunError
from unlabeled.report.predictions import read_predictions


def written(path, classes, truth, scores, said=None):
    count = len(truth)
    table = pa.table(
        {
            "item": [f"item {n}" for n in range(count)],
            "group": [f"g{n % 2}" for n in range(count)],
            "site": [f"s{n % 3}" for n in range(count)],
            "target": ["kind"] * count,
            "truth": truth,
            "predicted": said or truth,
            "scores": pa.array(scores, pa.list_(pa.float32())),
        }
    )
    metadata = {"classes": json.dumps({"kind": classes})}
    pq.write_table(table.replace_schema_metadata(metadata), path / "x.items.parquet")
    return path / "x.json"


def test_classes_come_back_as_numbers_and_the_worst_item_first(tmp_path):
    scores = [[0.9, 0.1], [0.8, 0.2], [0.4, 0.6]]
    (found,) = read_predictions(written(tmp_path, ["a", "b"], ["a", "b", "b"], scores))
    assert found.truth.tolist() == [0, 1, 1]
    assert found.wrong == pytest.approx([0.1, 0.8, 0.4])
    assert found.items[found.worst].tolist() == ["item 1", "item 2", "item 0"]
    assert list(found.cuts) == ["site"]


def test_quantities_come_back_as_values(tmp_path):
    (found,) = read_predictions(written(tmp_path, [], ["1.5", "2"], [[], []], ["1", "5"]))
    assert found.truth.tolist() == [1.5, 2]
    assert found.scores.tolist() == [1, 5]
    assert found.wrong.tolist() == [0.5, 3]


def test_a_result_without_predictions_has_none_and_a_broken_file_is_named(tmp_path):
    assert read_predictions(tmp_path / "x.json") == ()
    (tmp_path / "x.items.parquet").write_bytes(b"no")
    with pytest.raises(RunError, match=r"x\.items\.parquet: expected the predictions"):
        read_predictions(tmp_path / "x.json")
