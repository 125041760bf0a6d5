"""Methods of many kinds fit the contract: an outsider's plugin, installed by pip, with labels,
teachers, second networks, inner steps, rankings, letters, absent inputs and reference models."""

from __future__ import annotations

import csv
import random

import pytest
import torch
from lab_plugin import installed

from unlabeled import discovery, load_encoder, load_method
from unlabeled.conformance import checks_for
from unlabeled.conformance.fixture import some_labels
from unlabeled.errors import DataError
from unlabeled.evaluation.evaluate import evaluate
from unlabeled.evaluation.settings import EvaluationSettings
from unlabeled.recipe import load_recipe
from unlabeled.training.pretrain import pretrain

FEW = EvaluationSettings(random_encoders=2)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    with installed(tmp_path_factory.mktemp("lab")):
        [found] = [each for each in discovery.discover() if each.modality == "lab"]
        assert found.healthy, found.problem
        yield found.plugin


def test_every_method_keeps_the_contract(lab):
    failures = []
    for check in checks_for(lab):
        try:
            check.expected_failure or check.run()
        except Exception as error:
            failures.append(f"{check.name}: {type(error).__name__}: {error}")
    assert not failures, "\n".join(failures)


def write(lab, folder, reader, count):
    folder.mkdir()
    discovery.resolve(lab.synthetic[reader].target)(folder, count=count, seed=0)
    return folder


def trained(recipe, data, out, steps, **sections):
    training = {"steps": steps, "workers": 0, "health_every": 0}
    loaded = load_recipe(f"lab/{recipe}", {"training": training, **sections})
    return pretrain(loaded, data, out, quiet=True).path


def told(table):
    return {"labels": {"table": str(table), "target": "label"}}


def test_few_labels_help_on_groups_that_had_none(lab, tmp_path):
    data = write(lab, tmp_path / "data", "spots", 160)
    table = some_labels(data, tmp_path / "few.csv")
    run = trained("mean_teacher", data, tmp_path / "run", 80, **told(table))
    found = evaluate(run, data, data / "labels.csv", target=["label"], settings=FEW)
    assert (found.items, found.groups) == (80, 40)
    rows = {row.kind: row.score for row in found.rows}
    assert rows["pretrained"] > rows["random"] + 0.1
    assert found.outcome == "win"


