"""AST: lengths, padding, pooling, positions in seconds, and what a masked pretext needs of it."""

import pytest
import torch

from unlabeled.contract import Tokens
from unlabeled.errors import RecipeError, ShapeError
from unlabeled_audio.encoders.ast import AST, ASTSettings, statistics
from unlabeled_audio.waveform import Waveform


def encoder(**settings):
    torch.manual_seed(0)
    small = {
        "sample_rate": 16000,
        "features": {"bins": 32},
        "patch": (8, 4),
        "width": 24,
        "depth": 2,
        "heads": 3,
        "seconds": 0.5,
    }
    return AST(ASTSettings.model_validate(small | settings)).eval().double()


def clip(samples, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return Waveform(0.1 * torch.randn(1, samples, generator=generator), 16000)


@pytest.mark.parametrize("positions", ["learned", "sine", "alibi"])
@pytest.mark.parametrize(
    ("output", "pooling"),
    [("clip", "mean"), ("clip", "statistics"), ("patches", "mean"), ("frames", "mean")],
)
def test_neither_neighbours_nor_padding_change_an_embedding(positions, output, pooling):
    model = encoder(positions=positions, pooling=pooling, class_tokens=2)
    # One shorter than a window, one shorter than the positions were made for, one longer.
    clips = [clip(300, 1), clip(5000, 2), clip(21_000, 3)]
    together = model.encode(model.collate(clips), output)
    for row, single in enumerate(clips):
        alone = model.encode(model.collate([single]), output)
        if output == "clip":
            torch.testing.assert_close(together[row], alone[0], atol=1e-10, rtol=0)
            continue
        assert alone.valid.all()
        valid = together.valid[row]
        torch.testing.assert_close(together.values[row, valid], alone.values[0], atol=1e-10, rtol=0)
        torch.testing.assert_close(together.position[row, valid], alone.position[0])


def test_outputs_have_the_declared_widths():
    model = encoder(pooling="statistics")
    batch = model.collate([clip(4000), clip(9000)])
    assert model(batch).shape == (2, 48)
    for output in model.outputs[1:]:
        assert model.encode(batch, output.name).values.shape[2] == output.width
    with pytest.raises(ShapeError, match="'nothing'"):
        model.encode(batch, "nothing")


def test_frames_are_means_over_the_mel_axis_with_their_time():
    model = encoder()
    batch = model.collate([clip(4000), clip(8000)])
    patches, frames = model.encode(batch, "patches"), model.encode(batch, "frames")
    steps = frames.values.shape[1]
    torch.testing.assert_close(frames.values[:, 2], patches.values[:, 2::steps].mean(1))
    # Patch 2 spans frames 8 to 11; the middle of frame 9.5 is at 9.5 · 10 ms + 12.5 ms.
    assert frames.position[0, 2, 0].item() == pytest.approx(0.1075)
    assert patches.position[0, 2 + steps].tolist() == pytest.approx([0.1075, 11.5])


def test_the_default_output_is_the_mean_of_valid_patches():
    model = encoder()
    batch = model.collate([clip(4000), clip(8000)])
    patches = model.encode(batch, "patches")
    for row in range(2):
        expected = patches.values[row, patches.valid[row]].mean(0)
        torch.testing.assert_close(model(batch)[row], expected)


def test_statistics_are_of_valid_patches_alone():
    model = encoder(pooling="statistics")
    batch = model.collate([clip(4000), clip(8000)])
    patches = model.encode(batch, "patches")
    for row in range(2):
        own = patches.values[row, patches.valid[row]]
        expected = torch.cat([own.mean(0), own.std(0, correction=0)])
        torch.testing.assert_close(model(batch)[row], expected, atol=1e-6, rtol=1e-5)


def test_statistics_of_one_token_have_a_finite_gradient():
    values = torch.randn(1, 1, 4, requires_grad=True)
    pooled = statistics(Tokens(values, torch.ones(1, 1, dtype=torch.bool), torch.zeros(1, 1, 2)))
    torch.testing.assert_close(pooled[0, :4], values[0, 0])
    pooled.sum().backward()
    assert torch.isfinite(values.grad).all()


def test_runs_visible_patches_only():
    model = encoder()
    batch = model.collate([clip(4000, 1), clip(4000, 2)])
    count = model.patches(batch)[0].shape[1]
    everything = torch.arange(count).expand(2, -1)
    torch.testing.assert_close(
        model.encode_visible(batch, everything), model.encode(batch, "patches").values
    )
    assert model.encode_visible(batch, everything[:, :5]).shape == (2, 5, 24)


def test_a_hidden_patch_is_not_seen():
    model = encoder()
    loud, quiet = clip(4000, 1), clip(4000, 1)
    grid = model.grid(loud)
    hidden = torch.zeros(1, grid.size, dtype=torch.bool)
    hidden[:, :: grid.shape[1]] = True  # the first patch of every row: frames 0 to 3
    quiet = Waveform(torch.cat([torch.zeros(1, 640), loud.values[:, 640:]], 1), 16000)
    # Frame 4 on starts at sample 640; frames 0 to 3 differ between the two clips.

    def run(sample):
        values, valid = model.features(model.collate([sample]))
        return model.encode_spectrogram(
            values, valid, hidden=hidden, mask_token=torch.zeros(24).double()
        )

    seen = [run(c) for c in (loud, quiet)]
    torch.testing.assert_close(seen[0].values, seen[1].values)
    assert not torch.allclose(model(model.collate([loud])), model(model.collate([quiet])))


def test_patches_hold_the_normalised_spectrogram():
    model = encoder()
    batch = model.collate([clip(4000)])
    spectrogram, _ = model.features(batch)
    patches, known = model.patches(batch)
    columns = -(-spectrogram.shape[2] // 4)
    row, column = 2, 1
    torch.testing.assert_close(
        patches[0, row * columns + column].reshape(8, 4), spectrogram[0, 16:24, 4:8]
    )
    assert patches.shape == known.shape == (1, 4 * columns, model.patch_values)


def test_runs_on_cepstral_coefficients():
    model = encoder(features={"bins": 32, "coefficients": 12, "normalise": "bins"}, patch=(12, 2))
    batch = model.collate([clip(4000), clip(8000)])
    model.calibrate([batch])
    assert model.grid(clip(8000)).shape[0] == 1
    assert model(batch).shape == (2, 24)


def test_calibration_is_of_the_features():
    model = encoder()
    model.calibrate([model.collate([clip(8000)])])
    values, _ = model.features(model.collate([clip(8000)]))
    assert values.mean().abs() < 1e-10
    assert values.std(correction=0).item() == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"sample_rate": None}, r"encoder\.sample_rate"), ({"patch": (7, 4)}, "7 bins high")],
)
def test_settings_that_do_not_fit_are_refused(settings, message):
    with pytest.raises(RecipeError, match=message):
        encoder(**settings)


def test_clips_that_do_not_fit_are_refused():
    model = encoder()
    with pytest.raises(ShapeError, match="expected 16000 Hz, found 8000 Hz"):
        model.collate([Waveform(torch.zeros(1, 100), 8000)])
    with pytest.raises(ShapeError, match=r"\(2, 100\)"):
        model.collate([Waveform(torch.zeros(2, 100), 16000)])


def test_patches_are_drawn_as_a_spectrogram():
    ast = encoder().float()
    sample = clip(8000)
    patches = ast.patches(ast.collate([sample]))[0][0]
    [picture] = ast.draw_patches(None, sample, patches, None)
    [other] = ast.draw_patches(None, sample, patches.flip(0), None)
    assert picture.content.startswith(b"\x89PNG")
    assert picture.content != other.content
    assert "0.50 s from left to right" in picture.caption
