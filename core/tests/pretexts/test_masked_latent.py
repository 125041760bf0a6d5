import pytest
import torch
from waves import Waves, signals

from unlabeled.pretexts.masked_latent import MaskedLatent, MaskedLatentSettings
from unlabeled.randomness import Draw


def method(**settings) -> MaskedLatent:
    torch.manual_seed(0)
    values = {"predictor": {"width": 8, "depth": 1, "heads": 2}, **settings}
    return MaskedLatent(MaskedLatentSettings(**values), Waves()).double()


def batch(pretext, samples):
    examples = [pretext.example(s, Draw(0, 0, str(i), 0, "")) for i, s in enumerate(samples)]
    return pretext.collate(examples)


def test_loss_compares_with_the_normalised_tokens_of_the_whole_sample():
    pretext = method(distance="l2")
    made = batch(pretext, signals(40, 40))
    visible, hidden = made.split.visible, made.split.hidden
    whole = pretext.teacher.encoder.encode(made.batch, "steps").values
    tokens = pretext.encoder.encode_visible(made.batch, visible)
    prediction = pretext.predictor(tokens, visible, hidden, made.split.grid)
    total, count = 0.0, 0
    for n in range(2):
        for place, predicted in zip(hidden[n].tolist(), prediction[n], strict=True):
            target = whole[n, place]
            target = (target - target.mean()) / (target.var(unbiased=False) + 1e-5).sqrt()
            total += float((predicted - target).detach().square().sum())
            count += len(target)
    assert float(pretext(made).total.detach()) == pytest.approx(total / count, rel=1e-9)


def test_padding_changes_nothing():
    pretext = method()
    examples = [
        pretext.example(s, Draw(0, 0, str(i), 0, "")) for i, s in enumerate(signals(40, 13, 26))
    ]
    counts = [int(e.hidden.sum()) for e in examples]
    alone = [float(pretext(pretext.collate([e])).total.detach()) for e in examples]
    expected = sum(c * a for c, a in zip(counts, alone, strict=True)) / sum(counts)
    assert float(pretext(pretext.collate(examples)).total.detach()) == pytest.approx(expected)


def test_the_student_learns_and_the_teacher_follows():
    pretext = method(teacher={"momentum": 0.9, "final_momentum": 0.9})
    pretext(batch(pretext, signals(40, 32))).total.backward()
    student = [*pretext.encoder.parameters(), *pretext.predictor.parameters()]
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in student)
    assert all(p.grad is None for p in pretext.teacher.parameters())
    weight = pretext.encoder.transformer.embedding.projection.weight
    before = weight.detach().clone()
    with torch.no_grad():
        weight += 1
    pretext.after_step(0, 10)
    followed = pretext.teacher.encoder.transformer.embedding.projection.weight
    torch.testing.assert_close(followed, before + 0.1)
