import pytest
import torch
from torch import nn

from unlabeled.finite import not_finite, some


class Holder(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 2)
        self.tied = self.layer
        self.register_buffer("mask", torch.tensor([0.0, -torch.inf]))
        self.register_buffer("count", torch.tensor(3))
        self.register_buffer("table", torch.tensor([torch.nan]), persistent=False)


def test_a_fresh_module_holds_nothing_wrong_and_masks_may_hold_minus_infinity():
    assert not_finite(Holder()) == []
    assert not_finite(nn.Identity()) == []


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_a_weight_is_named_wherever_it_stands(value):
    holder = Holder()
    holder.layer.bias.data[1] = value
    assert not_finite(holder) == ["layer.bias", "tied.bias"]


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_a_statistic_is_named(value):
    holder = Holder()
    holder.mask[0] = value
    assert not_finite(holder) == ["mask"]


def test_many_names_are_counted():
    assert some(["a", "b"]) == "a, b"
    assert some(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"
