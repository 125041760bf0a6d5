"""How fast sound is read, measured and trained on, beside soundfile, torchaudio and plain torch.

Both sides take turns in one process on one thread; what is compared is processor time, as ratios
of medians with their quartiles, so that a busy machine matters little. Makes its own sound.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
import torch
import torch.nn.functional as F
import torchaudio
from torch import Tensor, nn

from unlabeled.randomness import Draw
from unlabeled_audio.encoders.ast import AST, ASTSettings
from unlabeled_audio.encoders.log_mel import LogMel, LogMelSettings
from unlabeled_audio.pretexts.ssast import SSAST, SSASTSettings
from unlabeled_audio.readers.clips import Clips
from unlabeled_audio.waveform import Waveform

ROUNDS = 15
RATE = 16_000


def main() -> None:
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        report("decoding, bare soundfile / ours", *decoding(Path(folder)))
    report("log-mel, torchaudio kaldi / ours", *log_mel())
    report("SSAST step, plain torch / ours", *training_step())


def report(name: str, theirs: Callable[[], object], ours: Callable[[], object]) -> None:
    """Print the ratio of processor times; above 1, ours is faster."""
    ratios = [seconds(theirs) / seconds(ours) for _ in range(ROUNDS + 1)]
    low, middle, high = np.quantile(ratios[1:], (0.25, 0.5, 0.75))
    print(f"{name:36} {middle:.2f} × ({low:.2f} to {high:.2f})")


def seconds(call: Callable[[], object]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def decoding(folder: Path) -> tuple[Callable[[], object], Callable[[], object]]:
    """Twenty FLAC files of five seconds."""
    rng = np.random.default_rng(0)
    for index in range(20):
        soundfile.write(folder / f"{index}.flac", 0.1 * rng.standard_normal(5 * RATE), RATE)
    reader = Clips(sample_rate=RATE)
    items = list(reader.index(folder))
    paths = [item.source for item in items]
    return (
        lambda: [soundfile.read(path, dtype="float32") for path in paths],
        lambda: [reader.read(item) for item in items],
    )


def log_mel() -> tuple[Callable[[], object], Callable[[], object]]:
    """Eight clips of ten seconds, 128 bins."""
    waves = 0.1 * torch.randn(8, 10 * RATE, generator=torch.Generator().manual_seed(0))
    ours = LogMel(LogMelSettings(bins=128), RATE)

    def theirs() -> list[Tensor]:
        return [
            torchaudio.compliance.kaldi.fbank(
                wave[None],
                num_mel_bins=128,
                htk_compat=True,
                use_energy=False,
                window_type="hanning",
                dither=0.0,
            )
            for wave in waves
        ]

    gap = (torch.stack(theirs()).transpose(1, 2) - ours.energies(waves)).abs()
    print(f"{'log-mel, difference':36} mean {gap.mean():.1e}, largest {gap.max():.1e}")
    return theirs, lambda: ours.energies(waves)


def training_step() -> tuple[Callable[[], object], Callable[[], object]]:
    """Forward and backward of the tiny recipe's model on 32 clips of a second."""
    settings = {"features": {"bins": 40}, "patch": (40, 2), "width": 96, "depth": 4, "heads": 3}
    encoder = AST(
        ASTSettings.model_validate({"sample_rate": RATE, "positions": "sine", **settings})
    )
    method, plain = SSAST(SSASTSettings(), encoder), PlainSSAST()
    generator = torch.Generator().manual_seed(0)
    clips = [Waveform(0.1 * torch.randn(1, RATE, generator=generator), RATE) for _ in range(32)]
    batch = method.collate(
        [method.example(c, Draw(0, 0, str(i), 0, "")) for i, c in enumerate(clips)]
    )
    waves = torch.cat([clip.values for clip in clips])
    return (
        lambda: plain(waves, batch.split.hidden).backward(),
        lambda: method(batch).total.backward(),
    )


class PlainSSAST(nn.Module):
    """The same model as one would write it for clips of one length, with torch's own parts."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Linear(80, 96)
        layer = nn.TransformerEncoderLayer(
            96, 3, 384, 0.0, "gelu", batch_first=True, norm_first=True
        )
        self.blocks = nn.TransformerEncoder(layer, 4, nn.LayerNorm(96), enable_nested_tensor=False)
        self.mask = nn.Parameter(torch.zeros(96))
        self.place = nn.Parameter(torch.zeros(49, 96))
        self.heads = nn.ModuleList(
            nn.Sequential(nn.Linear(96, 96), nn.ReLU(), nn.Linear(96, 80)) for _ in range(2)
        )

    def forward(self, waves: Tensor, hidden: Tensor) -> Tensor:
        fbank = torchaudio.compliance.kaldi.fbank
        mel = [fbank(wave[None], num_mel_bins=40, htk_compat=True, dither=0.0) for wave in waves]
        values = torch.stack(mel)
        patches = ((values - values.mean()) / (2 * values.std())).reshape(len(waves), 49, 80)
        rows = torch.arange(len(waves)).unsqueeze(1)
        x = self.embedding(patches).clone()
        x[rows, hidden] = self.mask
        found, target = self.blocks(x + self.place)[rows, hidden], patches[rows, hidden]
        scores = self.heads[0](found) @ target.mT
        right = torch.arange(scores.shape[2]).expand(len(waves), -1)
        error = F.mse_loss(self.heads[1](found), target)
        return F.cross_entropy(scores.flatten(0, 1), right.flatten()) + 10 * error


if __name__ == "__main__":
    main()