def test_labels_by_lot_never_win(lab, tmp_path):
    data, lot = write(lab, tmp_path / "data", "spots", 120), random.Random(3)
    with (data / "labels.csv").open(newline="") as file:
        rows = [{**row, "label": lot.choice("abcd")} for row in csv.DictReader(file)]
    with (data / "labels.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    every = trained("joint_labels", data, tmp_path / "all", 60, **told(data / "labels.csv"))
    with pytest.raises(DataError, match="had labels in training"):
        evaluate(every, data, data / "labels.csv", target=["label"], settings=FEW)
    table = some_labels(data, tmp_path / "few.csv")
    half = trained("joint_labels", data, tmp_path / "half", 60, **told(table))
    found = evaluate(half, data, data / "labels.csv", target=["label"], settings=FEW)
    assert found.groups == 30
    assert found.outcome != "win"


def test_several_labels_of_an_image_are_learned_together(lab, tmp_path):
    data = write(lab, tmp_path / "data", "scenes", 160)
    table = some_labels(data, tmp_path / "few.csv")
    run = trained("several_spots", data, tmp_path / "run", 150, **told(table))
    method = load_method(run)
    assert method.settings.class_names == ("left", "lower", "right", "upper")
    found = evaluate(run, data, data / "labels.csv", target=["label"], settings=FEW)
    assert (found.metric, found.items, found.groups) == ("roc_auc", 80, 40)
    assert found.outcome == "win"


def test_a_method_for_one_class_refuses_several_of_an_item(lab, tmp_path):
    data = write(lab, tmp_path / "data", "scenes", 16)
    with pytest.raises(
        DataError, match="learns from one class or a number of an item, found several"
    ):
        trained("joint_labels", data, tmp_path / "run", 2, **told(data / "labels.csv"))


def test_a_run_hands_over_its_teacher(lab, tmp_path):
    data = write(lab, tmp_path / "data", "spots", 32)
    run = trained("mean_teacher", data, tmp_path / "run", 4, **told(data / "labels.csv"))
    method, encoder = load_method(run), load_encoder(run)
    for name, value in encoder.state_dict().items():
        assert torch.equal(value, method.slow[0].state_dict()[name])
        assert not torch.equal(value, method.encoder.state_dict()[name])


def test_residues_are_labelled_one_by_one(lab, tmp_path):
    data = write(lab, tmp_path / "data", "proteins", 40)
    run = trained("hidden_words", data, tmp_path / "run", 10)
    settings = EvaluationSettings(random_encoders=1, output="letters")
    found = evaluate(run, data, data / "residues.csv", target=["kind"], settings=settings)
    assert found.unit == "stretches"
    assert found.groups == 20


def test_items_without_an_image_are_left_out(lab, tmp_path):
    data = write(lab, tmp_path / "data", "reports", 60)
    run = trained("cross_modal", data, tmp_path / "run", 10)
    settings = EvaluationSettings(random_encoders=1, output="image")
    found = evaluate(run, data, data / "labels.csv", target=["label"], settings=settings)
    assert any("lack what 'image' is made of" in note for note in found.notes)


def test_a_ranking_is_scored_in_its_own_way(lab, tmp_path):
    data = write(lab, tmp_path / "data", "shop", 8)
    run = trained("light_gcn", data, tmp_path / "run", 60)
    found = evaluate(run, data, assess="lab/ranking", settings=FEW)
    rows = {row.kind: row for row in found.rows}
    assert found.metric == "recall@5"
    assert rows["pretrained"].interval is not None
    assert rows["pretrained"].score > rows["random"].score


def test_residues_are_scored_in_their_own_way(lab, tmp_path):
    data = write(lab, tmp_path / "data", "proteins", 40)
    run = trained("hidden_words", data, tmp_path / "run", 10)
    settings = EvaluationSettings(random_encoders=1, output="letters")
    table = data / "residues.csv"
    found = evaluate(run, data, table, target=["kind"], assess="lab/residues", settings=settings)
    assert (found.metric, found.unit, found.groups) == ("accuracy", "stretches", 10)


def test_preferences_start_from_a_run_that_knows_the_next_word(lab, tmp_path):
    data = write(lab, tmp_path / "data", "proteins", 24)
    first = trained("next_word", data, tmp_path / "first", 5)
    training = {"steps": 2, "workers": 0, "health_every": 0}
    recipe = load_recipe("lab/preference", {"training": training})
    run = pretrain(recipe, data, tmp_path / "run", start_from=first, quiet=True).path
    method, started = load_method(run), load_encoder(first).state_dict()
    for name, value in method.reference[0].state_dict().items():
        assert torch.equal(value, started[name]), name  # the copy was made of the started encoder
    assert not torch.equal(method.encoder.table.weight, started["table.weight"])


def test_masks_teach_where_cells_are(lab, tmp_path):
    """Masks of every other group, by windows and under turns; Dice on the other groups."""
    data = write(lab, tmp_path / "data", "scans", 48)
    table = some_labels(data, tmp_path / "few.csv")
    labels = {"labels": {"table": str(table), "target": "mask"}}
    run = trained("cells", data, tmp_path / "run", 100, **labels)
    method, reader = load_method(run).eval(), load_recipe("lab/cells").reader.settings
    items = reader.index(data)
    told = {line.partition(",")[0] for line in table.read_text().splitlines()}
    hits = found = there = 0
    for item in items:
        if item.id in told:
            continue
        scan = reader.read(item)
        mask = reader.read_target(item, data / "masks" / item.id, like=scan).classes().ravel() == 1
        pixels = method.encoder.encode(method.encoder.collate([scan]), "pixels").values[0]
        said = method.head(pixels).argmax(-1).numpy() == 1
        hits, found, there = hits + (said & mask).sum(), found + said.sum(), there + mask.sum()
    assert 2 * hits / (found + there) > 0.9
    rows = evaluate(run, data, data / "labels.csv", target=["label"], settings=FEW)
    assert rows.groups == 6  # of 12: those with masks in training are not tested
