"""Runs on data about people name nobody outside their folder `private/`."""

import json
import shutil

import numpy as np
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
import toy_runs

from unlabeled.data.items import Items
from unlabeled.errors import RunError
from unlabeled.evaluation.evaluate import evaluate
from unlabeled.inference.embed import embed
from unlabeled.inference.restore import restore
from unlabeled.privacy import Pseudonyms, is_private
from unlabeled.recipe import merge
from unlabeled.report.page import report
from unlabeled.training.pretrain import pretrain, resume

NAMES = ("mueller", "hospital")
"""Planted in ids, groups and folders."""

PRIVATE = merge(toy_runs.MEMORY, {"reader": {"name": "vectors/private"}})


@pytest.fixture
def data(vectors, tmp_path):
    """Items of people; one is unreadable at a glance, one only when it is read."""
    folder = toy_runs.write_data(tmp_path / "hospital")
    labels = (folder / "labels.csv").read_text().splitlines()
    for number in range(toy_runs.ITEMS):
        path = folder / f"{number:04}.json"
        content = json.loads(path.read_text())
        path.write_text(json.dumps({**content, "group": f"mueller {content['group']}"}))
        path.rename(folder / f"mueller-{number:04}.json")
    (folder / "labels.csv").write_text(
        "\n".join([labels[0], *(f"mueller-{x}" for x in labels[1:])])
    )
    broken = folder / "mueller-0007.json"
    broken.write_text(json.dumps({**json.loads(broken.read_text()), "values": []}))
    (folder / "mueller-0008.json").write_text("no json")
    return folder


def run_on(data, out, **training):
    return pretrain(toy_runs.recipe(PRIVATE, **training), data, out, quiet=True).path


def texts(folder):
    """Every file outside of `private/`, and its path, as one lower-case text each."""
    for path in folder.rglob("*"):
        if path.is_file() and "private" not in path.relative_to(folder).parts:
            yield path, (str(path.relative_to(folder)).encode() + path.read_bytes()).lower()


def test_nothing_outside_private_names_anybody(data, tmp_path):
    out = tmp_path / "out"
    run = run_on(data, out / "run", epochs=3)
    embed(run, data, out / "vectors.parquet")
    embed(run, data, out / "steps.parquet", output="steps")
    evaluate(run, data, data / "labels.csv", target=["kind"])
    evaluate(run, data, target=["site"])
    report(run)
    seen = list(texts(out))
    assert {path.name for path, _ in seen} >= {"manifest.json", "README.md", "report.html"}
    for path, text in seen:
        if path.suffix != ".parquet":
            assert not [name for name in NAMES if name.encode() in text], path
    for table in (pq.read_table(path) for path, _ in seen if path.suffix == ".parquet"):
        assert "source" not in table.column_names
        assert table["site"][0].as_py().startswith("site ")
        assert not any(name in str(table.to_pylist()) for name in NAMES)
        assert b"mueller" not in b"".join((table.schema.metadata or {}).values())


def test_the_folder_is_its_owners_and_says_who_is_who(data, tmp_path):
    run = run_on(data, tmp_path / "run", epochs=3)
    embed(run, data, tmp_path / "vectors.parquet")
    private = run / "private"
    assert private.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in private.iterdir()} == {0o600}
    people = pyarrow.csv.read_csv(private / "items.csv").to_pylist()
    real = {row["pseudonym"]: (row["id"], row["group"], row["source"]) for row in people}
    assert len(real) == toy_runs.ITEMS - 1
    for row in pq.read_table(tmp_path / "vectors.parquet").to_pylist():
        name, group, source = real[row["id"]]
        assert source == str(data / name)
        assert json.loads((data / name).read_text())["group"] == group
    groups = {row["group"]: row["group_pseudonym"] for row in people}
    assert len(groups) == len(set(groups.values())) == 10
    for list_ in ("quarantine.jsonl", "vectors.parquet.quarantine.jsonl"):
        assert "mueller-0007" in (private / list_).read_text()
        assert "mueller-0008" in (private / list_).read_text()


def test_pseudonyms_differ_between_runs_and_training_does_not(data, tmp_path):
    one, other = run_on(data, tmp_path / "one"), run_on(data, tmp_path / "other")
    assert toy_runs.same_state(one, other)
    for run in (one, other):
        embed(run, data, run / "vectors.parquet")
    ids = [set(pq.read_table(run / "vectors.parquet")["id"].to_pylist()) for run in (one, other)]
    assert not ids[0] & ids[1]
    fingerprints = {toy_runs.manifest(run)["data"]["fingerprint"] for run in (one, other)}
    assert len(fingerprints) == 2


