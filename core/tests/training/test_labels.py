"""Labels in training, and that nothing which was learned by heart is ever tested."""

import csv
import json
import random
import shutil

import pytest
import toy_runs

from unlabeled.errors import DataError, RecipeError, RunError
from unlabeled.evaluation.evaluate import evaluate
from unlabeled.evaluation.settings import EvaluationSettings
from unlabeled.labelled import Labelled, read
from unlabeled.recipe import read_recipe
from unlabeled.run_folder import RunFolder
from unlabeled.training.pretrain import pretrain, resume

FEW = EvaluationSettings(random_encoders=1)


@pytest.fixture
def data(vectors, tmp_path):
    """60 items in ten groups, with labels drawn by lot."""
    path = toy_runs.write_data(tmp_path / "data", 60)
    draw = random.Random(0)
    write_labels(path / "labels.csv", [draw.choice(["heads", "tails"]) for _ in range(60)])
    return path


def write_labels(path, values, numbers=None):
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["item", "kind"])
        writer.writerows([f"{n:04}.json", values[n]] for n in numbers or range(len(values)))


def values_in(path):
    return [row["kind"] for row in csv.DictReader(path.open())]


def recipe(table, **sections):
    return read_recipe(
        "toy",
        {
            "reader": {"name": "vectors/json"},
            "encoder": {"name": "vectors/mixer"},
            "pretext": {"name": "vectors/classify"},
            "training": {"batch_size": 15, "steps": 8, "health_every": 0},
            "labels": {"table": str(table), "target": "kind"},
            **sections,
        },
    )


def few(data, groups=3):
    """Labels of the first groups only."""
    table = data.parent / "few.csv"
    chosen = [n for n in range(60) if n % 10 < groups]
    write_labels(table, values_in(data / "labels.csv"), chosen)
    return table


def test_coin_tosses_seen_in_training_give_no_win(data, tmp_path):
    run = pretrain(recipe(data / "labels.csv"), data, tmp_path / "run", quiet=True).path
    with pytest.raises(DataError, match=r"had labels in training \(60 items of 10 groups\)"):
        evaluate(run, data, data / "labels.csv", target=["kind"], settings=FEW)


def test_other_groups_are_tested_and_the_labelled_ones_counted(data, tmp_path):
    run = pretrain(recipe(few(data)), data, tmp_path / "run", quiet=True).path
    found = evaluate(run, data, data / "labels.csv", target=["kind"], settings=FEW)
    assert (found.items, found.groups) == (42, 7)
    assert (found.labelled_in_training, found.labelled_groups_in_training) == (18, 3)
    said = "18 items of 3 groups had labels in training and are not tested"
    assert said in found.account()
    assert not any("had labels in training" in note for note in found.notes)
    [saved] = (run / "evaluation").glob("*.json")
    assert json.loads(saved.read_text())["labelled_in_training"] == 18


def test_a_labelled_item_takes_its_whole_group_out(data, tmp_path):
    table = tmp_path / "two.csv"
    write_labels(table, ["a", "b"])
    run = pretrain(recipe(table), data, tmp_path / "run", quiet=True).path
    found = evaluate(run, data, data / "labels.csv", target=["kind"], settings=FEW)
    assert found.groups == 8


def test_a_renamed_copy_is_known_by_its_content(data, tmp_path):
    run = pretrain(recipe(few(data)), data, tmp_path / "run", quiet=True).path
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    rows = []
    for number, kind in enumerate(values_in(data / "labels.csv")):
        shutil.copy(data / f"{number:04}.json", elsewhere / f"copy{number}.json")
        rows.append([f"copy{number}.json", kind, f"new{number % 10}"])
    with (elsewhere / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["item", "kind", "group"], *rows])
    labelled = json.loads(RunFolder(run).labelled.read_text())
    RunFolder(run).labelled.write_text(json.dumps({**labelled, "groups": []}))
    found = evaluate(run, elsewhere, elsewhere / "labels.csv", target=["kind"], settings=FEW)
    assert found.groups == 7


