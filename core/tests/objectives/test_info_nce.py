import math

import pytest
import torch
from losses import (
    EXTREMES,
    assert_blind_to_order,
    assert_equals,
    assert_precise_in_bf16,
    assert_processes_equal_one,
    extreme,
    views,
)
from processes import run_on

from unlabeled.errors import ShapeError
from unlabeled.objectives import symmetric_info_nce
from unlabeled.objectives.info_nce import InfoNCE, info_nce_loss


def pair(a, b, temperature=0.1, groups=None):
    return info_nce_loss([a, b], temperature=temperature, groups=groups)


def one_way(x, y, temperature, x_ids, extra=(), extra_ids=()):
    x, y = (z / z.norm(dim=1, keepdim=True) for z in (x, y))
    losses = []
    for i in range(len(x)):
        positive = torch.exp(x[i] @ y[i] / temperature)
        keys = [y[j] for j in range(len(y)) if x_ids[j] != x_ids[i]]
        keys += [k / k.norm() for k, g in zip(extra, extra_ids, strict=True) if g != x_ids[i]]
        others = sum(torch.exp(x[i] @ key / temperature) for key in keys)
        losses.append(-torch.log(positive / (positive + others)))
    return sum(losses) / len(losses)


def formula(a, b, temperature=0.1, ids=None):
    ids = ids or list(range(len(a)))
    return (one_way(a, b, temperature, ids) + one_way(b, a, temperature, ids)) / 2


@pytest.mark.parametrize("temperature", [0.05, 0.5])
def test_equals_the_formula(temperature):
    assert_equals(
        lambda a, b: pair(a, b, temperature), lambda a, b: formula(a, b, temperature), views(6, 4)
    )


def test_groups_and_duplicates_are_no_negatives():
    ids = [5, 0, 5, 2, 2, 5]
    assert_equals(
        lambda a, b: pair(a, b, groups=torch.tensor(ids)),
        lambda a, b: formula(a, b, ids=ids),
        views(6, 4),
    )


def naive(a, b, temperature=0.1):
    """All scores at once."""
    scores = torch.nn.functional.normalize(a) @ torch.nn.functional.normalize(b).T / temperature
    labels = torch.arange(len(a))
    cross_entropy = torch.nn.functional.cross_entropy
    return (cross_entropy(scores, labels) + cross_entropy(scores.T, labels)) / 2


@pytest.mark.parametrize("temperature", [symmetric_info_nce.WARM * 0.9, symmetric_info_nce.WARM])
@pytest.mark.parametrize(("chunk", "held"), [(1, 0), (10, 0), (10**6, 0), (1, 10**6)])
def test_every_form_equals_the_naive_one(temperature, chunk, held, monkeypatch):
    """In sums and in logarithms, in chunks and at once, computed twice and held."""
    monkeypatch.setattr(symmetric_info_nce, "CHUNK", chunk)
    monkeypatch.setattr(symmetric_info_nce, "HELD", held)
    monkeypatch.setattr(symmetric_info_nce, "LEAST", 1)
    assert_equals(
        lambda a, b: pair(a, b, temperature), lambda a, b: naive(a, b, temperature), views(9, 4)
    )


@pytest.mark.parametrize("temperature", [0.01, 0.1])
def test_equals_the_naive_form_where_several_chunks_are_needed(temperature):
    assert max(symmetric_info_nce.CHUNK, symmetric_info_nce.HELD) < 2048**2
    assert_equals(
        lambda a, b: pair(a, b, temperature), lambda a, b: naive(a, b, temperature), views(2048, 8)
    )


def test_a_small_loss_keeps_its_digits():
    a, b = (x.detach() for x in views(64, 64, noise=0.05))
    exact = pair(a, b, 0.05).total
    assert exact < 1e-4
    assert pair(a.float(), b.float(), 0.05).total.item() == pytest.approx(exact.item(), rel=0.02)


def test_the_largest_scores_there_are_do_not_overflow():
    a = torch.nn.functional.normalize(torch.ones(4096, 2), dim=1)
    loss = pair(a, -a, symmetric_info_nce.WARM).total
    assert loss.item() == pytest.approx(math.log(4096))
    a[::2] *= -1
    assert pair(a, -a, symmetric_info_nce.WARM).total.item() == pytest.approx(
        64 + math.log(2048), rel=1e-6
    )


def test_a_queue_adds_negatives_except_those_of_the_same_group():
    queue = torch.stack([x.detach() for x in views(3, 4, seed=5)])
    ids, queue_ids = [0, 1, 2, 3, 4, 5], [1, 9, 9]

    def with_queue(a, b):
        forth = one_way(a, b, 0.1, ids, queue[1], queue_ids)
        return (forth + one_way(b, a, 0.1, ids, queue[0], queue_ids)) / 2

    assert_equals(
        lambda a, b: info_nce_loss(
            [a, b],
            temperature=0.1,
            groups=torch.tensor(ids),
            queue=queue,
            queue_groups=torch.tensor(queue_ids),
        ),
        with_queue,
        views(6, 4),
    )


def grouped(a, b, groups):
    return pair(a, b, groups=groups)


