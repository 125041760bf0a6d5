import numpy as np
import pytest
import torch
from monai.losses.contrastive import ContrastiveLoss

from unlabeled.errors import RecipeError
from unlabeled.objectives.nt_xent import nt_xent_loss
from unlabeled.randomness import Draw
from unlabeled_medical.encoders.maps import UpDecoder, mappable
from unlabeled_medical.encoders.residual import Residual, ResidualSettings
from unlabeled_medical.pretexts.multi_task import MultiTask, MultiTaskSettings, turned
from unlabeled_medical.volume import Volume


def make_volume(size, seed=0):
    values = torch.randn(1, *size, generator=torch.Generator().manual_seed(seed))
    return Volume(values, np.eye(4), torch.ones(1, dtype=torch.bool))


@pytest.fixture
def pretext():
    torch.manual_seed(0)
    encoder = Residual(ResidualSettings(rank=3, channels=1, widths=(4, 8), first_stride=2))
    return MultiTask(MultiTaskSettings(projector=(8,)), encoder)


@pytest.mark.parametrize("quarters", range(4))
def test_turning_back_gives_the_square_again(quarters):
    volume = make_volume((8, 6, 5))
    there = turned(volume, quarters)
    assert there.size == (6, 6, 5)
    back = torch.rot90(there.values, -quarters, (1, 2))
    assert torch.equal(back, volume.values[:, 1:7])


def test_the_target_is_turned_but_not_corrupted(pretext):
    volume = make_volume((8, 8, 8))
    for copy in pretext.example(volume, Draw(0, 0, "a", 0, "")):
        assert torch.equal(copy.whole.values, turned(volume, copy.quarters).values)
        changed = int((copy.seen.values != copy.whole.values).sum())
        assert changed == round(0.3 * 8**3)


def test_the_parts_are_the_three_formulas(pretext):
    """Against a float64 recomputation by other means from the same batch."""
    pretext.eval()
    examples = [
        pretext.example(make_volume((8, 8, 8), s), Draw(0, 0, str(s), 0, "")) for s in range(3)
    ]
    batch = pretext.collate(examples)
    with torch.no_grad():
        loss = pretext(batch)
        last = pretext.encoder.maps(batch.seen)[-1]
        reconstructed = pretext.decoder(last, (8, 8, 8)).double()
        vectors = last.mean(dim=(2, 3, 4))
        logits = pretext.turn_head(vectors).double().log_softmax(dim=1)
    truth = torch.stack([c.whole.values for row in zip(*examples, strict=True) for c in row])
    quarters = [c.quarters for row in zip(*examples, strict=True) for c in row]
    torch.testing.assert_close(
        loss.parts["inpainting"].double(),
        (reconstructed - truth).abs().mean(),
        rtol=1e-5,
        atol=1e-6,
    )
    expected = -torch.stack([logits[i, q] for i, q in enumerate(quarters)]).mean()
    torch.testing.assert_close(loss.parts["rotation"].double(), expected, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(
        loss.total, sum(loss.parts[n] for n in ("inpainting", "rotation", "contrast"))
    )


def test_padding_is_not_rebuilt(pretext):
    """A small volume beside a large one costs what its own voxels cost."""
    pretext.eval()
    small, large = (
        pretext.example(make_volume(s), Draw(0, 0, "a", 0, "")) for s in ((4, 4, 4), (8, 8, 8))
    )
    batch = pretext.collate([small, large])
    with torch.no_grad():
        before = pretext(batch).parts["inpainting"]
        batch.whole.values[~batch.whole.valid.unsqueeze(1)] = 1e6
        assert torch.equal(pretext(batch).parts["inpainting"], before)


def test_the_contrast_is_that_of_monai_and_stays_finite_where_monais_does_not():
    a, b = torch.randn(6, 16), torch.randn(6, 16)
    for temperature in (0.5, 0.1):
        theirs = ContrastiveLoss(temperature=temperature)(a, b)
        torch.testing.assert_close(nt_xent_loss(a, b, temperature=temperature), theirs)
    assert torch.isnan(ContrastiveLoss(temperature=0.005)(a, a))
    assert torch.isfinite(nt_xent_loss(a, a, temperature=0.005))


def test_learned_weights_are_trained(pretext):
    learned = {"weight": 1.0, "learned": True}
    settings = MultiTaskSettings(inpainting=learned, rotation=learned, contrast=learned)
    pretext = MultiTask(settings, pretext.encoder)
    examples = [
        pretext.example(make_volume((8, 8, 8), s), Draw(0, 0, str(s), 0, "")) for s in range(3)
    ]
    pretext(pretext.collate(examples)).total.backward()
    gradients = [p.grad for p in pretext.weights.parameters()]
    assert len(gradients) == 3
    assert all(g is not None and g != 0 for g in gradients)


def test_encoders_without_maps_are_refused():
    with pytest.raises(RecipeError, match="has no feature maps"):
        mappable(torch.nn.Linear(1, 1))


@pytest.mark.parametrize(("stride", "rank"), [(1, 2), (4, 2), (8, 3)])
def test_the_decoder_gives_voxels(stride, rank):
    decoder = UpDecoder(20, stride, rank, out=2)
    size = (2 * stride - stride // 2,) * rank
    assert decoder(torch.randn(1, 20, *(2,) * rank), size).shape == (1, 2, *size)


def test_a_stride_that_is_no_power_of_two_is_refused():
    with pytest.raises(RecipeError, match="found 6"):
        UpDecoder(8, 6, 3, 1)
