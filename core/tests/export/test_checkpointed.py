"""A run that was stopped is embedded and evaluated from its last checkpoint."""

import csv
import json
import shutil

import pyarrow.parquet as pq
import pytest
import torch
import toy_runs
from toy_runs import recipe

from unlabeled.errors import RunError
from unlabeled.evaluation.evaluate import evaluate
from unlabeled.evaluation.settings import EvaluationSettings
from unlabeled.export.checkpointed import settled
from unlabeled.export.encoder import load_encoder, read_config, run_of
from unlabeled.inference.embed import embed
from unlabeled.report.page import report
from unlabeled.run_folder import RunFolder
from unlabeled.training.method import load_method
from unlabeled.training.pretrain import pretrain


@pytest.fixture
def run(vectors, tmp_path):
    """Stopped after step 4 of 12."""
    data = toy_runs.write_data(tmp_path / "data")
    path = pretrain(recipe(steps=4), data, tmp_path / "run", quiet=True).path
    shutil.rmtree(path / "encoder")
    RunFolder(path).update(status="stopped", total_steps=12)
    return path


def test_its_encoder_is_that_of_the_last_checkpoint(run, capsys):
    made = settled(run)
    assert made == run / "checkpoint_encoders" / "step-00000004"
    assert "has not finished; this is its encoder after step 4 of 12" in capsys.readouterr().err
    trained = load_method(run).exported.state_dict()
    found = load_encoder(made).state_dict()
    assert all(torch.equal(found[name], trained[name]) for name in trained)
    assert "4 of 12 steps" in (made / "README.md").read_text()
    assert run_of(made).path == run
    assert read_config(made).provenance.batch_size == 7
    assert torch.equal(next(load_method(made).parameters()), next(load_method(run).parameters()))


def test_an_encoder_folder_and_a_finished_run_stay_what_they_are(run):
    made = settled(run)
    assert settled(made) == made
    shutil.copytree(made, run / "encoder")
    assert settled(run) == run


def test_without_a_checkpoint_there_is_nothing_to_take(run):
    shutil.rmtree(run / "checkpoints")
    assert settled(run) == run
    with pytest.raises(RunError, match=r"no encoder yet.*--resume"):
        load_encoder(run)


def test_the_table_of_embeddings_says_what_made_it(run):
    done = embed(run, run.parent / "data", run.parent / "x.parquet")
    assert done.rows == toy_runs.ITEMS
    metadata = pq.read_schema(done.path).metadata
    assert b"after step 4 of 12" in metadata[b"note"]


def test_scores_notes_and_page_say_that_it_has_not_finished(run):
    data = run.parent / "data"
    ids = [f"{path.name}" for path in sorted(data.iterdir())]
    labels = run.parent / "labels.csv"
    with labels.open("w") as file:
        csv.writer(file).writerows([["item", "y"], *([n, k % 2] for k, n in enumerate(ids))])
    settings = EvaluationSettings(random_encoders=2)
    found = evaluate(run, data, labels, settings=settings)
    assert found.rows[0].name == "pretrained, step 4 of 12"
    assert "after step 4 of 12" in found.notes[0]
    file = run / "evaluation" / f"{found.name}.json"
    assert found.name.endswith("-step-4")
    assert json.loads(file.read_text())["rows"][0]["name"] == "pretrained, step 4 of 12"
    text = report(run).read_text()
    assert "Not finished (step 4 of 12)" in text
    assert "pretrained, step 4 of 12" in text