@pytest.mark.parametrize("counts", [(5, 2), (1, 1), (3, 0, 4)])
def test_processes_equal_one_joint_batch(counts):
    tensors = views(sum(counts), 5)
    assert_processes_equal_one(pair, tensors, counts)
    assert_processes_equal_one(grouped, (*tensors, torch.arange(sum(counts)) % 3), counts)


def test_symmetric_and_blind_to_order():
    a, b = views(8, 4)
    assert_blind_to_order(pair, (a, b))
    torch.testing.assert_close(pair(b, a).total, pair(a, b).total)


def test_collapse_is_not_the_optimum():
    assert pair(torch.ones(8, 4), torch.ones(8, 4)).total.item() == pytest.approx(math.log(8))
    assert pair(torch.eye(8), torch.eye(8)).total < 0.01


@pytest.mark.parametrize("case", EXTREMES)
@pytest.mark.parametrize("temperature", [0.005, 0.1])
def test_precise_in_bf16(case, temperature):
    assert_precise_in_bf16(lambda a, b: pair(a, b, temperature), extreme(case))


def objective(**settings):
    torch.manual_seed(0)
    return InfoNCE(InfoNCE.settings_type(projector=(16, 8), **settings), width=5)


def batches(count=4, n=6):
    return [[x.detach().float() for x in views(n, 5, seed=seed)] for seed in range(count)]


def test_a_learned_temperature_gets_the_gradient_of_the_formula_and_a_floor():
    method = objective(temperature=0.1, learn_temperature=True).double().eval()
    a, b = views(6, 5)
    method([a, b]).total.backward()
    temperature = torch.tensor(0.1, dtype=torch.float64, requires_grad=True)
    formula(method.projector(a), method.projector(b), temperature).backward()
    # The parameter is -log T, and dT / d(-log T) = -T. It starts as float32.
    torch.testing.assert_close(method.log_scale.grad, -0.1 * temperature.grad, rtol=1e-5, atol=1e-6)
    method.log_scale.data.fill_(50.0)
    method.after_step(0, 1)
    assert torch.exp(-method.log_scale).item() == pytest.approx(0.01)


def test_the_queue_holds_the_last_samples_and_survives_a_resume():
    method = objective(queue=10)
    history = []
    for step, batch in enumerate(batches()):
        method(batch)
        history.append(
            torch.stack(
                [
                    torch.nn.functional.normalize(z, dim=1)
                    for z in (method.projector(x) for x in batch)
                ]
            ).detach()
        )
        method.after_step(step, 4)
        if step == 0:
            assert method.queued == 6
    assert method.queued == 10
    torch.testing.assert_close(method.queue, torch.cat(history, dim=1)[:, -10:], atol=1e-5, rtol=0)
    twin = objective(queue=10)
    twin.load_state_dict(method.state_dict())
    new = batches(1)[0]
    torch.testing.assert_close(twin(new).total, method(new).total)
    plain = objective()
    plain.projector.load_state_dict(method.projector.state_dict())
    assert plain.eval()(new).total < method.eval()(new).total


def test_evaluation_leaves_the_queue_alone():
    method = objective(queue=10).eval()
    method(batches(1)[0])
    method.after_step(0, 1)
    assert method.queued == 0


def queues(rank):
    method = objective(queue=8).double()
    method.projector.eval()
    for step in range(2):
        joint = [x.detach() for x in views(6, 5, seed=step)]
        rows = slice(0, 4) if rank == 0 else slice(4, 6)
        loss = method([x[rows] for x in joint], groups=torch.tensor([0, 1, 2, 0, 3, 1])[rows])
        method.after_step(step, 2)
    return loss.total.detach(), method.queue, method.queue_groups


def test_processes_hold_equal_queues():
    results = run_on(2, queues)
    method = objective(queue=8).double()
    method.projector.eval()
    for step in range(2):
        loss = method(
            [x.detach() for x in views(6, 5, seed=step)], groups=torch.tensor([0, 1, 2, 0, 3, 1])
        )
        method.after_step(step, 2)
    for total, queue, groups in results:
        torch.testing.assert_close(total, loss.total.detach(), rtol=0, atol=1e-9)
        torch.testing.assert_close(queue, method.queue, rtol=0, atol=1e-6)
        assert torch.equal(groups, method.queue_groups)


def test_bad_input_is_refused_by_name():
    a, b = views(4, 3)
    with pytest.raises(ShapeError, match=r"modalities\[1\]: expected the shape of modalities\[0\]"):
        info_nce_loss([a, b[:3]])
    with pytest.raises(ShapeError, match="joint batch of at least 2 samples, found 1"):
        info_nce_loss([a[:1], b[:1]])
    with pytest.raises(ShapeError, match="temperature: expected a number above 0, found 0"):
        info_nce_loss([a, b], temperature=torch.tensor(0.0))
    with pytest.raises(ShapeError, match="student: expected 2 views, found 3"):
        objective()([a, b, b])


def test_a_temperature_that_is_not_learned_is_exact():
    method = InfoNCE(InfoNCE.settings_type(temperature=0.2, projector=()), width=5)
    both = views(6, 5)
    wanted = info_nce_loss(both, temperature=0.2).total
    torch.testing.assert_close(method(both).total, wanted, rtol=0, atol=1e-14)
