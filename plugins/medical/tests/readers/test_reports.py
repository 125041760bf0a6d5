"""Reports of patients: what they say stands nowhere but where they lie."""

import os
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import unlabeled
from unlabeled.recipe import load_recipe
from unlabeled.report.page import report
from unlabeled_medical.readers.reports import Reports
from unlabeled_medical.synthetic_reports import write_reports

SECRET = "wolkensteinia"


def test_reports_are_of_patients_and_called_after_their_images(tmp_path):
    write_reports(tmp_path, count=6, seed=0)
    items = Reports().index(tmp_path)
    assert [item.id for item in items][:3] == [
        "patient000/0.png", "patient000/1.png", "patient001/0.png",
    ]  # fmt: skip
    assert items.table["group"].to_pylist()[1] == "patient000"
    assert [str(each) for each in items.left_out] == [
        "1 that have no column report (reader.text, reader.group)"
    ]


def test_no_report_stands_in_anything_that_is_written(tmp_path):
    pytest.importorskip("tokenizers", reason="needs the extra text")
    data = tmp_path / "data"
    data.mkdir()
    write_reports(data, count=40, seed=0)
    table = data / "reports.csv"
    rows = table.read_text().splitlines()
    rows[1:5] = [f"{row.rstrip(chr(34))} {SECRET}{chr(34)}" for row in rows[1:5]]
    rows.append(f"x/1.png,patient001,{SECRET * 2000}")
    table.write_text("\n".join(rows) + "\n")
    run, out = tmp_path / "run", tmp_path / "e.parquet"
    few = {"training": {"steps": 2, "batch_size": 4, "workers": 0}}
    unlabeled.pretrain(load_recipe("medical/reports", few), data, run, quiet=True)
    unlabeled.embed(run, data, out)
    found = unlabeled.evaluate(run, data, data / "labels.csv")
    report(run)
    # It occurs in four reports, but of two patients.
    files = [file for file in run.rglob("*") if file.is_file()]
    assert len(files) > 8
    assert not [file for file in files if SECRET.encode() in file.read_bytes()]
    assert SECRET not in repr(pq.read_table(out).to_pydict()) + repr(found)
    assert "of the left side" not in "".join(
        file.read_text() for file in files if file.suffix in (".json", ".jsonl", ".html", ".csv")
    )


def test_real_notes():
    home = os.environ.get("UNLABELED_DATA", "")
    folder = Path(home) / "medical" / "cxr_notes"
    if not home or not folder.is_dir():
        pytest.skip("UNLABELED_DATA has no medical/cxr_notes")
    reader = Reports(text=("note",), split="characters")
    items = reader.index(folder)
    assert len(items) == 236
    assert len(set(items.table["group"].to_pylist())) == 141
    facts = reader.describe(items)
    assert "e" in facts["vocabulary"]
