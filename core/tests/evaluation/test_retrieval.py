import json

import numpy as np
import pytest
import torch

from unlabeled.errors import DataError, UsageError
from unlabeled.evaluation.evaluate import evaluate
from unlabeled.evaluation.settings import EvaluationSettings
from unlabeled.export.encoder import load_encoder, load_reader

FEW = EvaluationSettings(
    random_encoders=2, baselines=("vectors/mean",), assess={"name": "retrieval", "nearest": (1, 3)}
)


@pytest.fixture
def data(vectors, tmp_path):
    from unlabeled_vectors.parts import write

    write(tmp_path / "data", count=24, seed=0)
    return tmp_path / "data"


@pytest.fixture
def run(vectors, save_mixer):
    from unlabeled_vectors.parts import Mixer, MixerSettings

    torch.manual_seed(0)
    return save_mixer(Mixer(MixerSettings(width=6)))


def embedded(run, data):
    """Unit vectors, labels and groups, one item after the other."""
    encoder, reader = load_encoder(run), load_reader(run)
    items = reader.index(data)
    with torch.inference_mode():
        rows = [encoder(encoder.collate([reader.read(item)]))[0].numpy() for item in items]
    x = np.array(rows, np.float64)
    kinds = dict(line.split(",")[:2] for line in (data / "labels.csv").read_text().splitlines())
    return (
        x / np.linalg.norm(x, axis=1, keepdims=True),
        np.array([kinds[item.id] for item in items]),
        np.array([item.group for item in items]),
    )


def scores_by_hand(x, kinds, groups):
    precision, reciprocal, recall = [], [], {1: [], 3: []}
    for q in range(len(x)):
        others = [g for g in np.argsort(-(x @ x[q])) if groups[g] != groups[q]]
        ranks = [n for n, g in enumerate(others, 1) if kinds[g] == kinds[q]]
        precision.append(np.mean([n / place for n, place in enumerate(ranks, 1)]))
        reciprocal.append(1 / ranks[0])
        for k, found in recall.items():
            found.append(ranks[0] <= k)
    return [np.mean(precision), np.mean(reciprocal), *(np.mean(each) for each in recall.values())]


def test_items_of_a_label_are_found_in_other_groups(run, data):
    table = data / "labels.csv"
    found = evaluate(run, data, table, target=["kind"], settings=FEW)
    tables = (found.headline, *found.further)
    assert [(t.metric, dict(t.at)) for t in tables] == [
        ("mAP", {}),
        ("MRR", {}),
        ("recall", {"nearest": 1}),
        ("recall", {"nearest": 3}),
    ]
    expected = scores_by_hand(*embedded(run, data))
    np.testing.assert_allclose([t.rows[0].score for t in tables], expected, atol=1e-6)
    assert {row.kind for row in found.rows} == {"pretrained", "random", "baseline"}
    assert all(row.interval for row in found.rows)
    assert found.about == {"gallery": "24 items, without the query's group"}


def test_a_group_as_target_leaves_out_the_query_alone(run, data):
    x, _, groups = embedded(run, data)
    items = load_reader(run).index(data)
    rows = [f"{item.id},{item.group}" for item in items]
    (data / "groups.csv").write_text("\n".join(["item,place", *rows]) + "\n")
    with pytest.raises(DataError, match=r"assess\.leave_out item"):
        evaluate(run, data, data / "groups.csv", settings=FEW)
    alone = FEW.model_copy(update={"assess": {"name": "retrieval", "leave_out": "item"}})
    found = evaluate(run, data, data / "groups.csv", settings=alone)
    expected = scores_by_hand(x, groups, np.arange(len(x)))
    assert found.rows[0].score == pytest.approx(expected[0], abs=1e-6)
    assert found.groups == len(set(groups))


def test_several_labels_of_an_item_and_none_are_taken_as_they_are(run, data):
    names = [item.id for item in load_reader(run).index(data)]
    rows = [f"{name},{'abc'[n % 3]}" for n, name in enumerate(names[:-2])]
    rows += [f"{names[0]},z", f"{names[-2]},", f"{names[-1]},z"]
    (data / "several.csv").write_text("\n".join(["item,sound", *rows]) + "\n")
    found = evaluate(run, data, data / "several.csv", settings=FEW)
    assert found.items == 23
    assert any("1 of 24 items have no value of sound" in note for note in found.notes)


def test_what_nobody_shares_is_refused(run, data):
    names = [item.id for item in load_reader(run).index(data)]
    rows = "\n".join(f"{name},n{n},x" for n, name in enumerate(names))
    (data / "own.csv").write_text(f"item,name,other\n{rows}\n")
    with pytest.raises(DataError, match="another one for each of 24"):
        evaluate(run, data, data / "own.csv", target=["name"], settings=FEW)
    with pytest.raises(UsageError, match="retrieval takes one"):
        evaluate(run, data, data / "own.csv", target=["name", "other"], settings=FEW)


def test_the_result_is_written(run, data):
    (run / "manifest.json").write_text("{}")
    evaluate(run, data, data / "labels.csv", target=["kind"], settings=FEW)
    written = json.loads((run / "evaluation" / "labels-retrieval.json").read_text())
    assert written["assessment"]["leave_out"] == "group"
