import torch
from medical_encoders import build

from unlabeled_medical.encoders.swin import Swin, load_monai, to_monai


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


def test_weights_that_do_not_fit_are_named():
    ours = build(Swin, 3)
    weights = {"module.swin_vit.patch_embed.proj.bias": torch.zeros(12), "out.bias": torch.zeros(2)}
    matched = load_monai(ours, weights | {"swinViT.patch_embed.proj.weight": torch.zeros(1)})
    assert matched.loaded == ("patch_embed.proj.bias",)
    assert set(matched.other) == {"out.bias", "swinViT.patch_embed.proj.weight"}
    assert len(matched.missing) == len(ours.swin.state_dict()) - 1
