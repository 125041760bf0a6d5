import pytest
import torch
from medical_encoders import make_volume

from unlabeled.errors import RecipeError
from unlabeled_medical.encoders.linear import Linear, LinearSettings


def test_a_linear_encoder_maps_voxels_or_means_of_regions():
    torch.manual_seed(0)
    settings = LinearSettings(rank=2, channels=2, width=5)
    volume = make_volume((6, 4), channels=2)
    fine = Linear(settings.model_copy(update={"grid": (6, 4)}))
    expected = volume.values.flatten() @ fine.map.weight.T
    torch.testing.assert_close(fine(fine.collate([volume]))[0], expected)
    coarse = Linear(settings.model_copy(update={"grid": (3, 2)}))
    means = volume.values.reshape(2, 3, 2, 2, 2).mean(dim=(2, 4))
    torch.testing.assert_close(
        coarse(coarse.collate([volume]))[0], means.flatten() @ coarse.map.weight.T
    )
    with pytest.raises(RecipeError, match="regions along each axis"):
        Linear(settings.model_copy(update={"grid": (3, 2, 2)}))