def test_a_run_goes_on_without_being_told_where_its_data_lie(data, tmp_path):
    whole = run_on(data, tmp_path / "whole", checkpoint={"every_steps": 3})
    how = (data, tmp_path / "run", 8, {"checkpoint": {"every_steps": 3}}, PRIVATE)
    assert toy_runs.exit_code(toy_runs.train_and_die, *how) < 0
    assert toy_runs.manifest(tmp_path / "run")["data"]["path"] == ""
    resume(tmp_path / "run", quiet=True)
    assert toy_runs.same_state(whole, tmp_path / "run")
    (tmp_path / "run" / "private" / "data.json").unlink()
    with pytest.raises(RunError, match=r"Say where the data lie: unlabeled pretrain --resume"):
        resume(tmp_path / "run", quiet=True)


def test_changed_data_are_noticed(data, tmp_path):
    run = run_on(data, tmp_path / "run")
    path = data / "mueller-0001.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "group": "mueller senior"}))
    with pytest.raises(RunError, match="the items differ in group"):
        run_on(data, run)


def test_labels_may_name_files_or_pseudonyms(data, tmp_path):
    run = run_on(data, tmp_path / "run")
    by_file = evaluate(run, data, data / "labels.csv", target=["kind"])
    header, *rows = (data / "labels.csv").read_text().splitlines()
    names = Pseudonyms(run / "private", None).of("id", [row.partition(",")[0] for row in rows])
    hidden = [f"{name},{row.partition(',')[2]}" for name, row in zip(names, rows, strict=True)]
    (tmp_path / "hidden.csv").write_text("\n".join([header, *hidden]))
    assert evaluate(run, data, tmp_path / "hidden.csv", target=["kind"]).rows == by_file.rows


def test_embedding_goes_on_with_the_same_pseudonyms(data, tmp_path):
    run = run_on(data, tmp_path / "run")
    first = embed(run, data, tmp_path / "vectors.parquet")
    (data / "mueller-0099.json").write_text((data / "mueller-0001.json").read_text())
    second = embed(run, data, tmp_path / "vectors.parquet")
    assert (first.added, second.added, second.gone) == (toy_runs.ITEMS - 2, 1, 0)
    assert "mueller-0099" in (run / "private" / "items.csv").read_text()


def test_signatures_stay_private_and_tell_replaced_files(data, tmp_path):
    run, out = run_on(data, tmp_path / "run"), tmp_path / "vectors.parquet"
    embed(run, data, out)
    shown = pq.read_table(out)["signature"].to_pylist()
    kept = (run / "private" / "signatures.jsonl").read_text()
    assert all(len(value) == 24 and value in kept for value in shown)
    file = data / "mueller-0003.json"
    content = json.loads(file.read_text())
    file.write_text(json.dumps({**content, "values": content["values"][::-1]}))
    done = embed(run, data, out)
    assert (done.added, done.changed) == (1, 1)
    assert embed(run, data, out).added == 0


def test_an_encoder_without_its_run_keeps_names_beside_the_result(data, tmp_path):
    run = run_on(data, tmp_path / "run")
    shutil.copytree(run / "encoder", tmp_path / "taken")
    embed(tmp_path / "taken", data, tmp_path / "vectors.parquet")
    assert not list((tmp_path / "taken").glob("private*"))
    table = pq.read_table(tmp_path / "vectors.parquet")
    assert not any(name in str(table.to_pylist()) for name in NAMES)
    assert "mueller" in (tmp_path / "vectors.parquet.private" / "items.csv").read_text()


def test_restored_files_are_called_by_pseudonyms(data, tmp_path):
    sections = {
        **PRIVATE,
        "encoder": {"name": "vectors/linear", "width": 4},
        "pretext": {"name": "vectors/denoise"},
    }
    run = pretrain(toy_runs.recipe(sections), data, tmp_path / "run", quiet=True).path
    done = restore(run, data, tmp_path / "out")
    assert done.files == len(list((tmp_path / "out").glob("*.clean.json"))) == toy_runs.ITEMS - 2
    for path, text in texts(tmp_path / "out"):
        assert not [name for name in NAMES if name.encode() in text], path
    assert restore(run, data, tmp_path / "out").added == 0


def test_names_of_any_kind_come_back(tmp_path):
    ids = ["0012", 'a "quoted", name', "two\nlines", "ü", ""]
    items = Items.of({"id": ids, "source": ids, "group": ids[::-1], "size": np.ones(5, int)})
    names = Pseudonyms(tmp_path / "private", None)
    for _ in range(2):
        names.remember(items)
    again = Pseudonyms(tmp_path / "private", None)
    assert again.of("id", ids) == names.of("id", ids) == names.hide(items).table["id"].to_pylist()
    assert names.of("id", ["x"]) != names.of("group", ["x"])
    assert names.hide(items).table["group"].to_pylist()[0] == ""
    again.remember(items.take([1]))
    from unlabeled.privacy import read_names

    assert read_names(tmp_path / "private" / "items.csv")["id"].to_pylist() == ids


def test_a_reader_is_public_unless_it_says_otherwise(vectors):
    from unlabeled_vectors.parts import JsonReader, PrivateReader

    assert not is_private(JsonReader())
    assert is_private(PrivateReader())
