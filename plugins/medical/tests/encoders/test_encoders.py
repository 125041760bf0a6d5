"""What all encoders of this plugin promise beside the contract, which the kit checks."""

import numpy as np
import pytest
import torch
from medical_encoders import build, make_volume

from unlabeled.errors import RecipeError, ShapeError
from unlabeled_medical.encoders.linear import Linear
from unlabeled_medical.encoders.residual import Residual
from unlabeled_medical.encoders.swin import Swin
from unlabeled_medical.encoders.vit import ViT

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
