"""Clips of different lengths, end to end: padding changes nothing.

Each tiny recipe's method runs a batch as it is collated and again with more padding behind it:
input statistics, loss, gradient and embeddings must be the same numbers.
"""

from dataclasses import fields, is_dataclass, replace

import pytest
import torch
import torch.nn.functional as F

from unlabeled.randomness import Draw
from unlabeled.recipe import build_pretext, load_recipe
from unlabeled_audio.pretexts.tera import AlteredBatch
from unlabeled_audio.waveform import Waveform, Waveforms

RECIPES = ("ssast", "tera", "mae", "byol_a", "barlow_twins")
RATE = 16_000


def longer(value, samples=4000):
    """The batch with `samples` zeros more behind its clips."""
    if isinstance(value, Waveforms):
        return Waveforms(F.pad(value.values, (0, samples)), value.lengths)
    if isinstance(value, AlteredBatch):
        frames = samples // (RATE // 100)  # plans are as long as the spectrogram
        return replace(
            value,
            clips=longer(value.clips, samples),
            source=F.pad(value.source, (0, frames)),
            frames=F.pad(value.frames, (0, frames)),
            noise=F.pad(value.noise, (0, 0, 0, frames)),
        )
    if is_dataclass(value):
        return replace(value, **{f.name: longer(getattr(value, f.name)) for f in fields(value)})
    if isinstance(value, list | tuple):
        return type(value)(longer(each) for each in value)
    return value


def clips():
    generator = torch.Generator().manual_seed(0)
    lengths = (300, 5000, 9000, 17_000)
    return [Waveform(0.1 * torch.randn(1, n, generator=generator), RATE) for n in lengths]


@pytest.mark.parametrize("name", RECIPES)
def test_more_padding_changes_nothing(name):
    torch.manual_seed(0)
    method = build_pretext(load_recipe(f"audio/{name}"), {"sample_rate": RATE}).double().eval()
    encoder = method.encoder
    whole = encoder.collate(clips())
    usable = [clip for clip in clips() if clip.seconds > 0.1]
    batch = method.collate(
        [method.example(c, Draw(0, 0, str(i), 0, "")) for i, c in enumerate(usable)]
    )
    seen = [
        _numbers(method, encoder, *pair) for pair in ((whole, batch), map(longer, (whole, batch)))
    ]
    assert seen[0].keys() == seen[1].keys()
    for key, value in seen[0].items():
        torch.testing.assert_close(seen[1][key], value, atol=1e-9, rtol=1e-9, msg=key)


def _numbers(method, encoder, whole, batch):
    method.zero_grad()
    encoder.calibrate([whole])
    loss = method(batch).total
    loss.backward()
    gradients = {
        f"gradient of {n}": p.grad for n, p in method.named_parameters() if p.requires_grad
    }
    with torch.no_grad():
        embedding = encoder(whole)
    statistics = {
        "mean": encoder.features.mean.clone(),
        "deviation": encoder.features.deviation.clone(),
    }
    copied = {key: grad.clone() for key, grad in gradients.items() if grad is not None}
    return {"loss": loss.detach(), "embedding": embedding, **statistics, **copied}
