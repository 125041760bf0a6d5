"""Against scipy's filters and a plain formula; images and volumes in one batch."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from unlabeled.errors import RecipeError
from unlabeled.randomness import Draw
from unlabeled_medical.encoders.residual import Residual, ResidualSettings
from unlabeled_medical.encoders.uni_vit import UniViT, UniViTSettings
from unlabeled_medical.pretexts.uni4eye import Uni4Eye, Uni4EyeSettings, gradient_map
from unlabeled_medical.volume import Volume


def make_volume(*size, seed=0):
    values = torch.randn(1, *size, generator=torch.Generator().manual_seed(seed))
    affine = np.eye(4)[:, [*range(len(size)), 3]]
    return Volume(values, affine, torch.ones(1, dtype=torch.bool))


def build(ranks=(2, 3), **settings):
    torch.manual_seed(0)
    encoder = UniViT(UniViTSettings(channels=1, ranks=ranks, patch=4, width=24, depth=2))
    return Uni4Eye(Uni4EyeSettings(**settings), encoder)


def batch_of(pretext, *volumes):
    examples = [pretext.example(v, Draw(0, 0, str(n), 0, "")) for n, v in enumerate(volumes)]
    return pretext.collate(examples)


@pytest.mark.parametrize("size", [(9, 12), (7, 9, 8)])
def test_the_gradient_map_is_sobels(size):
    image = np.random.default_rng(0).normal(size=size)
    smooth, slope = np.array([1, 4, 6, 4, 1]) / 16, np.array([-1, -2, 0, 2, 1]) / 8
    expected = np.zeros(size)
    for axis in range(len(size)):
        along = image
        for other in range(len(size)):
            kernel = slope if other == axis else smooth
            along = ndimage.correlate1d(along, kernel, axis=other, mode="mirror")
        expected += np.abs(along) / len(size)
    found = gradient_map(torch.from_numpy(image[None]))
    np.testing.assert_allclose(found[0], expected, atol=1e-12)


def test_a_ramp_has_its_slope_per_voxel():
    ramp = 3 * torch.arange(12.0).expand(1, 10, 12)
    assert torch.allclose(gradient_map(ramp)[0, :, 2:-2], torch.tensor(1.5))  # mean of 3 and 0


def test_the_loss_is_the_mean_over_hidden_patches_of_both_ranks():
    pretext = build(gradient_weight=0.5).double()
    volumes = [make_volume(8, 12), make_volume(8, 8, 8, seed=1), make_volume(12, 8, seed=2)]
    volumes = [Volume(v.values.double(), v.affine, v.present) for v in volumes]
    pretext.encoder.double()
    batch = batch_of(pretext, *volumes)
    for part in batch.values():  # VolumeBatch is float32; values are exact in float64
        part.images.batch.values = part.images.batch.values.double()
        part.gradients.values = part.gradients.values.double()
    loss = pretext(batch)
    errors = {"image": [], "gradient": []}
    for rank, part in batch.items():
        branch, split = pretext.encoder.branch(rank), part.images.split
        tokens = branch.encode_visible(part.images.batch, split.visible)
        both = pretext.decoders[str(rank)](tokens, split.visible, split.hidden, split.grid)
        pairs = {"image": part.images.batch, "gradient": part.gradients}
        for guess, (name, truth) in zip(both.chunk(2, -1), pairs.items(), strict=True):
            patches = branch.patches(truth)[0]
            for row, places in enumerate(split.hidden.tolist()):
                for column, place in enumerate(places):
                    if place >= 0:
                        there = patches[row, place]
                        errors[name].append((guess[row, column] - there).square().mean())
    image, gradient = (torch.stack(errors[name]).mean() for name in ("image", "gradient"))
    torch.testing.assert_close(loss.parts["image"], image)
    torch.testing.assert_close(loss.total, image + 0.5 * gradient)


def test_a_step_on_images_leaves_the_parts_of_volumes_alone():
    pretext = build()
    pretext(batch_of(pretext, make_volume(8, 8), make_volume(12, 8, seed=1))).total.backward()
    moved = {n for n, p in pretext.named_parameters() if p.grad is not None and p.grad.any()}
    assert "encoder.branches.2.transformer.embedding.projection.weight" in moved
    assert any(".blocks." in name for name in moved)
    assert not [n for n in moved if n.startswith(("encoder.branches.3", "decoders.3"))]


def test_blocks_are_shared_and_saved_once():
    pretext = build()
    encoder = pretext.encoder
    assert encoder.branch(2).transformer.blocks is encoder.branch(3).transformer.blocks
    assert not [n for n in encoder.state_dict() if n.startswith("branches.3.transformer.blocks")]
    other = build().encoder
    torch.nn.init.zeros_(other.branch(3).transformer.embedding.projection.weight)
    other.load_state_dict(encoder.state_dict())
    volume = make_volume(8, 8, 8)
    both = (each.eval()(each.collate([volume])) for each in (encoder, other))
    torch.testing.assert_close(*both)


def test_embeddings_come_in_the_order_of_the_samples():
    encoder = build().encoder.eval()
    volumes = [make_volume(8, 8, 8), make_volume(8, 12, seed=1), make_volume(12, 8, 8, seed=2)]
    with torch.no_grad():
        together = encoder(encoder.collate(volumes))
        for row, volume in zip(together, volumes, strict=True):
            torch.testing.assert_close(row, encoder(encoder.collate([volume]))[0])


def test_another_encoder_is_refused():
    residual = Residual(ResidualSettings(channels=1, rank=3, widths=(4,)))
    with pytest.raises(RecipeError, match="uni_vit"):
        Uni4Eye(Uni4EyeSettings(), residual)
