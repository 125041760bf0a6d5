import pytest
import torch
from losses import (
    assert_equals,
    assert_precise_in_bf16,
    assert_processes_equal_one,
    extreme,
    views,
)

from unlabeled.errors import ShapeError
from unlabeled.objectives.masked_regression import masked_regression_loss, normalise_tokens

DISTANCES = {
    "l1": lambda e, beta: abs(e),
    "l2": lambda e, beta: e**2,
    "smooth_l1": lambda e, beta: e**2 / (2 * beta) if abs(e) < beta else abs(e) - beta / 2,
}


@pytest.mark.parametrize("distance", DISTANCES)
def test_equals_the_formula(distance):
    x, y = views(4, 6)
    weight = torch.tensor([1.0, 0, 2, 0.5])

    def formula(x, y):
        d = DISTANCES[distance]
        sums = [w * sum(d(e, 0.7) for e in row) for w, row in zip(weight, x - y, strict=True)]
        return sum(sums) / (6 * weight.sum())

    assert_equals(
        lambda x, y: masked_regression_loss(x, y, weight=weight, distance=distance, beta=0.7),
        formula,
        (x, y),
    )


def test_visible_tokens_and_nodata_do_not_count():
    prediction = torch.randn(2, 5, 4, dtype=torch.float64, requires_grad=True)
    target = torch.randn(2, 5, 4, dtype=torch.float64)
    masked = torch.rand(2, 5, 1) < 0.6
    good = masked & (torch.rand(2, 5, 4) < 0.7)
    holes = target.where(good, torch.nan)
    loss = masked_regression_loss(prediction, holes, weight=good)
    expected = (prediction - target)[good].square().mean()
    torch.testing.assert_close(loss, expected)
    loss.backward()
    assert torch.equal(prediction.grad != 0, good)


def test_nothing_to_predict_costs_nothing():
    prediction = torch.randn(3, 4, requires_grad=True)
    loss = masked_regression_loss(prediction, torch.randn(3, 4), weight=torch.zeros(3))
    loss.backward()
    assert loss.item() == 0
    assert torch.equal(prediction.grad, torch.zeros(3, 4))
    assert masked_regression_loss(torch.zeros(0, 4), torch.zeros(0, 4)).item() == 0


def test_targets_are_normalised_per_token_over_values_that_count():
    target = views(5, 8)[0].detach()
    counts = torch.ones(5, 8, dtype=torch.bool)
    counts[2, 3:] = False
    counts[4, 1:] = False
    result = normalise_tokens(target, counts)
    for row, good, out in zip(target, counts, result, strict=True):
        values = row[good]
        variance = values.var() if len(values) > 1 else torch.zeros(())
        expected = (values - values.mean()) / (variance + 1e-6).sqrt()
        torch.testing.assert_close(out[good], expected)
        assert (out[~good] == 0).all()
    prediction = torch.zeros(5, 8, dtype=torch.float64)
    loss = masked_regression_loss(
        prediction, 1e3 * target + 5, weight=counts.double(), normalise_target=True
    )
    # Up to the eps beside a variance that is 10⁶ times larger.
    torch.testing.assert_close(loss, result[counts].square().mean(), rtol=1e-4, atol=0)


def test_normalised_targets_equal_lightly():
    utils = pytest.importorskip("lightly.models.utils")
    target = views(5, 8)[0].detach()
    ours = normalise_tokens(target)
    torch.testing.assert_close(ours, utils.normalize_mean_var(target))


def per_value(prediction, target, weight):
    return masked_regression_loss(prediction, target, weight=weight, normalise_target=True)


@pytest.mark.parametrize("counts", [(5, 2), (3, 0, 4)])
def test_processes_equal_one_joint_batch(counts):
    x, y = views(7, 6)
    assert_processes_equal_one(masked_regression_loss, (x, y), counts)
    assert_processes_equal_one(per_value, (x, y, (y.detach() > -0.5).double()), counts)


@pytest.mark.parametrize("distance", DISTANCES)
def test_precise_in_bf16(distance):
    for case in ("identical", "one column", "opposite"):
        assert_precise_in_bf16(
            lambda x, y: masked_regression_loss(x, y, distance=distance), extreme(case)
        )


def test_bad_input_is_refused_by_name():
    x, y = views(4, 3)
    with pytest.raises(ShapeError, match="target: expected the shape of prediction"):
        masked_regression_loss(x, y[:3])
    with pytest.raises(ShapeError, match=r"weight: expected \(4,\) \(per token\) or \(4, 3\)"):
        masked_regression_loss(x, y, weight=torch.ones(3))
    with pytest.raises(ShapeError, match="target: expected finite values, found 12 NaN"):
        masked_regression_loss(x, y * torch.nan)
