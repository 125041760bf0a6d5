import numpy as np
import pytest
import torch
from processes import run_on
from waves import Waves, signals

from unlabeled.augmentations.views import Views, ViewSettings
from unlabeled.contract import Output
from unlabeled.errors import RecipeError, UnreadableItem
from unlabeled.objectives.dino import DINO, DINOSettings
from unlabeled.objectives.vicreg import VICReg, VICRegSettings
from unlabeled.pretexts.self_distillation import SelfDistillation, SelfDistillationSettings
from unlabeled.randomness import Draw

HEAD = {"prototypes": 6, "projector": (8,)}


def method(views=3, encoder=None, objective=None, **settings) -> SelfDistillation:
    torch.manual_seed(0)
    values = {"tokens": HEAD, "mask": {"ratio": 0.4}, **settings}
    return SelfDistillation(
        SelfDistillationSettings(**values),
        encoder or Waves(),
        views=Views([ViewSettings(count=views)]),
        objective=objective or DINO(DINOSettings(**HEAD), 12),
    ).double()


def examples(pretext, samples):
    return [pretext.example(s, Draw(0, 0, str(i), 0, "")) for i, s in enumerate(samples)]


def batch(pretext, samples):
    return pretext.collate(examples(pretext, samples))


def cross_entropy(student, teacher):
    """Rows of logits, as DINO and iBOT compare them at the start (centre 0, T 0.1 and 0.04)."""
    temperature = float(torch.tensor(0.04))
    return -((teacher / temperature).softmax(-1) * (student / 0.1).log_softmax(-1)).sum(-1)


def test_loss_is_the_formula_of_both_terms():
    pretext = method(token_weight=0.5)
    made = batch(pretext, signals(40, 40))
    view, head = made.views[0].batch, pretext.objective.projector
    whole = pretext.encoder.encode(view, "steps").values
    target = head(whole.mean(dim=1))
    pooled, by_token = [], 0.0
    for split in made.splits:
        seen = pretext.encoder.encode_visible(view, split.visible)
        pooled.append(head(seen.mean(dim=1)))
        predicted = pretext.predictor(seen, split.visible, split.hidden, (10,))
        for n in range(2):
            logits = pretext.tokens.projector(predicted[n])
            expected = pretext.tokens.projector(whole[n, split.hidden[n]])
            by_token += cross_entropy(logits, expected).mean() / 4
    pooled.append(target)
    pairs = [(v, t) for t in range(2) for v in range(3) if v != t]
    by_view = sum(cross_entropy(pooled[v], target).mean() for v, _ in pairs) / len(pairs)
    loss = pretext(made)
    torch.testing.assert_close(loss.parts["views"], by_view, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(loss.parts["tokens"], by_token, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(loss.total, by_view + 0.5 * by_token, rtol=1e-9, atol=1e-9)


def test_large_views_have_masks_of_their_own_that_depend_on_the_draw():
    pretext, sample = method(), signals(40)[0]
    one, again = (pretext.example(sample, Draw(0, 0, "a", 0, "")) for _ in range(2))
    assert len(one.hidden) == 2
    assert (one.hidden[0] != one.hidden[1]).any()
    assert all((a == b).all() for a, b in zip(one.hidden, again.hidden, strict=True))
    assert [int(hidden.sum()) for hidden in one.hidden] == [4, 4]


def test_the_student_learns_and_the_teacher_does_not():
    pretext = method()
    pretext(batch(pretext, signals(40, 32))).total.backward()
    taught = {id(p) for p in pretext.teacher.parameters()}
    for name, parameter in pretext.named_parameters():
        if id(parameter) in taught:
            assert parameter.grad is None, name
        else:
            assert parameter.grad is not None, name
            assert parameter.grad.abs().sum() > 0, name


def test_steps_move_teacher_and_centres():
    pretext = method(teacher={"momentum": 0.5, "final_momentum": 0.5})
    pretext(batch(pretext, signals(40, 32)))
    before = pretext.teacher.projector[1][0][0].weight.clone()
    with torch.no_grad():
        pretext.tokens.projector[0][0].weight += 1
    pretext.after_step(0, 10)
    torch.testing.assert_close(pretext.teacher.projector[1][0][0].weight, before + 0.5)
    assert pretext.objective.targets.center.abs().sum() > 0
    assert pretext.tokens.targets.center.abs().sum() > 0


def _gradient(rank, parts):
    pretext = method()
    made = examples(pretext, signals(40, 13, 26, 33))
    loss = pretext(pretext.collate([made[i] for i in parts[rank]])).total
    loss.backward()
    grads = [p.grad.flatten() for p in pretext.parameters() if p.grad is not None]
    return loss.detach(), torch.cat(grads)


def test_two_processes_with_unequal_tokens_equal_one():
    loss, gradient = _gradient(0, [[0, 1, 2, 3]])
    ranks = run_on(2, _gradient, [[0], [1, 2, 3]])
    for value, _ in ranks:
        torch.testing.assert_close(value, loss, rtol=1e-9, atol=1e-9)
    mean = sum(g for _, g in ranks) / 2
    torch.testing.assert_close(mean, gradient, rtol=1e-9, atol=1e-9)


def test_an_objective_without_a_teacher_is_refused():
    with pytest.raises(RecipeError, match="one with a teacher"):
        method(objective=VICReg(VICRegSettings(), 12))


def test_too_few_views_are_refused():
    with pytest.raises(RecipeError, match="expected 3 or more, the first 3 of them large; found 2"):
        method(views=2, large_views=3)


def test_a_default_output_of_another_width_is_refused():
    encoder = Waves()
    encoder.outputs = (Output("clip", "global", 24),)
    with pytest.raises(RecipeError, match="of width 12; found 'clip', global, of width 24"):
        method(encoder=encoder)


def test_a_view_too_small_to_hide_from_is_quarantined():
    with pytest.raises(UnreadableItem, match="2 or more patches with data, found 1"):
        method().example(signals(3)[0], Draw(0, 0, "short.wav", 0, ""))


def test_views_are_not_changed():
    sample = signals(40)[0]
    before = sample.clone()
    method().example(sample, Draw(0, 0, "a", 0, ""))
    assert np.array_equal(sample, before)
