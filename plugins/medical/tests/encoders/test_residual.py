import numpy as np
import torch

from unlabeled_medical.encoders.linear import Linear, LinearSettings
from unlabeled_medical.encoders.residual import MaskedBatchNorm, Residual, ResidualSettings
from unlabeled_medical.encoders.swin import Swin, SwinSettings
from unlabeled_medical.encoders.vit import ViT, ViTSettings
from unlabeled_medical.volume import Volume, VolumeBatch


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


def test_masked_batch_norm_equals_batch_norm_of_the_valid_rows():
    x = torch.randn(3, 4, 5, 6, dtype=torch.float64)
    valid = torch.rand(3, 5, 6) > 0.4
    norm = MaskedBatchNorm(4).double()
    out = norm(x, valid)
    rows = x.movedim(1, -1)[valid]
    expected = (rows - rows.mean(0)) / (rows.var(0, unbiased=False) + 1e-5).sqrt()
    torch.testing.assert_close(out.movedim(1, -1)[valid], expected)
    assert (out.movedim(1, -1)[~valid] == 0).all()


def test_a_residual_network_without_padding_is_a_plain_one():
    """Masks change nothing where every voxel is valid: against torch's own layers."""
    encoder = build(Residual, 2).double().train()
    batch = encoder.collate([make_volume((8, 8), seed=i) for i in range(3)])
    x = batch.values.double()
    out = encoder.maps(VolumeBatch(x, batch.valid, batch.present, batch.affine))[0]
    block = encoder.stages[0].blocks[0]

    def norm(y):
        return torch.nn.functional.batch_norm(y, None, None, training=True)

    inner = norm(block.second(norm(block.first(x)).relu()))
    torch.testing.assert_close(out, (inner + block.shortcut(x)).relu())
