import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from unlabeled.errors import ShapeError
from unlabeled_tabular.encoders.cells import EDGE, KNOTS, Cells
from unlabeled_tabular.encoders.resnet import ResNet, ResNetSettings


def encoder(values):
    found = ResNet(ResNetSettings(numbers=("x",), categories={}, width=4, depth=1))
    found.calibrate([cells(values)])
    return found


def cells(values):
    numbers = torch.as_tensor(values, dtype=torch.float32)[:, None]
    return Cells(numbers, torch.zeros((len(numbers), 0), dtype=torch.int64))


def test_numbers_become_normal_scores_of_their_ranks():
    values = np.random.default_rng(0).lognormal(size=4_001)
    order = np.argsort(values)
    found = encoder(values).scores(cells(values))[order, 0].numpy()
    share = np.clip(np.linspace(0, 1, len(values)), EDGE, 1 - EDGE)
    middle = slice(40, -40)  # the outermost intervals are long in normal scores
    np.testing.assert_allclose(found[middle], norm.ppf(share)[middle], atol=0.05)


@settings(deadline=None, max_examples=20)
@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=2, max_size=50))
def test_scores_rise_with_the_values_and_end_at_the_edges(values):
    found = encoder(values)
    asked = sorted([*values, -1e9, 1e9])
    scores = found.scores(cells(asked))[:, 0]
    assert (scores.diff() >= -1e-5).all()
    limit = norm.ppf(1 - EDGE)
    torch.testing.assert_close(
        scores[[0, -1]], torch.tensor([-limit, limit]).float(), atol=1e-4, rtol=0
    )


def test_a_value_that_many_share_has_the_middle_of_their_ranks():
    found = encoder([0.0] * 50 + [1.0] * 50)
    scores = found.scores(cells([0.0, 1.0]))[:, 0]
    torch.testing.assert_close(scores[0], -scores[1], atol=0.05, rtol=0)
    assert scores[1] > 0.5


def test_an_empty_cell_scores_zero_without_spoiling_gradients():
    found = encoder([1.0, 2.0, 3.0])
    batch = cells([float("nan"), 2.0])
    batch.numbers.requires_grad_()
    scores = found.scores(batch)
    scores.sum().backward()
    assert scores[0] == 0
    assert batch.numbers.grad.isfinite().all()


def test_a_column_without_any_number_keeps_its_first_quantiles():
    found = encoder([float("nan")] * 4)
    torch.testing.assert_close(found.knots, torch.linspace(-1, 1, KNOTS)[None])


def test_unseen_categories_are_not_known(transformer, rows):
    rows[0].texts[:] = ["moon", "flat"]
    batch = transformer.collate(rows[:2])
    assert batch.codes[0].tolist() == [-1, 0]
    assert transformer.known(batch)[0].tolist() == [True, True, False, False, True]


def test_other_columns_are_refused(transformer, rows):
    from dataclasses import replace

    with pytest.raises(ShapeError, match="expected the columns"):
        transformer.collate([replace(rows[0], number_names=("a", "b", "c"))])
