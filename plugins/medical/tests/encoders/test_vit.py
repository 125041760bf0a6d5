import pytest
import torch
from medical_encoders import build, make_volume

from unlabeled_medical.encoders.vit import ViT, token_places
from unlabeled_medical.readers.volumes import Volumes
from unlabeled_medical.volume import Volume

SIZES = {2: [(13, 22), (20, 9)], 3: [(9, 13, 18), (12, 8, 17)]}


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


@pytest.mark.parametrize("rank", [2, 3])
def test_patches_are_drawn_as_the_volume_they_are_of(rank):
    encoder, volume = build(ViT, rank, channels=2).eval(), make_volume(SIZES[rank][0], channels=2)
    patches = encoder.patches(encoder.collate([volume]))[0][0]
    reader = Volumes()
    drawn = encoder.draw_patches(None, volume, patches, reader)
    assert drawn == reader.previews(None, volume)
    assert encoder.draw_patches(None, volume, patches.flip(0), reader) != drawn
