"""Official checkpoints: every name and shape finds its place, and the arithmetic is theirs."""

import re
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from unlabeled.errors import DataError
from unlabeled_audio.encoders.official_ssast import read_official_ssast
from unlabeled_audio.waveform import Waveform

README = (Path(__file__).parents[2] / "README.md").read_text()


def checkpoint(width=192, depth=12, patch=(16, 16), bins=128, frames=1024):
    """Random weights with the names and shapes of the published files."""
    generator = torch.Generator().manual_seed(0)
    tokens = (bins // patch[0]) * (frames // patch[1])

    def draw(*shape):
        return 0.05 * torch.randn(*shape, generator=generator)

    weights = {
        "p_input_fdim": torch.tensor(bins),
        "p_input_tdim": torch.tensor(frames),
        "mask_embed": draw(1, 1, width),
        "v.cls_token": draw(1, 1, width),
        "v.dist_token": draw(1, 1, width),
        "v.pos_embed": draw(1, tokens + 2, width),
        "v.patch_embed.proj.weight": draw(width, 1, *patch),
        "v.patch_embed.proj.bias": draw(width),
        "v.norm.weight": 1 + draw(width),
        "v.norm.bias": draw(width),
    }
    for head in ("cpredlayer", "gpredlayer"):
        weights |= {f"{head}.0.weight": draw(width, width), f"{head}.0.bias": draw(width)}
        weights |= {f"{head}.2.weight": draw(256, width), f"{head}.2.bias": draw(256)}
    for head in ("head", "head_dist"):
        weights |= {f"v.{head}.weight": draw(1000, width), f"v.{head}.bias": draw(1000)}
    for i in range(depth):
        shapes = {"attn.qkv": 3 * width, "attn.proj": width, "mlp.fc1": 4 * width}
        for name, out in shapes.items():
            weights[f"v.blocks.{i}.{name}.weight"] = draw(out, width)
            weights[f"v.blocks.{i}.{name}.bias"] = draw(out)
        weights[f"v.blocks.{i}.mlp.fc2.weight"] = draw(width, 4 * width)
        weights[f"v.blocks.{i}.mlp.fc2.bias"] = draw(width)
        for norm in ("norm1", "norm2"):
            weights[f"v.blocks.{i}.{norm}.weight"] = 1 + draw(width)
            weights[f"v.blocks.{i}.{norm}.bias"] = draw(width)
    return {f"module.{name}": value for name, value in weights.items()}


def official_tokens(weights, spectrogram, depth):
    """A distilled DeiT, written out. spectrogram: (1, 1, bins, frames)."""
    w = {name.removeprefix("module.v."): value for name, value in weights.items()}

    def linear(x, name):
        return F.linear(x, w[f"{name}.weight"], w[f"{name}.bias"])

    def norm(x, name):
        return F.layer_norm(x, x.shape[-1:], w[f"{name}.weight"], w[f"{name}.bias"], 1e-6)

    patch = w["patch_embed.proj.weight"].shape[2:]
    x = F.conv2d(
        spectrogram, w["patch_embed.proj.weight"], w["patch_embed.proj.bias"], stride=patch
    )
    x = torch.cat([w["cls_token"], w["dist_token"], x.flatten(2).transpose(1, 2)], 1)
    x = x + w["pos_embed"]
    for i in range(depth):
        q, k, v = (
            part.reshape(1, -1, x.shape[2] // 64, 64).transpose(1, 2)
            for part in linear(norm(x, f"blocks.{i}.norm1"), f"blocks.{i}.attn.qkv").chunk(3, -1)
        )
        mixed = (q @ k.mT / 8).softmax(-1) @ v
        x = x + linear(mixed.transpose(1, 2).flatten(2), f"blocks.{i}.attn.proj")
        hidden = F.gelu(linear(norm(x, f"blocks.{i}.norm2"), f"blocks.{i}.mlp.fc1"))
        x = x + linear(hidden, f"blocks.{i}.mlp.fc2")
    return norm(x, "norm")[:, 2:]


@pytest.mark.parametrize("patch", [(16, 16), (128, 2)])
def test_every_weight_of_the_official_layout_is_placed_or_reported(tmp_path, patch):
    torch.save(checkpoint(patch=patch), tmp_path / "SSAST-Tiny.pth")
    encoder, report = read_official_ssast(tmp_path / "SSAST-Tiny.pth")
    assert set(report.matched) == set(encoder.state_dict())
    assert {name.split(".")[0] for name in report.unused} == {
        "cpredlayer",
        "gpredlayer",
        "mask_embed",
        "v",
    }
    assert [n for n in report.unused if n.startswith("v.")] == [
        "v.head.bias",
        "v.head.weight",
        "v.head_dist.bias",
        "v.head_dist.weight",
    ]
    assert encoder.settings.heads == 3
    assert encoder.outputs[0].width == 192


@torch.no_grad()
@pytest.mark.parametrize("patch", [(16, 16), (64, 2)])
def test_tokens_equal_the_official_network(tmp_path, patch):
    weights = checkpoint(width=128, depth=2, patch=patch, bins=64, frames=64)
    torch.save(weights, tmp_path / "small.pth")
    encoder, _ = read_official_ssast(tmp_path / "small.pth")
    samples = (64 - 1) * 160 + 400
    wave = 0.1 * torch.randn(1, samples, generator=torch.Generator().manual_seed(1))
    batch = encoder.collate([Waveform(wave, 16000)])
    spectrogram, _ = encoder.features(batch)
    energies = encoder.features.energies(wave)
    torch.testing.assert_close(spectrogram, (energies + 4.2677393) / (2 * 4.5689974))
    expected = official_tokens(weights, spectrogram.unsqueeze(1), depth=2)
    tokens = encoder.encode(batch, "patches").values
    torch.testing.assert_close(tokens, expected, atol=1e-5, rtol=1e-5)


def test_the_readme_reads_a_published_file(tmp_path, monkeypatch):
    (block,) = re.findall(
        r"```python\n(from unlabeled_audio.encoders.official.*?)```", README, re.S
    )
    torch.save(checkpoint(), tmp_path / "SSAST-Tiny-Patch-400.pth")
    monkeypatch.chdir(tmp_path)
    scope = {}
    exec(block, scope)
    assert "cpredlayer.0.weight" in scope["report"].unused
    assert scope["encoder"].sample_rate == 16_000


def test_other_files_are_refused_with_the_reason(tmp_path):
    (tmp_path / "text.pth").write_text("no tensors")
    with pytest.raises(DataError, match="file of tensors"):
        read_official_ssast(tmp_path / "text.pth")
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(DataError, match="named tensors, found list"):
        read_official_ssast(tmp_path / "list.pth")
    torch.save({"a": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(DataError, match=r"patch_embed"):
        read_official_ssast(tmp_path / "other.pth")
