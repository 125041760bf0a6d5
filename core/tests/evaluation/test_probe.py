"""The probe gives the figures that it gave before it was an assessment like any other."""

import numpy as np
import pytest
import torch

from unlabeled.evaluation.evaluate import evaluate
from unlabeled.evaluation.settings import EvaluationSettings

CASES = {
    "logistic": ({}, ["kind"]),
    "knn": ({"probe": {"name": "knn", "metric": "roc_auc"}, "folds": 3}, ["kind"]),
    "ridge": ({"baselines": ("vectors/mean",)}, ["strength"]),
    "two targets": ({"probe": {"name": "ridge"}}, ["strength", "count"]),
    "several labels": ({}, ["birds"]),
}

BEFORE = {
    "logistic": [
        [0.9166666666666666, 0.8166666666666667, 0.9833333333333333],
        [0.4083333333333333, 0.31666666666666665, 0.5],
        [0.5083333333333333, 0.36666666666666664, 0.6416666666666666],
    ],
    "knn": [
        [0.7052280311457175, 0.6466272321428571, 0.8076967592592593],
        [0.996662958843159, 0.9887744336273748, 1.0],
        [-0.2914349276974415, -0.3501240079365079, -0.18749821428571428],
    ],
    "ridge": [
        [0.6598011044340183, 0.519141792320014, 0.7653664035148531],
        [-0.034325179558012286, -0.10324436634748586, -0.015843940941631926],
        [-0.036189986235602545, -0.10487416443323265, -0.01982303888108498],
        [0.6941262839920306, 0.5525865204545279, 0.8151300770731149],
        [0.6959910906696208, 0.5488191440919671, 0.8180336447576433],
    ],
    "two targets": [
        [0.33390129856540224, 0.23399308506742625, 0.41005148560098553],
        [-0.05356280186795748, -0.14336498222776461, -0.004762475013033303],
        [0.3874641004333597, 0.3009566176297249, 0.46971992677089575],
    ],
    "several labels": [
        [0.4134375, 0.328189525462963, 0.48534299257897606],
        [0.5086603009259258, 0.45691947933687366, 0.5610648458167989],
        [-0.09522280092592583, -0.17554409913003657, -0.03075700644841262],
    ],
}
"""Score, low and high of each row, then difference, low and high of each comparison."""


def figures(found):
    rows = [(row.score, row.interval.low, row.interval.high) for row in found.rows]
    gaps = [(c.difference, c.interval.low, c.interval.high) for c in found.comparisons]
    return np.array(rows + gaps)


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


@pytest.fixture
def data(vectors, tables):
    from unlabeled_vectors.parts import write

    if not (tables / "more.csv").exists():
        write(tables, count=60, seed=1)
        head, *rows = (tables / "labels.csv").read_text().splitlines()
        lines = [f"{head},count,birds"]
        for place, row in enumerate(rows):
            birds = ["owl", "tit", "jay"][place % 3]
            lines.append(f"{row},{place % 7 if place % 5 else ''},{birds}")
            if place % 4 == 0:
                lines.append(f"{row},{place % 7 if place % 5 else ''},kea")
        (tables / "more.csv").write_text("\n".join(lines) + "\n")
    return tables


@pytest.mark.parametrize("case", CASES)
def test_the_figures_are_those_of_before(vectors, data, save_mixer, case):
    from unlabeled_vectors.parts import Mixer, MixerSettings

    torch.manual_seed(0)
    run = save_mixer(Mixer(MixerSettings(width=6)))
    settings, target = CASES[case]
    settings = EvaluationSettings(random_encoders=2, **settings)
    found = evaluate(run, data, data / "more.csv", target=target, settings=settings)
    np.testing.assert_allclose(figures(found), BEFORE[case], rtol=0, atol=1e-9)


def test_several_labels_have_both_areas_each_and_in_the_mean(vectors, data, save_mixer):
    from unlabeled_vectors.parts import Mixer, MixerSettings

    run = save_mixer(Mixer(MixerSettings(width=6)))
    settings = EvaluationSettings(random_encoders=2)
    found = evaluate(run, data, data / "more.csv", target=["birds"], settings=settings)
    assert found.metric == "roc_auc"
    scores = {(t.metric, t.condition): t.rows[0].score for t in (found.headline, *found.further)}
    for metric in ("roc_auc", "average_precision"):
        own = [score for (each, at), score in scores.items() if each == metric and at]
        assert len(own) == 4
        assert scores[metric, ""] == pytest.approx(np.mean(own))
