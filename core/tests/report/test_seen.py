import csv
import json

import pytest
import toy_runs
from reported import HOSTILE, Checked, read
from toy_runs import recipe

from unlabeled.evaluation.evaluate import evaluate
from unlabeled.evaluation.settings import EvaluationSettings
from unlabeled.recipe import merge
from unlabeled.report import seen as module
from unlabeled.report.page import page, report
from unlabeled.report.seen import look
from unlabeled.run_folder import RunFolder
from unlabeled.training.pretrain import pretrain

SHOWN = merge(toy_runs.BARLOW, {"reader": {"name": "vectors/shown"}})
PRIVATE = merge(toy_runs.MEMORY, {"reader": {"name": "vectors/private_shown"}})


@pytest.fixture
def data(vectors, tmp_path):
    return toy_runs.write_data(tmp_path / "data")


def trained(sections, data):
    return pretrain(recipe(sections, steps=3), data, data.parent / "run", quiet=True).path


def labels(data, path):
    names = [file.name for file in sorted(data.glob("*.json"))]
    rows = [[name, HOSTILE if n % 2 else "other"] for n, name in enumerate(names)]
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["item", "kind"], *rows])
    return path


def test_a_map_neighbours_and_pictures_of_the_items(data, tmp_path):
    run = trained(SHOWN, data)
    path = report(run, data, labels(data, tmp_path / "labels.csv"))
    text = path.read_text()
    page = Checked(text)
    for expected in (
        "Map of the embeddings, coloured by kind",
        "Nearest neighbours",
        "View 1, as the method sees it",
        "View 2, as the method sees it",
        "What can be predicted from the embedding",
        "kind (label)",
        HOSTILE,
    ):
        assert expected in page.text
    assert HOSTILE not in text
    assert "<script>alert" not in text
    assert str(tmp_path) not in text
    assert len(text) < 3e6
    found = json.loads(text.split('id="map-data">')[1].split("</script>")[0])
    assert set(found["layouts"]) == {"t-SNE", "PCA"}
    assert found["columns"][0]["values"][:2] == ["other", HOSTILE]
    assert len(found["names"]) == toy_runs.ITEMS


def test_people_have_no_pictures_names_or_ids_unless_asked(data, tmp_path):
    run = trained(PRIVATE, data)
    ids = [file.name for file in data.glob("*.json")]
    hidden = report(run, data).read_text()
    words = Checked(hidden).text
    assert "no pictures, names or ids" in words
    assert "group 1" in hidden
    assert "<image" not in hidden
    assert not [name for name in ids if name in hidden]
    groups = {json.loads(file.read_text())["group"] for file in data.glob("*.json")}
    assert not [group for group in groups if f'"{group}"' in hidden]
    shown = report(run, data, show_private=True).read_text()
    assert "do not pass it on" in Checked(shown).text
    assert ids[0] in shown
    assert "<image" in shown


def test_the_worst_items_of_people_have_names_and_pictures_only_where_asked(data, tmp_path):
    run = trained(PRIVATE, data)
    table = labels(data, tmp_path / "labels.csv")
    evaluate(run, data, table, settings=EvaluationSettings(random_encoders=2))
    assert "Worst items are not named" in report(run, data).read_text()
    assert "Worst items are not named" in report(run).read_text()
    text = report(run, data, show_private=True).read_text()
    tiles = text.split("Worst items")[1].split("</article>")[0]
    assert tiles.count(".json</b>") == tiles.count("<use ") == 12


def test_an_unfinished_run_is_shown_by_its_last_checkpoint(data):
    import shutil

    run = trained(SHOWN, data)
    shutil.rmtree(run / "encoder")
    RunFolder(run).update(status="stopped", total_steps=12)
    found = look(read(RunFolder(run)), data)
    assert len(found.embedded) == toy_runs.ITEMS
    assert any("after step 3 of 12" in note for note in found.notes)


def test_without_an_encoder_there_are_pictures_and_no_map(data):
    import shutil

    run = trained(SHOWN, data)
    for folder in ("encoder", "checkpoints"):
        shutil.rmtree(run / folder)
    found = look(read(RunFolder(run)), data)
    assert (len(found.embedded), found.near) == (0, ())
    assert found.gallery.pictures
    assert "Map of" not in page(read(RunFolder(run)), found)


def test_items_that_cannot_be_read_are_counted_and_named(data, monkeypatch):
    run = trained(SHOWN, data)
    first = min(data.glob("*.json"))
    content = json.loads(first.read_text())
    first.write_text(json.dumps({**content, "values": []}))
    found = look(read(RunFolder(run)), data)
    assert len(found.embedded) == toy_runs.ITEMS - 1
    assert "1 item cannot be embedded; the first: " in found.notes[0]
    monkeypatch.setattr(module, "MOST", 10)
    assert "10 of 30 items, evenly spread over the data." in look(read(RunFolder(run)), data).notes


def test_a_reader_without_pictures_says_so(data):
    run = trained(toy_runs.MEMORY, data)
    assert "vectors/json shows no pictures of its items." in look(read(RunFolder(run)), data).notes


def test_items_with_a_label_are_taken_first(data, tmp_path):
    run = trained(SHOWN, data)
    table = labels(data, tmp_path / "labels.csv")
    table.write_text("\n".join(table.read_text().splitlines()[:21]) + "\n")
    found = look(read(RunFolder(run)), data, table)
    assert len(found.names) == 20
    assert "20 of 30 items, with a label." in found.notes
    assert found.columns[0].codes.min() == 0
