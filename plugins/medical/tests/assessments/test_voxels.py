import numpy as np
import pytest
import torch

from unlabeled_medical.assessments.voxels import at_voxels, frozen, neighbourhood, with_products
from unlabeled_medical.encoders.residual import Residual, ResidualSettings
from unlabeled_medical.encoders.uni_vit import UniViT, UniViTSettings
from unlabeled_medical.encoders.vit import ViT, ViTSettings
from unlabeled_medical.volume import Volume


def noise(size=(12, 13, 11)):
    torch.manual_seed(0)
    affine = np.diag([1.0, 2, 1, 1])
    return Volume(torch.randn(1, *size), affine, torch.ones(1, dtype=torch.bool))


def encoder_of():
    torch.manual_seed(0)
    return Residual(ResidualSettings(rank=3, channels=1, widths=(8, 16)))


@pytest.mark.parametrize("centred", [True, False])
def test_interpolated_maps_are_linear_between_places(centred):
    """A map that is linear in its places' voxels is linear in the voxels between them."""
    stride, places = 4, 5
    voxel = (np.arange(places) + 0.5) * stride - 0.5 if centred else np.arange(places) * stride
    values = torch.tensor(voxel, dtype=torch.float32).view(1, 1, places, 1).expand(1, 1, places, 2)
    found = at_voxels(values, stride, (stride * places, 7), centred=centred)[0, 0, :, 0]
    expected = np.clip(np.arange(stride * places), voxel[0], voxel[-1])
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("kind", ["residual", "vit"])
def test_places_and_features_agree(kind):
    """A voxel at the place of a token has that token's feature."""
    torch.manual_seed(0)
    encoder = encoder_of() if kind == "residual" else ViT(ViTSettings(rank=3, channels=1, patch=3))
    volume = noise((12, 12, 12))
    with torch.no_grad():
        tokens = encoder.eval().encode(encoder.collate([volume]), "tokens")
        rows = frozen(encoder)(volume).rows()
        features = rows.T.view(-1, *volume.size)[-tokens.values.shape[-1] :]
    for row in (0, 30, tokens.values.shape[1] - 1):
        world = tokens.position[0, row].numpy()
        index = np.linalg.solve(volume.affine, [*world, 1])[:3].round(6).astype(int)
        torch.testing.assert_close(features[(slice(None), *index)], tokens.values[0, row])


@pytest.mark.parametrize("describe", [frozen(encoder_of()), neighbourhood])
def test_mapping_before_interpolating_is_mapping_voxels(describe):
    features = describe(noise())
    rows = features.rows()
    torch.manual_seed(1)
    weight, bias = torch.randn(4, rows.shape[1]), torch.randn(4)
    expected = (rows @ weight.T + bias).T.view(4, *features.size)
    torch.testing.assert_close(features.mapped(weight, bias), expected, atol=1e-4, rtol=1e-4)


def test_products_of_each_two_follow():
    values = torch.tensor([2.0, 3, 5]).view(3, 1)
    assert with_products(values).flatten().tolist() == [2, 3, 5, 4, 6, 10, 9, 15, 25]


def test_an_encoder_of_images_and_volumes_has_voxel_features_too():
    settings = UniViTSettings(channels=1, ranks=(2, 3), patch=3, width=12, depth=1, heads=2)
    assert frozen(UniViT(settings))(noise((3, 3, 3))).rows().shape == (27, 12)
