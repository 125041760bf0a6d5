import math

import pytest
import torch
from losses import (
    EXTREMES,
    assert_equals,
    assert_precise_in_bf16,
    assert_processes_equal_one,
    extreme,
    views,
)
from processes import run_on

from unlabeled.errors import ShapeError
from unlabeled.objectives import soft_cross_entropy
from unlabeled.objectives.dino import DINO, dino_loss

K = 5
CENTER = torch.linspace(-0.3, 0.3, K, dtype=torch.float64)


def loss(*logits, center=CENTER):
    """Three student views, then two teacher views."""
    return dino_loss(logits[:3], logits[3:], center=center)


def formula(*logits):
    student, teacher = logits[:3], logits[3:]
    total = 0
    for i, t in enumerate(teacher):
        p = torch.exp((t.detach() - CENTER) / 0.04)
        p = p / p.sum(1, keepdim=True)
        for v, s in enumerate(student):
            if v != i:
                q = torch.exp(s / 0.1)
                total = total - (p * (q / q.sum(1, keepdim=True)).log()).sum(1).mean()
    return total / 4


def inputs(n=6):
    drawn = views(n, K, count=5)
    return [*drawn[:3], *(t.detach() for t in drawn[3:])]


@pytest.mark.parametrize("tiny", [0, 10**6])
def test_equals_the_formula(tiny, monkeypatch):
    monkeypatch.setattr(soft_cross_entropy, "TINY", tiny)
    assert_equals(loss, formula, inputs())


def test_equals_lightly():
    theirs = pytest.importorskip("lightly.loss").DINOLoss(output_dim=K).double()
    theirs.center.data.copy_(CENTER)
    *student, s, t = inputs()
    ours = loss(*student, s, t)
    torch.testing.assert_close(ours, theirs([s, t], student), rtol=1e-7, atol=1e-7)


def test_the_teacher_gets_no_gradient():
    logits = views(6, K, count=5)
    loss(*logits).backward()
    assert all(s.grad is not None for s in logits[:3])
    assert all(t.grad is None for t in logits[3:])


@pytest.mark.parametrize("counts", [(5, 2), (1, 1), (3, 0, 4)])
def test_processes_equal_one_joint_batch(counts):
    assert_processes_equal_one(loss, inputs(sum(counts)), counts)


def test_blind_to_order():
    logits = inputs()
    order = torch.tensor([3, 1, 5, 0, 2, 4])
    torch.testing.assert_close(loss(*(x[order] for x in logits)), loss(*logits))


def test_one_dominating_prototype_is_undone_by_the_centre():
    """A teacher that always says the same becomes a flat target once the centre knows it."""
    same = torch.tensor([3.0, 0, 0, 0, 0]).expand(4, K)
    known = loss(same, same, same, same, same, center=same[0])
    flat = torch.zeros(4, K)
    assert known > loss(flat, flat, flat, same, same, center=same[0])
    assert loss(flat, flat, flat, same, same, center=same[0]).item() == pytest.approx(math.log(K))


@pytest.mark.parametrize("case", EXTREMES)
def test_precise_in_bf16(case):
    a, b = extreme(case)
    center = torch.zeros(a.shape[1])
    assert_precise_in_bf16(lambda s, v: dino_loss([s, v], [a, b], center=center), (a, b))


def objective(**settings):
    torch.manual_seed(0)
    return DINO(DINO.settings_type(projector=(16, 8), prototypes=K, **settings), width=4)


def test_centre_and_temperature_move_after_each_step():
    method = objective(warmup=0.5, teacher_temperature=0.04, final_teacher_temperature=0.08)
    center = torch.zeros(K)
    for step in range(4):
        teacher = [x.detach().float() for x in views(6, K, seed=step)]
        before = method.targets.center.clone()
        method([x.float() for x in views(6, 4, count=3, seed=step)], teacher)
        assert torch.equal(method.targets.center, before)
        method.after_step(step, 4)
        center = 0.9 * center + 0.1 * torch.cat(teacher).mean(0)
        torch.testing.assert_close(method.targets.center, center)
        expected = 0.04 + 0.04 * min((step + 1) / 2, 1)
        assert method.targets.temperature.item() == pytest.approx(expected)
    twin = objective()
    twin.load_state_dict(method.state_dict())
    assert torch.equal(twin.targets.center, method.targets.center)
    method.eval()
    method([x.float() for x in views(6, 4)], teacher)
    method.after_step(4, 4)
    torch.testing.assert_close(method.targets.center, center)


def centre(rank):
    method = objective()
    rows = slice(0, 4) if rank == 0 else slice(4, 6)
    teacher = [x.detach().float()[rows] for x in views(6, K)]
    method([x.float()[rows] for x in views(6, 4)], teacher)
    method.after_step(0, 1)
    return method.targets.center


def test_the_centre_is_that_of_the_joint_batch():
    expected = 0.1 * torch.cat([x.detach().float() for x in views(6, K)]).mean(0)
    for found in run_on(2, centre):
        torch.testing.assert_close(found, expected)


def test_bad_input_is_refused_by_name():
    a, b = views(4, K)
    with pytest.raises(ShapeError, match="teacher: expected 1 to 2 views, found 0"):
        dino_loss([a, b], [], center=CENTER)
    with pytest.raises(ShapeError, match=r"teacher\[0\]: expected the shape of student\[0\]"):
        dino_loss([a, b], [a[:, :2]], center=CENTER)
    with pytest.raises(ShapeError, match="student_temperature: expected a number above 0"):
        dino_loss([a, b], [a], center=CENTER, student_temperature=0)
    with pytest.raises(ShapeError, match="joint batch of at least 2 samples, found 1"):
        objective()([x[:1, :4].float() for x in (a, b)], [a[:1].float()])
