import numpy as np
import pytest
import torch

from unlabeled_medical.encoders.regions import region_means
from unlabeled_medical.encoders.residual import Residual, ResidualSettings
from unlabeled_medical.encoders.vit import ViT, ViTSettings
from unlabeled_medical.encoders.windows import mean_over_windows, windows
from unlabeled_medical.volume import Volume, VolumeBatch


def make_batch(*sizes):
    present = torch.ones(1, dtype=torch.bool)
    volumes = [Volume(torch.randn(1, *size), np.eye(4), present) for size in sizes]
    return VolumeBatch.of(volumes, channels=1, rank=3)


def test_windows_cover_every_valid_voxel_once():
    batch = make_batch((9, 4, 5), (3, 8, 4))
    seen = sum(int(window.valid.sum()) for _, window in windows(batch, 4))
    assert seen == int(batch.valid.sum())


def test_the_weighted_mean_of_windows_is_the_mean_of_the_whole():
    batch = make_batch((9, 4, 5), (3, 8, 4))

    def encode(part):
        places = part.valid.flatten(1).sum(dim=1)
        return part.values.flatten(2).sum(dim=2) / places.unsqueeze(1), places

    whole = batch.values.flatten(2).sum(dim=2) / batch.valid.flatten(1).sum(dim=1, keepdim=True)
    torch.testing.assert_close(mean_over_windows(encode, batch, 4), whole)


@pytest.mark.parametrize("kind", ["vit", "residual"])
def test_a_large_volume_does_not_depend_on_its_neighbours(kind):
    torch.manual_seed(0)
    encoder = (
        ViT(ViTSettings(rank=3, channels=1, patch=4, width=24, depth=1, window=8))
        if kind == "vit"
        else Residual(ResidualSettings(rank=3, channels=1, widths=(4, 8), window=8))
    ).eval()
    batch = make_batch((19, 7, 9), (6, 12, 5))
    with torch.no_grad():
        together = encoder(batch)
        for row, size in enumerate([(19, 7, 9), (6, 12, 5)]):
            box = tuple(slice(s) for s in size)
            alone = VolumeBatch(
                batch.values[row : row + 1][(slice(None), slice(None), *box)],
                batch.valid[row : row + 1][(slice(None), *box)],
                batch.present[row : row + 1],
                batch.affine[row : row + 1],
            )
            torch.testing.assert_close(encoder(alone)[0], together[row])


def test_regions_of_an_evenly_cut_volume_are_plain_means():
    batch = make_batch((8, 4, 12))
    maps = [batch.values, torch.nn.functional.avg_pool3d(batch.values, 2)]
    found = region_means(lambda _: maps, (1, 2), batch, regions=2, side=16)
    expected = [torch.nn.functional.adaptive_avg_pool3d(x, 2).flatten(1) for x in maps]
    torch.testing.assert_close(found, torch.cat(expected, dim=1))


@pytest.mark.parametrize("side", [4, 5, 32])
def test_regions_do_not_depend_on_windows_or_padding(side):
    """Against each volume alone, in one window, with shares that need not be whole voxels."""
    batch = make_batch((9, 4, 5), (3, 8, 4))
    found = region_means(lambda part: [part.values], (1,), batch, regions=3, side=side)
    for row, size in enumerate([(9, 4, 5), (3, 8, 4)]):
        x = batch.values[row][(slice(None), *map(slice, size))].numpy()
        for axis in range(3):
            fine = np.repeat(x, 3, axis=axis + 1)  # every region is a whole number of thirds
            parts = np.split(fine, 3, axis=axis + 1)
            x = np.stack([part.mean(axis=axis + 1) for part in parts], axis=axis + 1)
        np.testing.assert_allclose(found[row], x.ravel(), atol=1e-6)
