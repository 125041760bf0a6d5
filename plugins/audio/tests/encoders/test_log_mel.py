"""The log-mel front end: values against torchaudio in float64, lengths, statistics, gradients."""

import pytest
import torch
import torchaudio

from unlabeled.errors import RecipeError
from unlabeled_audio.encoders.log_mel import LogMel, LogMelSettings
from unlabeled_audio.waveform import Waveforms


def waves(*lengths, seed=0):
    generator = torch.Generator().manual_seed(seed)
    values = torch.zeros(len(lengths), max(lengths))
    for row, length in zip(values, lengths, strict=True):
        row[:length] = 0.1 * torch.randn(length, generator=generator) + 0.02
    return Waveforms(values, torch.tensor(lengths))


def front_end(**settings):
    return LogMel(LogMelSettings(**settings), 16000)


def kaldi(wave, bins, rate=16000):
    return torchaudio.compliance.kaldi.fbank(
        wave[None],
        num_mel_bins=bins,
        sample_frequency=rate,
        htk_compat=True,
        use_energy=False,
        window_type="hanning",
        dither=0.0,
    ).T


@pytest.mark.parametrize(("bins", "rate"), [(128, 16000), (40, 8000), (64, 44100)])
def test_equals_kaldi(bins, rate):
    # At single precision this shows the same arithmetic; the filters are exact to its last bits.
    batch = waves(3 * rate // 2)
    ours = LogMel(LogMelSettings(bins=bins), rate).energies(batch.values)[0]
    torch.testing.assert_close(ours, kaldi(batch.values[0], bins, rate), atol=3e-3, rtol=0)
    assert (ours - kaldi(batch.values[0], bins, rate)).abs().mean() < 2e-5


def test_equals_the_common_spectrogram():
    batch = waves(24_000)
    theirs = torchaudio.transforms.MelSpectrogram(
        16000, n_fft=400, hop_length=160, n_mels=80, f_min=20.0, pad_mode="constant"
    )(batch.values)
    ours = front_end(kind="stft", bins=80).energies(batch.values)
    torch.testing.assert_close(ours, (theirs + 1e-10).log(), atol=1e-3, rtol=1e-4)


def test_coefficients_are_torchaudios_cosine_transform():
    batch = waves(9000)
    module = front_end(kind="kaldi", bins=40, coefficients=13, normalise="none")
    expected = torchaudio.functional.create_dct(13, 40, "ortho").T @ module.energies(batch.values)
    values, valid = module(batch)
    assert valid.all()
    # Without statistics: mean 0, and divided by twice a deviation of 0.5.
    torch.testing.assert_close(values, expected, atol=1e-4, rtol=1e-5)


def test_more_coefficients_than_bins_are_refused():
    with pytest.raises(ValueError, match="20 mel bins have no 30 coefficients"):
        LogMelSettings(bins=20, coefficients=30)


def test_equals_the_definition_in_float64():
    batch = waves(2000)
    module = front_end(bins=20).double()
    ours = module.energies(batch.values.double())[0]
    wave, window, filters = batch.values[0].double(), module.window, module.filters
    for frame in range(ours.shape[1]):
        part = wave[frame * 160 : frame * 160 + 400]
        part = part - part.mean()
        part = torch.cat([part[:1] * 0.03, part[1:] - 0.97 * part[:-1]]) * window
        power = torch.fft.rfft(part, n=512).abs() ** 2
        expected = (power @ filters).clamp(min=1.1920928955078125e-07).log()
        torch.testing.assert_close(ours[:, frame], expected, atol=1e-10, rtol=0)


@pytest.mark.parametrize("kind", ["kaldi", "stft"])
@pytest.mark.parametrize("normalise", ["data", "bins", "clip", "none"])
@pytest.mark.parametrize("coefficients", [None, 12])
def test_padding_changes_nothing(kind, normalise, coefficients):
    short, long = waves(5000), waves(5000, 9000)
    module = front_end(kind=kind, normalise=normalise, bins=40, coefficients=coefficients).double()
    alone, alone_valid = module(short)
    together, valid = module(long)
    frames = module.frames(5000)
    assert alone_valid.all()
    assert valid[0].sum() == frames == alone.shape[2]
    torch.testing.assert_close(together[0, :, :frames], alone[0], atol=1e-12, rtol=0)
    assert (together[0, :, frames:] == 0).all()


@pytest.mark.parametrize("kind", ["kaldi", "stft"])
@pytest.mark.parametrize("samples", [1, 10, 399, 400, 401, 559, 560])
def test_any_length_gives_a_frame_and_the_count_promised(kind, samples):
    module = front_end(kind=kind, normalise="clip")
    values, valid = module(waves(samples))
    assert values.shape[2] == valid.shape[1] == module.frames(samples) >= 1
    assert torch.isfinite(values).all()


def test_silence_is_finite():
    for normalise in ("data", "bins", "clip", "none"):
        module = front_end(normalise=normalise)
        silence = Waveforms(torch.zeros(2, 4000), torch.tensor([4000, 4000]))
        module.calibrate([silence])
        assert torch.isfinite(module(silence)[0]).all()


@pytest.mark.parametrize("normalise", ["data", "bins"])
def test_calibration_makes_the_data_zero_mean_and_half_unit(normalise):
    batches = [waves(4000, 9000, seed=1), waves(7000, seed=2)]
    module = front_end(normalise=normalise, bins=40).double()
    module.calibrate(iter(batches))
    frames = []
    for batch in batches:
        values, valid = module(batch)
        frames.append(values.transpose(1, 2)[valid])
    frames = torch.cat(frames)
    axes = (0, 1) if normalise == "data" else 0
    torch.testing.assert_close(frames.mean(axes), torch.zeros_like(frames.mean(axes)))
    deviation = frames.std(axes, correction=0)
    torch.testing.assert_close(deviation, torch.full_like(deviation, 0.5))


def test_clip_normalisation_is_standard_over_valid_frames():
    values, valid = front_end(normalise="clip", bins=40).double()(waves(5000, 16000))
    for clip, frames in zip(values, valid, strict=True):
        torch.testing.assert_close(clip[:, frames].mean(1), torch.zeros(40).double())
        torch.testing.assert_close(clip[:, frames].std(1, correction=0), torch.ones(40).double())


def test_statistics_are_saved_with_the_weights():
    module = front_end(normalise="bins")
    module.calibrate([waves(16000)])
    other = front_end(normalise="bins")
    other.load_state_dict(module.state_dict())
    torch.testing.assert_close(other(waves(8000))[0], module(waves(8000))[0])


def test_gradient_reaches_the_waveform():
    batch = waves(1200)
    module = front_end(bins=10, normalise="none").double()
    values = batch.values.double().requires_grad_()
    assert torch.autograd.gradcheck(
        lambda v: module(Waveforms(v, batch.lengths))[0], (values,), nondet_tol=0, fast_mode=True
    )


def test_precision_does_not_fall_under_autocast():
    module, batch = front_end(), waves(8000)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        lowered = module(batch)[0]
    torch.testing.assert_close(lowered, module(batch)[0])


def test_time_of_a_frame_is_its_middle():
    assert front_end().seconds(torch.tensor(2.0)).item() == pytest.approx(0.02 + 0.0125)
    assert front_end(kind="stft").seconds(torch.tensor(2.0)).item() == pytest.approx(0.02)


def test_bins_above_half_the_rate_are_refused():
    with pytest.raises(RecipeError, match="do not fit 16000 Hz"):
        front_end(high_hz=9000)
