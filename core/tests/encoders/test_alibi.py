import math

import pytest
import torch

from unlabeled.encoders.alibi import alibi_bias, alibi_slopes, grid_alibi
from unlabeled.encoders.positions import grid_positions


def test_slopes_of_sixteen_heads():
    slopes = alibi_slopes(16)
    assert slopes[:4].tolist() == pytest.approx([0.70711, 0.5, 0.35355, 0.25], abs=1e-5)
    assert slopes[-1].item() == pytest.approx(2**-8)


def test_slopes_of_other_counts_fill_up_from_the_double():
    assert torch.equal(alibi_slopes(6)[:4], alibi_slopes(4))
    assert torch.equal(alibi_slopes(6)[4:], alibi_slopes(8)[::2][:2])
    assert len(alibi_slopes(12)) == 12


def test_bias_is_minus_slope_times_distance():
    place = grid_positions((3, 4)).unsqueeze(0)
    slopes = alibi_slopes(4)
    bias = alibi_bias(place, place, slopes)[0]
    for h in range(4):
        for p in range(12):
            for q in range(12):
                distance = math.dist(divmod(p, 4), divmod(q, 4))
                assert bias[h, p, q].item() == pytest.approx(-slopes[h].item() * distance, abs=1e-6)
    assert (bias.diagonal(dim1=1, dim2=2) == 0).all()
    assert torch.equal(bias, bias.transpose(1, 2))


def test_farthest_tokens_of_fifteen_by_fifteen():
    place = grid_positions((15, 15)).unsqueeze(0)
    assert alibi_bias(place, place, alibi_slopes(16))[0, 0, 0, 224].item() == pytest.approx(-14.0)


def test_across_sensors_it_is_the_table_of_both_places():
    place = grid_positions((5, 5)).unsqueeze(0)
    table = alibi_bias(place, place, alibi_slopes(2))[0]
    ours, theirs = torch.tensor([3, 0, 24]), torch.tensor([7, 21])
    cross = alibi_bias(place[:, ours], place[:, theirs], alibi_slopes(2))[0]
    assert torch.equal(cross, table[:, ours][:, :, theirs])


def test_the_table_of_a_grid_is_kept_and_can_be_trained_with():
    slopes, place = alibi_slopes(4), grid_positions((3, 5)).unsqueeze(0)
    with torch.inference_mode():
        table = grid_alibi((3, 5), slopes)
    torch.testing.assert_close(table, alibi_bias(place, place, slopes), atol=0, rtol=0)
    assert grid_alibi([3, 5], slopes) is table
    assert grid_alibi((3, 5), slopes.double()).dtype == torch.float64
    assert grid_alibi((5, 3), slopes).shape == table.shape

    weight = torch.ones((), requires_grad=True)
    (weight * table).sum().backward()
    torch.testing.assert_close(weight.grad, table.sum())
