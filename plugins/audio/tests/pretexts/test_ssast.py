"""SSAST: its loss against loops over the paper's sums, its masks, and what must not change it."""

import math

import numpy as np
import pytest
import torch

from unlabeled.errors import RecipeError, UnreadableItem
from unlabeled.randomness import Draw
from unlabeled_audio.encoders.ast import AST, ASTSettings
from unlabeled_audio.pretexts.ssast import SSAST, SSASTSettings
from unlabeled_audio.waveform import Waveform


def pretext(patch=(8, 4), mask=None, **settings):
    torch.manual_seed(0)
    encoder = AST(
        ASTSettings(
            sample_rate=16000,
            features={"bins": 32},
            patch=patch,
            width=24,
            depth=2,
            heads=3,
            seconds=0.5,
        )
    )
    if mask:
        settings["mask"] = mask
    return SSAST(SSASTSettings(**settings), encoder).double()


def clip(samples, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return Waveform(0.1 * torch.randn(1, samples, generator=generator), 16000)


def batch_of(method, *clips):
    examples = [method.example(c, Draw(0, 0, str(i), 0, "")) for i, c in enumerate(clips)]
    return examples, method.collate(examples)


@torch.no_grad()
@pytest.mark.parametrize("softmax_over", ["targets", "predictions"])
def test_equals_the_papers_sums(softmax_over):
    method = pretext(softmax_over=softmax_over)
    clips = [clip(4000, 1), clip(7000, 2)]
    _, batch = batch_of(method, *clips)
    loss = method(batch)
    patches = method.encoder.patches(batch.batch)[0]
    covered = torch.zeros(patches.shape[:2], dtype=torch.bool)
    for row, places in enumerate(batch.split.hidden):
        covered[row, places[places >= 0]] = True
    tokens = method.encoder.encode_spectrogram(
        *method.encoder.features(batch.batch), hidden=covered, mask_token=method.mask_token
    ).values
    discriminative, generative = [], []
    for row in range(2):
        x = patches[row, covered[row]]
        c, g = (
            method.classify(tokens[row, covered[row]]),
            method.reconstruct(tokens[row, covered[row]]),
        )
        for i in range(len(x)):
            pairs = zip([c[i]] * len(x), x, strict=True)
            if softmax_over == "predictions":
                pairs = zip(c, [x[i]] * len(x), strict=True)
            scores = [float(a @ b) for a, b in pairs]
            top = max(scores)
            total = top + math.log(sum(math.exp(score - top) for score in scores))
            discriminative.append(total - scores[i])
            generative.append(float((g[i] - x[i]).square().mean()))
    expected = np.mean(discriminative), np.mean(generative)
    assert float(loss.parts["discriminative"]) == pytest.approx(expected[0], abs=1e-10)
    assert float(loss.parts["generative"]) == pytest.approx(expected[1], abs=1e-10)
    assert float(loss.total) == pytest.approx(expected[0] + 10 * expected[1], abs=1e-9)


def test_heads_that_know_nothing_cost_the_logarithm_of_the_count():
    method = pretext(mask={"name": "blocks", "ratio": 0.5})
    for parameter in (*method.classify.parameters(), *method.reconstruct.parameters()):
        torch.nn.init.zeros_(parameter)
    examples, batch = batch_of(method, clip(4000))
    loss = method(batch)
    count = examples[0].hidden.sum()
    assert float(loss.parts["discriminative"]) == pytest.approx(math.log(count), abs=1e-10)
    hidden = method.encoder.patches(batch.batch)[0][0, batch.split.hidden[0]]
    assert float(loss.parts["generative"]) == pytest.approx(float(hidden.square().mean()))


def test_padding_and_order_change_nothing():
    method = pretext()
    clips = [clip(4000, 1), clip(5000, 2)]
    examples, _ = batch_of(method, *clips, clip(12_000, 3))
    apart = [method(method.collate([example])) for example in examples]
    counts = [int(example.hidden.sum()) for example in examples]
    expected = sum(n * float(loss.total) for n, loss in zip(counts, apart, strict=True))
    joint, turned = method(method.collate(examples)), method(method.collate(examples[::-1]))
    assert float(joint.total) == pytest.approx(expected / sum(counts), abs=1e-9)
    assert float(turned.total) == pytest.approx(float(joint.total), abs=1e-9)


def test_hides_the_exact_share_of_each_clip_by_its_key_alone():
    method = pretext()
    for samples in (2000, 8000, 16_000):
        sample = clip(samples)
        example = method.example(sample, Draw(0, 0, "a", 0, ""))
        assert example.hidden.sum() == round(0.78 * example.valid.size)
        again = method.example(sample, Draw(0, 0, "a", 0, ""))
        np.testing.assert_array_equal(example.hidden, again.hidden)
        assert not np.array_equal(
            example.hidden, method.example(sample, Draw(0, 1, "a", 0, "")).hidden
        )


def test_every_patch_is_hidden_equally_often():
    """The official sampler hides the rows of this grid between 41 and 89 % of the time."""
    mask = SSASTSettings().mask
    grid = np.ones((8, 64), dtype=bool)
    draws = 2000
    rate = sum(mask.plan(grid, np.random.default_rng(i)) for i in range(draws)) / draws
    assert np.abs(rate.mean(axis=1) - 399 / 512).max() < 0.02
    assert np.abs(rate - 399 / 512).max() < 6 * math.sqrt(0.78 * 0.22 / draws)


def test_frames_are_patches_as_high_as_the_spectrogram():
    method = pretext(patch=(32, 2), mask={"name": "random", "ratio": 0.75})
    examples, batch = batch_of(method, clip(8000), clip(4000))
    assert examples[0].hidden.shape == (1, 24)
    assert torch.isfinite(method(batch).total)


def test_values_that_are_not_hidden_do_not_enter_the_generative_loss():
    frames = pretext(patch=(32, 2))
    for parameter in frames.reconstruct.parameters():
        torch.nn.init.zeros_(parameter)  # the prediction does not depend on what is visible
    sample = clip(8000)
    example = frames.example(sample, Draw(0, 0, "a", 0, ""))
    example.hidden[:] = False
    example.hidden[0, 12:] = True  # frames 24 on, which begin at sample 3840
    changed = sample.values.clone()
    changed[:, :3800] *= 2
    other = type(example)(Waveform(changed, 16000), example.valid, example.hidden)
    losses = [frames(frames.collate([e])).parts["generative"] for e in (example, other)]
    assert float(losses[0]) == pytest.approx(float(losses[1]), abs=1e-12)


def test_gradient_reaches_both_heads_the_mask_vector_and_the_encoder():
    method = pretext()
    _, batch = batch_of(method, clip(4000), clip(5000))
    method(batch).total.backward()
    for name, parameter in method.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.any(), name


def test_a_clip_of_one_frame_cannot_be_hidden():
    with pytest.raises(UnreadableItem, match="two patches or more"):
        pretext(patch=(32, 2)).example(clip(100), Draw(0, 0, "short.wav", 0, ""))


def test_other_encoders_are_refused():
    with pytest.raises(RecipeError, match="AST"):
        SSAST(SSASTSettings(), torch.nn.Linear(1, 1))