def test_the_record_says_groups_and_contents(data, tmp_path):
    run = pretrain(recipe(few(data)), data, tmp_path / "run", quiet=True).path
    seen = read(RunFolder(run))
    assert {"g0", "g1", "g2", "item 0000.json"} <= seen.groups
    assert not seen.groups & {"g3", "item 0003.json"}
    assert len(seen.contents) == 18


def test_a_run_without_labels_has_seen_none(data, tmp_path):
    run = pretrain(toy_runs.recipe(steps=2), data, tmp_path / "run", quiet=True).path
    assert read(RunFolder(run)) == Labelled()
    found = evaluate(run, data, data / "labels.csv", target=["kind"], settings=FEW)
    assert (found.items, found.labelled_in_training) == (60, 0)
    assert not any("had labels in training" in line for line in found.account())


def test_the_number_of_classes_is_a_fact(data, tmp_path):
    run = pretrain(recipe(data / "labels.csv"), data, tmp_path / "run", quiet=True)
    assert run.manifest.method["pretext"]["classes"] == 2


def test_private_names_stay_in_the_private_folder(data, tmp_path):
    private = recipe(few(data), reader={"name": "vectors/private"})
    run = pretrain(private, data, tmp_path / "run", quiet=True).path
    assert RunFolder(run).labelled.parent.name == "private"
    assert not (run / "labelled.json").exists()
    found = evaluate(run, data, data / "labels.csv", target=["kind"], settings=FEW)
    assert found.groups == 7


def test_an_encoder_taken_out_of_its_run_knows_what_had_labels(data, tmp_path):
    run = pretrain(recipe(few(data)), data, tmp_path / "run", quiet=True).path
    alone = shutil.copytree(run / "encoder", tmp_path / "alone")
    found = evaluate(alone, data, data / "labels.csv", target=["kind"], settings=FEW)
    assert (found.items, found.groups) == (42, 7)


def test_a_private_encoder_taken_out_of_its_run_is_not_evaluated(data, tmp_path):
    private = recipe(few(data), reader={"name": "vectors/private"})
    run = pretrain(private, data, tmp_path / "run", quiet=True).path
    alone = shutil.copytree(run / "encoder", tmp_path / "alone")
    text = (alone / "config.json").read_text()
    assert "g0" not in text
    assert "0000.json" not in text
    with pytest.raises(RunError, match="Evaluate the run"):
        evaluate(alone, data, data / "labels.csv", target=["kind"], settings=FEW)


@pytest.mark.parametrize("reader", ["vectors/json", "vectors/private"])
def test_a_run_goes_on_from_another_folder(data, tmp_path, monkeypatch, reader):
    monkeypatch.chdir(few(data).parent)
    run = pretrain(recipe("few.csv", reader={"name": reader}), data, "run", quiet=True).path
    there = run.resolve()
    assert ("few.csv" in (there / "recipe.yaml").read_text()) == (reader == "vectors/json")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert resume(there, quiet=True).manifest.status == "finished"


def test_another_table_is_another_run(data, tmp_path):
    private = {"name": "vectors/private"}
    run = pretrain(recipe(few(data), reader=private), data, tmp_path / "run", quiet=True).path
    other = shutil.copy(tmp_path / "few.csv", tmp_path / "other.csv")
    with pytest.raises(RunError, match=r"labels\.table"):
        pretrain(recipe(other, reader=private), data, run, quiet=True)


def test_a_table_that_fits_nothing_is_refused(data, tmp_path):
    table = tmp_path / "other.csv"
    table.write_text("item,kind\nx.json,a\ny.json,b\n")
    with pytest.raises(DataError, match="none of 2 rows belongs to one of 60 items"):
        pretrain(recipe(table), data, tmp_path / "run", quiet=True)


def test_a_method_that_learns_from_no_labels_refuses_them(vectors):
    with pytest.raises(RecipeError, match="learns from no labels"):
        recipe("labels.csv", pretext={"name": "vectors/memory"})


def test_a_recipe_with_labels_is_the_same_when_read_again(vectors):
    one = recipe("labels.csv")
    assert read_recipe("toy", one.to_dict()) == one
