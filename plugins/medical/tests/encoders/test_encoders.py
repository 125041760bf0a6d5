"""What all encoders of this plugin promise beside the contract, which the kit checks."""

import numpy as np
import pytest
import torch

from unlabeled.errors import RecipeError, ShapeError
from unlabeled_medical.encoders.linear import Linear, LinearSettings
from unlabeled_medical.encoders.monai_vit import vit_from_monai, vit_to_monai
from unlabeled_medical.encoders.residual import MaskedBatchNorm, Residual, ResidualSettings
from unlabeled_medical.encoders.swin import Swin, SwinSettings, load_monai, to_monai
from unlabeled_medical.encoders.vit import ViT, ViTSettings, token_places
from unlabeled_medical.readers.volumes import Volumes
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


def test_missing_sequences_are_not_asked_for():
    encoder = build(ViT, 2, channels=2)
    volume = make_volume((8, 8), channels=2)
    gap = Volume(volume.values, volume.affine, torch.tensor([True, False]))
    values, known = encoder.patches(encoder.collate([gap]))
    assert values.shape == known.shape == (1, 4, 32)
    assert known[..., :16].all()
    assert not known[..., 16:].any()


def test_visible_tokens_alone_run():
    encoder = build(ViT, 3).eval()
    batch = encoder.collate([make_volume((8, 8, 8))])
    visible = torch.tensor([[0, 3, 5, -1]])
    assert encoder.encode_visible(batch, visible).shape == (1, 4, 24)
    assert token_places(batch, (4, 4, 4)).shape == (1, 8, 3)


def test_maps_of_a_transformer_are_those_of_its_blocks():
    """The last are its tokens; a block's are those of a transformer that ends there, unnormed."""
    encoder = build(ViT, 3).eval()
    batch = encoder.collate([make_volume((8, 4, 12))])
    shorter = ViT(encoder.settings.model_copy(update={"depth": 1})).eval()
    shorter.load_state_dict(encoder.state_dict(), strict=False)
    shorter.transformer.blocks.norm = torch.nn.Identity()
    with torch.no_grad():
        first, last = encoder.maps(batch)
        tokens = encoder.encode(batch, "tokens").values
        (alone,) = shorter.maps(batch)
    assert first.shape == (1, 24, 2, 1, 3)
    torch.testing.assert_close(last.flatten(2).transpose(1, 2), tokens)
    torch.testing.assert_close(first, alone)
    assert not any(block._forward_hooks for block in encoder.transformer.blocks.layers)


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


def test_swin_takes_and_gives_the_weights_of_swin_unetr():
    from monai.networks.nets.swin_unetr import SwinUNETR

    torch.manual_seed(1)
    theirs = SwinUNETR(in_channels=1, out_channels=2, feature_size=12, spatial_dims=3).eval()
    ours = build(Swin, 3).eval()
    matched = load_monai(ours, theirs.state_dict())
    assert not matched.missing
    assert not [name for name in matched.other if name.startswith("swinViT")]
    assert len(matched.loaded) == len(ours.swin.state_dict())
    x = torch.randn(1, 1, 32, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(ours.run(x, (32, 32, 32)), list(theirs.swinViT(x, True)))
    fresh = SwinUNETR(in_channels=1, out_channels=2, feature_size=12, spatial_dims=3)
    keys = fresh.load_state_dict(to_monai(ours), strict=False)
    assert not keys.unexpected_keys
    assert not [name for name in keys.missing_keys if name.startswith("swinViT")]


def test_a_vit_goes_to_monais_and_back():
    from monai.networks.nets.unetr import UNETR
    from monai.networks.nets.vit import ViT as MonaiViT

    ours, size = build(ViT, 3, channels=2).eval(), (8, 12, 4)
    torch.nn.init.normal_(ours.transformer.blocks.layers[0].attention.qkv.bias)
    theirs = MonaiViT(
        2, size, 4, hidden_size=24, mlp_dim=96, num_layers=2, num_heads=4, qkv_bias=True
    ).eval()
    keys = theirs.load_state_dict(vit_to_monai(ours, size), strict=False)
    assert not keys.unexpected_keys
    assert all("norm_cross_attn" in key for key in keys.missing_keys)  # of no use there
    batch = ours.collate([make_volume(size, channels=2)])
    with torch.no_grad():
        tokens = ours.encode(batch, "tokens").values
        torch.testing.assert_close(tokens, theirs(batch.values)[0], atol=1e-4, rtol=1e-4)

    fresh = build(ViT, 3, channels=2)
    torch.nn.init.zeros_(fresh.transformer.blocks.norm.weight)
    matched = vit_from_monai(fresh, {f"vit.{k}": v for k, v in theirs.state_dict().items()})
    assert not matched.missing
    assert "vit.patch_embedding.position_embeddings" in matched.other
    for name, value in ours.state_dict().items():
        torch.testing.assert_close(fresh.state_dict()[name], value)

    segments = UNETR(2, 3, (16, 16, 16), 4, 24, 96, 4, qkv_bias=True)
    matched = vit_from_monai(build(ViT, 3, channels=2), segments.state_dict())
    assert matched.missing == ("embedding.projection.weight",)  # its patches have 16 voxels a side


def test_a_vit_that_monai_cannot_hold_is_refused():
    with pytest.raises(RecipeError, match="none like alibi"):
        vit_to_monai(ViT(ViTSettings(rank=2, channels=1, positions="alibi")), (8, 8))
    with pytest.raises(ShapeError, match="patches of 4, found"):
        vit_to_monai(build(ViT, 3), (8, 8, 10))


def test_weights_that_do_not_fit_are_named():
    ours = build(Swin, 3)
    weights = {"module.swin_vit.patch_embed.proj.bias": torch.zeros(12), "out.bias": torch.zeros(2)}
    matched = load_monai(ours, weights | {"swinViT.patch_embed.proj.weight": torch.zeros(1)})
    assert matched.loaded == ("patch_embed.proj.bias",)
    assert set(matched.other) == {"out.bias", "swinViT.patch_embed.proj.weight"}
    assert len(matched.missing) == len(ours.swin.state_dict()) - 1


@pytest.mark.parametrize("rank", [2, 3])
def test_patches_are_drawn_as_the_volume_they_are_of(rank):
    encoder, volume = build(ViT, rank, channels=2).eval(), make_volume(SIZES[rank][0], channels=2)
    patches = encoder.patches(encoder.collate([volume]))[0][0]
    reader = Volumes()
    drawn = encoder.draw_patches(None, volume, patches, reader)
    assert drawn == reader.previews(None, volume)
    assert encoder.draw_patches(None, volume, patches.flip(0), reader) != drawn
