"""Runs and checkpoints ranked without labels: equal items, equal columns, and how well it chose."""

import math

import numpy as np
import pytest
import torch
import toy_runs

from unlabeled.data.items import Items
from unlabeled.errors import RunError, UsageError
from unlabeled.evaluation.select import _require_same, select
from unlabeled.export.encoder import load_encoder, load_reader
from unlabeled.health import effective_rank
from unlabeled.inference.embed import embed
from unlabeled.inference.item_vectors import item_vectors
from unlabeled.training.pretrain import pretrain


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("select")


@pytest.fixture
def data(vectors, folder):
    path = folder / "data"
    return path if path.exists() else toy_runs.write_data(path)


@pytest.fixture
def runs(data, folder):
    """Of one recipe, one with two checkpoints; and a wider one."""
    made = folder / "short", folder / "wide"
    if not made[0].exists():
        keep = {"every_steps": 2, "keep": 9}
        one = toy_runs.recipe(toy_runs.MEMORY, steps=4, health_every=0, checkpoint=keep)
        pretrain(one, data, made[0], quiet=True)
        wide = {**toy_runs.MEMORY, "encoder": {"name": "vectors/mixer", "width": 24}}
        pretrain(toy_runs.recipe(wide, steps=2, health_every=0), data, made[1], quiet=True)
    return made


def test_every_checkpoint_is_a_candidate_and_the_best_rank_comes_first(runs, data):
    found = select(runs, data)
    assert {(each.run, each.step) for each in found.candidates} == {
        (str(runs[0]), 2),
        (str(runs[0]), None),
        (str(runs[1]), None),
    }
    ranks = [each.rank_me for each in found.candidates]
    assert ranks == sorted(ranks, reverse=True)
    assert found.best == found.candidates[0]
    assert (found.metric, found.lost, found.correlations) == ("", None, {})


def test_rank_is_that_of_the_embeddings_cut_to_the_narrowest(runs, data, tmp_path):
    found = {each.run: each for each in select(runs, data).candidates if each.step is None}
    narrow, wide = (load_encoder(run).outputs[0].width for run in runs)
    assert narrow < wide
    embed(runs[1], data, tmp_path / "wide.parquet")
    values = item_vectors(tmp_path / "wide.parquet").values.astype(float)
    singular = np.linalg.svd(values, compute_uv=False)[:narrow]
    p = singular / singular.sum() + 1e-7
    expected = math.exp(-(p * np.log(p)).sum())
    assert found[str(runs[1])].rank_me == pytest.approx(expected, rel=1e-4)
    embed(runs[0], data, tmp_path / "short.parquet")
    whole = effective_rank(torch.from_numpy(item_vectors(tmp_path / "short.parquet").values))
    assert found[str(runs[0])].rank_me == pytest.approx(whole, rel=1e-4)


def test_the_same_items_are_embedded_by_all_and_said(runs, data):
    found = select(runs, data, count=12)
    assert found.items == 12
    assert any("Widths differ" in note for note in found.notes)
    assert select(runs, data, count=12) == found


def test_with_labels_the_choice_is_priced(runs, data):
    labels = data / "labels.csv"
    items = load_reader(runs[0]).index(data).table["id"].to_pylist()
    rows = [f"{name},{number % 7}" for number, name in enumerate(items)]
    labels.write_text("item,strength\n" + "\n".join(rows) + "\n")
    found = select(runs, data, labels, target=["strength"])
    scores = [each.score for each in found.candidates]
    assert found.lost == pytest.approx(max(scores) - scores[0])
    assert "rank_me" in found.correlations


def test_what_is_no_run_is_refused(tmp_path, data, runs):
    with pytest.raises(RunError, match="expected a run"):
        select([tmp_path], data)
    first = Items.of({"id": ["a"], "source": ["x"], "size": [1], "signature": [""]})
    with pytest.raises(UsageError, match="other items"):
        _require_same(["a", "b"], first, runs[0])
