"""What is kept of the data of a run, within a bounded amount of reading."""

import pytest

from unlabeled.data import trained_on as module
from unlabeled.data.items import Items
from unlabeled.data.trained_on import data_changes, keep_signatures
from unlabeled.run_folder import JsonLines, RunFolder


@pytest.fixture
def items(tmp_path):
    for number in range(10):
        (tmp_path / f"{number}.bin").write_bytes(bytes([number]) * 100)
    return lambda: Items.of(
        {
            "id": [f"{n}" for n in range(10)],
            "source": [str(tmp_path / f"{n}.bin") for n in range(10)],
            "size": [1] * 10,
        }
    )


def test_new_gone_and_changed_items_are_told_apart(items, tmp_path):
    folder, ids = RunFolder(tmp_path), [f"{n}" for n in range(10)]
    keep_signatures(folder, items(), items())
    assert data_changes(folder, items(), ids) == []
    (tmp_path / "3.bin").write_bytes(bytes(100))
    assert data_changes(folder, items(), [*ids[:9], "other"]) == [
        "data: 1 items have other content (of 10 then): 3",
        "data: 1 items are gone (of 10 then): 9",
        "data: 1 items are new (of 10 then): other",
    ]


def test_no_more_is_hashed_than_the_budget_allows(items, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "HASHED", 450)
    folder, ids = RunFolder(tmp_path), [f"{n}" for n in range(10)]
    keep_signatures(folder, items(), items())
    kept = [row["signature"] for row in JsonLines(folder.trained_on).rows()]
    assert sum(not signature.endswith(".") for signature in kept) == 4
    assert data_changes(folder, items(), ids) == []
    for number in range(10):  # the same length, later: told by their times where not by content
        (tmp_path / f"{number}.bin").write_bytes(bytes([number + 1]) * 100)
    (line,) = data_changes(folder, items(), ids)
    assert line.startswith("data: 10 items have other content")
