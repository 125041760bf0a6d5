"""Probing nodes and stretches: each label meets the embedding of its own part."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from unlabeled.contract import Piece
from unlabeled.errors import DataError, UsageError
from unlabeled.evaluation.evaluate import evaluate
from unlabeled.evaluation.segments import NodeParts, Stretches
from unlabeled.evaluation.settings import EvaluationSettings
from unlabeled.inference.embed import embed

ONE = EvaluationSettings(random_encoders=1, baselines=("vectors/mean", "vectors/points"))


def test_nodes_are_found_by_their_number_in_any_order():
    piece = Piece(np.eye(3), node=np.array([7, 2, 5]))
    parts = NodeParts(np.array([9, 2, 5, 7]))
    assert parts.of(piece, slice(1, 4), "a").argmax(1).tolist() == [1, 2, 0]
    with pytest.raises(DataError, match=r"node 9 of 'a', whose 3 nodes are numbered from 2 to 7"):
        parts.of(piece, slice(0, 1), "a")


def test_a_stretch_is_the_mean_of_its_tokens_or_the_nearest_one():
    piece = Piece(np.arange(4.0)[:, None], position=np.array([[0.0], [1.0], [2.0], [3.0]]))
    parts = Stretches(np.array([[0.0, 2.0], [1.5, 9.0], [1.1, 1.2]]))
    assert parts.of(piece, slice(0, 3), "a").tolist() == [[0.5], [2.5], [1.0]]
    beyond = Stretches(np.array([[4.5, 9.0]]))
    with pytest.raises(DataError, match=r"'a': .* tokens lie from 0 to 3, found one from 4.5 to 9"):
        beyond.of(piece, slice(0, 1), "a")
    with pytest.raises(DataError, match="'a': `start` and `end` need tokens along one axis"):
        parts.of(Piece(np.eye(2), position=np.zeros((2, 2))), slice(0, 1), "a")


@pytest.fixture
def run(save_mixer):
    from unlabeled_vectors.parts import Mixer, MixerSettings

    torch.manual_seed(0)
    return save_mixer(Mixer(MixerSettings(width=6)), batch_size=4)


@pytest.fixture
def network(vectors, tmp_path):
    """One item of 90 nodes, its labels: whether the first two entries of a node agree."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(90, 4))
    content = {"group": "all", "site": "one", "length": 90, "values": values.tolist()}
    folder = tmp_path / "network"
    folder.mkdir()
    (folder / "net.json").write_text(json.dumps(content))
    split = ["train"] * 40 + ["val"] * 10 + ["test"] * 40
    rows = [f"net.json#{k},{int(values[k, 0] > 0)},{split[k]}" for k in rng.permutation(90)]
    (folder / "nodes.csv").write_text("\n".join(["item,kind,split", *rows]))
    return folder


def test_nodes_of_one_network_are_probed_by_their_split(run, network):
    found = evaluate(run, network, network / "nodes.csv", settings=ONE)
    assert (found.output, found.unit, found.items, found.groups) == ("points", "nodes", 40, 40)
    assert found.about["splits"] == "the split of the labels: 40 nodes train, 40 test"
    assert [row.name for row in found.rows][2:] == ["vectors/points"]
    assert found.rows[2].width == 4
    assert found.rows[2].score > 0.9  # the label is the sign of an entry
    assert "vectors/mean: no description of nodes, left out." in found.notes
    assert any("each of its nodes counts as its own group" in note for note in found.notes)


def test_each_node_meets_its_own_label(run, network, tmp_path):
    """The first entry of every node's embedding, given as its label, is predicted exactly."""
    embed(run, network, tmp_path / "points.parquet", output="points")
    table = pq.read_table(tmp_path / "points.parquet")
    first = [vector[0] for vector in table["vector"].to_pylist()]
    rows = [f"net.json#{n},{y:.9g}" for n, y in zip(table["node"].to_pylist(), first, strict=True)]
    (tmp_path / "exact.csv").write_text("\n".join(["item,y", *reversed(rows)]))
    settings = EvaluationSettings(random_encoders=1)
    found = evaluate(run, network, tmp_path / "exact.csv", settings=settings)
    assert found.rows[0].score > 0.999


def test_stretches_are_probed_by_their_tokens(run, vectors, tmp_path):
    from unlabeled_vectors.parts import write

    write(tmp_path / "data", count=20, seed=0)
    rows = [
        f"{number:04}.json,{start},{start + 0.6},{(number * 7 + place) % 5 / 3}"
        for number in range(20)
        for place, start in enumerate((0.0, 0.6))
    ]
    (tmp_path / "times.csv").write_text("\n".join(["item,start,end,y", *rows]))
    found = evaluate(run, tmp_path / "data", tmp_path / "times.csv", settings=ONE)
    assert (found.output, found.unit, found.items, found.groups) == ("steps", "stretches", 40, 10)
    assert "vectors/mean, vectors/points: no description of stretches, left out." in found.notes


def test_an_output_of_another_kind_is_refused(run, network):
    settings = EvaluationSettings(random_encoders=1, output="pooled")
    with pytest.raises(UsageError, match=r"no output 'pooled' of kind nodes.*points \(nodes\)"):
        evaluate(run, network, network / "nodes.csv", settings=settings)


def test_features_of_nodes_are_averaged_for_whole_items(run, vectors, tmp_path):
    from unlabeled_vectors.parts import write

    write(tmp_path / "data", count=20, seed=0)
    labels = tmp_path / "data" / "labels.csv"
    found = evaluate(run, tmp_path / "data", labels, target=["strength"], settings=ONE)
    mean, points = found.rows[2:]
    assert points.score == pytest.approx(mean.score)
