import pytest
import torch
from medical_encoders import build, make_volume

from unlabeled.errors import RecipeError, ShapeError
from unlabeled_medical.encoders.monai_vit import vit_from_monai, vit_to_monai
from unlabeled_medical.encoders.vit import ViT, ViTSettings


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
