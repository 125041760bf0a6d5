"""What all encoders of this plugin promise beside the contract, which the kit checks."""

import numpy as np
import pytest
import torch

from unlabeled.errors import RecipeError, ShapeError
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


SIZES = {2: [(13, 22), (20, 9)], 3: [(9, 13, 18), (12, 8, 17)]}


@pytest.mark.parametrize("rank", [2, 3])
@pytest.mark.parametrize("kind", [ViT, Residual, Swin, Linear])
def test_padding_and_neighbours_change_nothing(kind, rank):
    encoder = build(kind, rank).eval()
    volumes = [make_volume(size, seed=i) for i, size in enumerate(SIZES[rank])]
    with torch.no_grad():
        together = encoder(encoder.collate(volumes))
        for row, volume in zip(together, volumes, strict=True):
            torch.testing.assert_close(row, encoder(encoder.collate([volume]))[0])


@pytest.mark.parametrize("kind", [ViT, Residual, Swin, Linear])
def test_input_that_nobody_declared_is_asked_for(kind):
    with pytest.raises(RecipeError, match="channels"):
        build(kind, None)


def test_other_channels_are_refused():
    encoder = build(Residual, 3)
    with pytest.raises(ShapeError, match="expected 1 channels"):
        encoder.collate([make_volume((8, 8, 8), channels=2)])


@pytest.mark.parametrize(("kind", "stride"), [(ViT, 4), (Residual, 4), (Swin, 32)])
def test_tokens_lie_where_they_look(kind, stride):
    """At the mean of their voxels; a strided convolution looks around the first of them."""
    encoder = build(kind, 3).eval()
    volume = make_volume((64, 32, 32) if kind is Swin else (12, 8, 8))
    with torch.no_grad():
        tokens = encoder.encode(encoder.collate([volume]), "tokens")
    inside = np.array(list(np.ndindex((stride,) * 3)) if kind is not Residual else [[0, 0, 0]])
    expected = [
        volume.world(inside + stride * np.array(g)).mean(axis=0) for g in ((0, 0, 0), (1, 0, 0))
    ]
    strides = [length // stride for length in volume.size]
    places = tokens.position[0].reshape(*strides, 3)
    np.testing.assert_allclose([places[0, 0, 0], places[1, 0, 0]], expected, atol=1e-12)
    assert tokens.valid.all()
