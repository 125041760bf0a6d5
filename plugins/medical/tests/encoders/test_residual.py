import torch
from medical_encoders import build, make_volume

from unlabeled_medical.encoders.residual import MaskedBatchNorm, Residual
from unlabeled_medical.volume import VolumeBatch


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
