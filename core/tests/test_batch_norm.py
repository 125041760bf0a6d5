"""Batch-norm statistics are those of the batches given, and nothing else changes."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from unlabeled import memory
from unlabeled.batch_norm import drawn_lists, estimate_batch_norm, has_batch_norm
from unlabeled.contract import Encoder, Output
from unlabeled.settings import Settings


class Normed(Encoder):
    settings_type = Settings

    def __init__(self, norm: bool = True) -> None:
        super().__init__(Settings())
        self.outputs = (Output("vector", "global", 3),)
        self.layers = nn.Sequential(nn.BatchNorm1d(3) if norm else nn.Identity(), nn.Dropout(0.5))

    def collate(self, samples: list[Tensor]) -> Tensor:
        return torch.stack(samples)

    def _encode(self, batch: Tensor, output: str) -> Tensor:
        return self.layers(batch)


def statistics(encoder: Normed) -> list[Tensor]:
    norm = encoder.layers[0]
    return [norm.running_mean.clone(), norm.running_var.clone()]


def of_all(values: Tensor) -> list[Tensor]:
    return [values.mean(0), values.var(0)]


ROWS = torch.randn(29, 3, generator=torch.Generator().manual_seed(0)) * 3 + 5


@pytest.mark.parametrize("cuts", [[29], [7, 7, 7, 8], [20, 9], [25, 2, 2], [28, 1], [1] * 29])
def test_statistics_are_those_of_all_values_however_they_are_cut(cuts: list[int]) -> None:
    """Pooled by count, with the variance between batches, whatever they were before."""
    encoder = Normed().eval()
    encoder.layers[0].running_mean.fill_(100.0)
    estimate_batch_norm(encoder, ROWS.split(cuts), "vector")
    torch.testing.assert_close(statistics(encoder), of_all(ROWS))
    assert int(encoder.layers[0].num_batches_tracked) == len(cuts)


def test_two_sites_far_apart_one_after_the_other_have_the_variance_of_both():
    rows = torch.cat([ROWS - 20, ROWS + 20])
    encoder = Normed().eval()
    estimate_batch_norm(encoder, rows.split(29), "vector")
    torch.testing.assert_close(statistics(encoder), of_all(rows))


def test_every_axis_but_the_second_counts_and_half_precision_is_widened():
    encoder = Normed().eval()
    maps = (torch.randn(4, 3, 5, 2, generator=torch.Generator().manual_seed(1)) + 30).bfloat16()
    encoder.layers[0] = nn.BatchNorm2d(3)
    encoder.eval()
    with torch.autocast("cpu", torch.bfloat16):
        estimate_batch_norm(encoder, maps.split(3), "vector")
    torch.testing.assert_close(
        statistics(encoder), of_all(maps.float().movedim(1, -1).flatten(0, -2))
    )


def test_what_was_not_seen_keeps_its_statistics():
    """One value has no variance, and a norm that the output does not use sees none."""
    encoder = Normed().eval()
    encoder.unused = nn.BatchNorm1d(3).eval()
    encoder.unused.running_mean.fill_(7.0)
    before = statistics(encoder)
    estimate_batch_norm(encoder, [ROWS[:1]], "vector")
    assert all(map(torch.equal, statistics(encoder), before))
    estimate_batch_norm(encoder, [ROWS], "vector")
    assert torch.equal(encoder.unused.running_mean, torch.full((3,), 7.0))
    assert not encoder.unused.training
    assert encoder.unused.momentum == 0.1


def test_an_error_of_the_encoder_leaves_it_as_it_was():
    encoder = Normed().eval()
    before = statistics(encoder)
    with pytest.raises(ValueError, match="expected 2D"):
        estimate_batch_norm(encoder, [ROWS, ROWS[0, :2, None, None, None]], "vector")
    assert all(map(torch.equal, statistics(encoder), before))
    assert not any(module.training for module in encoder.modules())
    assert not encoder.layers[0]._forward_pre_hooks


def test_modes_momentum_and_weights_are_as_before():
    encoder = Normed().eval()
    weight = encoder.layers[0].weight.clone()
    estimate_batch_norm(encoder, [torch.randn(8, 3)], "vector")
    assert not any(module.training for module in encoder.modules())
    assert encoder.layers[0].momentum == 0.1
    assert torch.equal(encoder.layers[0].weight, weight)
    assert not has_batch_norm(Normed(norm=False))


@pytest.mark.parametrize(
    ("count", "size", "lengths"),
    [(28, 7, [7] * 4), (29, 7, [7, 7, 7, 8]), (30, 7, [7, 7, 7, 7, 2]), (1, 7, [1]), (0, 7, [])],
)
def test_lists_keep_the_order_and_none_is_a_lone_one(count, size, lengths):
    found = list(drawn_lists(((number, 1) for number in range(count)), size))
    assert [len(each) for each in found] == lengths
    assert [number for each in found for number in each] == list(range(count))


def test_lists_of_large_things_are_shorter_but_no_shorter_than_two():
    extents = [1, 1, 1, 9, 1, 1, 3, 1, 20, 1, 1]
    found = list(drawn_lists(((extent, extent) for extent in extents), 4, 8))
    assert found == [[1, 1, 1], [9, 1], [1, 3], [1, 20], [1, 1]]
    assert list(drawn_lists(((n, 1) for n in range(3)), 1)) == [[0], [1], [2]]


def test_lists_end_before_they_take_too_many_bytes(monkeypatch):
    monkeypatch.setattr(memory, "BATCH_BYTES", 100)
    things = [torch.zeros(40, dtype=torch.uint8) for _ in range(5)]
    found = list(drawn_lists(((thing, 1) for thing in things), 4))
    assert [len(each) for each in found] == [2, 3]  # the lone one at the end joins the list before
