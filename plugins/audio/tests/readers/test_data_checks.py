"""ChecksData: each oddity is named, an ordinary recording is not."""

import pytest
import soundfile
import torch

from unlabeled_audio.readers.clips import Clips
from unlabeled_audio.readers.data_checks import check_data
from unlabeled_audio.waveform import Waveform

NOISE = 0.1 * torch.randn(1, 16_000, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (NOISE, []),
        (torch.zeros(1, 800), ["silent (no sound, or channels that cancel in their mean)"]),
        (NOISE + 0.5, ["a constant offset"]),
        (20 * NOISE, ["samples beyond full scale"]),
        ((3 * NOISE).clamp(-0.3, 0.3), ["clipped peaks"]),
        (torch.ones(1, 1) * 0.01, []),
    ],
)
def test_each_oddity_is_named(values, expected):
    assert check_data(Waveform(values, 16_000)) == expected
    assert Clips().check_data(Waveform(values, 16_000)) == expected


@pytest.mark.parametrize(("channels", "named"), [("mean", True), ("first", False)])
def test_a_dead_channel_is_named_where_it_weakens_the_mean(tmp_path, channels, named):
    stereo = torch.cat([NOISE, torch.zeros_like(NOISE)]).T.numpy()
    soundfile.write(tmp_path / "left_only.wav", stereo, 16_000)
    reader = Clips(channels=channels)
    (item,) = reader.index(tmp_path)
    assert ("a channel that is all zero, in the mean of them" in noticed(reader, item)) == named


def noticed(reader, item):
    return reader.check_data(reader.read(item))
