"""One group leaves a run and its tables; what still holds traces of it is said."""

import json

import pyarrow.parquet as pq
import pytest
import toy_runs

from unlabeled.errors import DataError, RunError
from unlabeled.inference.embed import embed
from unlabeled.inference.forget import forget
from unlabeled.privacy import read_names
from unlabeled.recipe import merge
from unlabeled.run_folder import JsonLines, RunFolder
from unlabeled.training.pretrain import pretrain

PRIVATE = merge(toy_runs.MEMORY, {"reader": {"name": "vectors/private"}})


@pytest.fixture
def data(vectors, tmp_path):
    """Items in groups `mueller site 0`, …; one of them cannot be read."""
    folder = toy_runs.write_data(tmp_path / "data")
    for path in sorted(folder.glob("*.json")):
        content = json.loads(path.read_text())
        path.write_text(json.dumps({**content, "group": f"mueller {content['group']}"}))
    (folder / "0008.json").write_text("no json")
    return folder


def trained(data, out, recipe=PRIVATE):
    return pretrain(toy_runs.recipe(recipe, epochs=1), data, out, quiet=True).path


def people(run):
    return read_names(run / "private" / "items.csv").to_pylist()


@pytest.mark.parametrize("by", ["group", "group_pseudonym"])
def test_a_private_run_forgets_by_name_or_pseudonym(data, tmp_path, by):
    run = trained(data, tmp_path / "run")
    table = run / "vectors.parquet"
    embed(run, data, table)
    before = people(run)
    [person, *_] = before
    own = [row for row in before if row["group"] == person["group"]]
    lines = len(list(JsonLines(run / "private" / "signatures.jsonl").rows()))
    done = forget(run, person[by])
    assert done.removed["private/items.csv"] == len(own)
    assert done.removed["private/trained_on.jsonl"] == len(own)
    assert done.removed["vectors.parquet"] == len(own)
    assert done.removed["private/signatures.jsonl"] == len(own)
    assert len(list(JsonLines(run / "private" / "signatures.jsonl").rows())) == lines - len(own)
    assert people(run) == [row for row in before if row not in own]
    left = pq.read_table(table)
    assert not {row["pseudonym"] for row in own} & set(left["id"].to_pylist())
    assert len(left) == len(before) - len(own)
    assert any("weights" in line for line in done.remains)
    assert (run / "private" / "items.csv").stat().st_mode & 0o777 == 0o600
    for file in (run / "private").iterdir():
        if file.name != "salt":
            assert person["group"] not in file.read_text()
    with pytest.raises(DataError, match="holds nothing of a group"):
        forget(run, person[by])


@pytest.mark.parametrize("by", ["group", "group_pseudonym"])
def test_a_table_forgets_rows_and_keeps_what_made_it(data, tmp_path, by):
    run, table = trained(data, tmp_path / "run"), tmp_path / "vectors.parquet"
    embed(run, data, table)
    before, [person, *_] = pq.read_table(table), people(run)
    done = forget(table, person[by])
    after = pq.read_table(table)
    kept = [row for row in before.to_pylist() if row["group"] != person["group_pseudonym"]]
    assert after.to_pylist() == kept
    assert after.schema.metadata == before.schema.metadata
    assert done.removed["vectors.parquet"] == len(before) - len(kept) > 0
    assert any(line.startswith("the run: unlabeled forget") for line in done.remains)
    assert any(row["group"] == person["group"] for row in people(run))
    for row in people(run):  # a second call of embed makes the rows again: nothing else is redone
        assert row["pseudonym"]
    assert embed(run, data, table).added == len(before) - len(kept)


def test_a_public_run_forgets_items_and_labels(data, tmp_path):
    run = trained(data, tmp_path / "run", toy_runs.MEMORY)
    rows = list(JsonLines(run / "trained_on.jsonl").rows())
    group = rows[0]["group"]
    seen = {"format": 1, "target": "kind", "groups": [group, "another"], "contents": []}
    (run / "labelled.json").write_text(json.dumps(seen))
    done = forget(run, group)
    own = sum(row["group"] == group for row in rows)
    assert done.removed == {"trained_on.jsonl": own, "labelled.json": 1}
    assert json.loads((run / "labelled.json").read_text())["groups"] == ["another"]
    assert RunFolder(run).read().status == "finished"


def test_files_that_name_the_group_still_are_named(data, tmp_path):
    run = trained(data, tmp_path / "run")
    [person, *_] = people(run)
    (run / "report.html").write_text(f"<p>{person['group']}</p>")
    done = forget(run, person["group"])
    assert f"{run / 'report.html'}: names the group or an item of it" in done.remains


def test_an_unknown_group_changes_nothing(data, tmp_path):
    run, table = trained(data, tmp_path / "run"), tmp_path / "vectors.parquet"
    embed(run, data, table)
    files = [file for file in run.rglob("*") if file.is_file() and file.name != ".lock"]
    before = {file: file.read_bytes() for file in [*files, table]}
    for path in (run, table):
        with pytest.raises(DataError, match="holds nothing of a group 'muller'"):
            forget(path, "muller")
    assert {file: file.read_bytes() for file in before} == before


def test_a_folder_or_file_that_is_neither_is_named(tmp_path):
    with pytest.raises(RunError, match="expected the folder of a run"):
        forget(tmp_path, "anybody")
    (tmp_path / "x.csv").write_text("id\n")
    with pytest.raises(DataError, match="a Parquet file that `unlabeled embed` wrote"):
        forget(tmp_path / "x.csv", "anybody")
