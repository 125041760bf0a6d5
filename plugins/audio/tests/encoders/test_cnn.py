"""The convolutional encoder: padding, sizes, pooling by hand."""

import pytest
import torch

from unlabeled.errors import RecipeError, ShapeError
from unlabeled_audio.encoders.cnn import CNN, CNNSettings, mean_plus_maximum
from unlabeled_audio.waveform import Waveform


def encoder(**settings):
    torch.manual_seed(0)
    small = {
        "sample_rate": 16000,
        "features": {"kind": "stft", "bins": 20},
        "channels": (4, 6),
        "width": 12,
    }
    return CNN(CNNSettings.model_validate(small | settings)).eval().double()


def clip(samples, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return Waveform(0.1 * torch.randn(1, samples, generator=generator), 16000)


@pytest.mark.parametrize("output", ["clip", "frames"])
@pytest.mark.parametrize("training", [False, True])
def test_neither_neighbours_nor_padding_change_an_embedding(output, training):
    model = encoder().train(training)
    clips = [clip(1, 1), clip(5000, 2), clip(13_000, 3)]
    together = model.encode(model.collate(clips), output)
    for row, single in enumerate(clips):
        alone = model.encode(model.collate([single]), output)
        if output == "clip":
            torch.testing.assert_close(together[row], alone[0], atol=1e-10, rtol=0)
            continue
        assert alone.valid.all()
        valid = together.valid[row]
        torch.testing.assert_close(together.values[row, valid], alone.values[0], atol=1e-10, rtol=0)


def test_frames_have_the_time_of_their_middle():
    model = encoder()
    frames = model.encode(model.collate([clip(8000)]), "frames")
    assert frames.values.shape[1] == -(-51 // 4)
    # Four frames, 10 ms apart, from 0 on: the middle of the second step is at frame 5.5.
    assert frames.position[0, 1, 0].item() == pytest.approx(0.055)


def test_pooling_adds_mean_and_maximum_of_valid_steps():
    steps = torch.tensor([[[1.0], [3.0], [9.0]]])
    valid = torch.tensor([[True, True, False]])
    assert mean_plus_maximum(steps, valid).item() == 2 + 3


def test_what_does_not_fit_is_refused():
    with pytest.raises(RecipeError, match=r"encoder\.sample_rate"):
        encoder(sample_rate=None)
    model = encoder()
    with pytest.raises(ShapeError, match="'nothing'"):
        model.encode(model.collate([clip(800)]), "nothing")
