"""Random volumes, and the encoders of the plugin in small sizes."""

import numpy as np
import torch

from unlabeled_medical.encoders.linear import Linear, LinearSettings
from unlabeled_medical.encoders.residual import Residual, ResidualSettings
from unlabeled_medical.encoders.swin import Swin, SwinSettings
from unlabeled_medical.encoders.vit import ViT, ViTSettings
from unlabeled_medical.volume import Volume


def make_volume(size, channels=1, seed=0):
    rank = len(size)
    affine = np.zeros((4, rank + 1))
    affine[:rank, :rank] = np.diag(np.arange(1, rank + 1) * 0.5)
    affine[:, rank] = [10, -20, 30, 1]
    values = torch.randn(channels, *size, generator=torch.Generator().manual_seed(seed))
    return Volume(values, affine, torch.ones(channels, dtype=torch.bool))


def build(kind, rank, channels=1):
    torch.manual_seed(0)
    if kind is ViT:
        return ViT(ViTSettings(rank=rank, channels=channels, patch=4, width=24, depth=2))
    if kind is Linear:
        return Linear(LinearSettings(rank=rank, channels=channels, grid=4, width=12))
    if kind is Residual:
        return Residual(ResidualSettings(rank=rank, channels=channels, widths=(4, 8, 16)))
    return Swin(SwinSettings(rank=rank, channels=channels, width=12))
