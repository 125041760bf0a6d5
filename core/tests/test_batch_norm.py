"""Batch-norm statistics are those of the batches given, and nothing else changes."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from unlabeled.batch_norm import estimate_batch_norm, has_batch_norm
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

    def encode(self, batch: Tensor, output: str) -> Tensor:
        return self.layers(batch)


def test_statistics_are_the_mean_over_batches_whatever_they_were_before():
    torch.manual_seed(0)
    encoder = Normed().eval()
    batches = [torch.randn(8, 3) * 3 + 5 for _ in range(4)]
    encoder.layers[0].running_mean.fill_(100.0)
    estimate_batch_norm(encoder, batches, "vector")
    mean = torch.stack([batch.mean(0) for batch in batches]).mean(0)
    var = torch.stack([batch.var(0) for batch in batches]).mean(0)
    torch.testing.assert_close(encoder.layers[0].running_mean, mean)
    torch.testing.assert_close(encoder.layers[0].running_var, var)


def test_modes_momentum_and_weights_are_as_before():
    encoder = Normed().eval()
    weight = encoder.layers[0].weight.clone()
    estimate_batch_norm(encoder, [torch.randn(8, 3)], "vector")
    assert not any(module.training for module in encoder.modules())
    assert encoder.layers[0].momentum == 0.1
    assert torch.equal(encoder.layers[0].weight, weight)
    assert not has_batch_norm(Normed(norm=False))
