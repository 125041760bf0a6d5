"""Planted duplicates are found, neighbours are none, and of alike items one is left."""

import shutil

import numpy as np
import pytest
import torch

from unlabeled.evaluation.duplicates import first_of_each, near_duplicates, trained_on
from unlabeled.run_folder import RunFolder


def drawn(count=300, width=20, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, width)) * np.linspace(0.1, 30, width) + 100


def planted(values, noise=1e-3):
    """Items 10, 20 and 30 once more, at 250, 260 and 270, changed a little."""
    copy, rng = values.copy(), np.random.default_rng(1)
    for of, at in ((10, 250), (20, 260), (30, 270)):
        copy[at] = copy[of] + noise * values.std(0) * rng.normal(size=values.shape[1])
    return copy


def test_planted_pairs_are_found_and_no_others():
    alone = np.arange(300)
    found = near_duplicates([planted(drawn()), planted(drawn(width=8, seed=2))], alone)
    assert found.tolist() == [[10, 250], [20, 260], [30, 270]]


def test_pairs_of_one_group_are_no_leak():
    groups = np.arange(300)
    groups[250] = groups[10]
    assert near_duplicates([planted(drawn())], groups).tolist() == [[20, 260], [30, 270]]


def test_what_one_encoder_does_not_tell_apart_is_no_pair():
    """A narrow encoder puts different items into one place; an untrained one tells them apart."""
    narrow = drawn(width=2, seed=5).round(-1)
    assert len(near_duplicates([narrow], np.arange(300))) > 100
    assert near_duplicates([narrow, drawn()], np.arange(300)).tolist() == []
    assert near_duplicates([drawn(), narrow], np.arange(300)).tolist() == []


def test_an_encoder_that_gives_one_vector_makes_no_pairs():
    assert len(near_duplicates([np.ones((300, 4))], np.arange(300))) == 0


def test_items_that_are_merely_similar_are_none():
    clusters = np.repeat(drawn(30), 10, 0) + 0.3 * drawn(300, seed=3)
    assert len(near_duplicates([clusters], np.arange(300))) == 0


def test_rows_beyond_one_chunk_are_compared_too():
    values = drawn(2500)
    values[2400] = values[3]
    assert near_duplicates([values], np.arange(2500)).tolist() == [[3, 2400]]


def test_one_of_alike_items_is_left():
    pairs = np.array([[1, 3], [3, 5], [0, 7]])
    assert first_of_each(pairs, 8).tolist() == [0, 1, 2, 4, 6]
    assert first_of_each(np.zeros((0, 2), int), 3).tolist() == [0, 1, 2]


@pytest.fixture
def trained(vectors, tmp_path):
    import toy_runs

    from unlabeled.training.pretrain import pretrain

    data = toy_runs.write_data(tmp_path / "data")
    pretrain(toy_runs.recipe(steps=1, health_every=0), data, tmp_path / "run", quiet=True)
    return RunFolder(tmp_path / "run"), data


def test_items_of_pretraining_are_known_under_any_name(trained, tmp_path):
    from unlabeled_vectors.parts import JsonReader, write

    run, data = trained
    other = tmp_path / "other"
    torch.manual_seed(0)
    write(other, count=12, seed=5)
    for number, name in enumerate(sorted(path.name for path in data.glob("0*.json"))[:4]):
        shutil.copy(data / name, other / f"renamed{number}.json")
    items = JsonReader().index(other)
    assert trained_on(run, items, np.arange(len(items))) == 4
    assert trained_on(run, JsonReader().index(data), np.array([0, 0, 1])) == 2
