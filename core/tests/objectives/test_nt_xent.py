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

from unlabeled.errors import ShapeError
from unlabeled.objectives import negatives
from unlabeled.objectives.nt_xent import NTXent, nt_xent_loss


def formula(a, b, temperature=0.1, groups=None):
    """Equation 1, anchor by anchor."""
    n = len(a)
    z = torch.cat([a, b])
    z = z / z.norm(dim=1, keepdim=True)
    ids = list(range(n)) * 2 if groups is None else groups.tolist() * 2
    losses = []
    for i in range(2 * n):
        scores = [torch.exp(z[i] @ z[j] / temperature) for j in range(2 * n)]
        positive = scores[(i + n) % (2 * n)]
        others = [scores[j] for j in range(2 * n) if ids[j] != ids[i]]
        losses.append(-torch.log(positive / (positive + sum(others))))
    return sum(losses) / len(losses)


@pytest.mark.parametrize("temperature", [0.05, 0.5])
def test_equals_the_formula(temperature):
    assert_equals(
        lambda a, b: nt_xent_loss(a, b, temperature=temperature),
        lambda a, b: formula(a, b, temperature),
        views(6, 4),
    )


def test_groups_are_no_negatives():
    groups = torch.tensor([7, 3, 7, 1, 3, 7])
    assert_equals(
        lambda a, b: nt_xent_loss(a, b, groups=groups),
        lambda a, b: formula(a, b, groups=groups),
        views(6, 4),
    )
    alone = nt_xent_loss(*views(6, 4), groups=torch.zeros(6, dtype=torch.long))
    alone.backward()
    assert alone.item() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("chunk", [1, 60, 10**6])
def test_the_size_of_the_chunks_does_not_matter(chunk, monkeypatch):
    monkeypatch.setattr(negatives, "CHUNK", chunk)
    assert_equals(nt_xent_loss, formula, views(9, 5))


def naive(a, b):
    """All scores at once."""
    z = torch.nn.functional.normalize(torch.cat([a, b]), dim=1)
    scores = (z @ z.T / 0.1).fill_diagonal_(-torch.inf)
    return torch.nn.functional.cross_entropy(scores, torch.arange(len(z)).roll(len(a)))


def test_equals_the_naive_form_where_several_chunks_are_needed():
    assert negatives.CHUNK < (2 * 1100) ** 2
    assert_equals(nt_xent_loss, naive, views(1100, 8))


def test_equals_lightly():
    theirs = pytest.importorskip("lightly.loss").NTXentLoss(temperature=0.1)
    assert_equals(nt_xent_loss, theirs, views(32, 16), tolerance=1e-9)


@pytest.mark.parametrize("counts", [(5, 2), (1, 1), (3, 0, 4)])
def test_processes_equal_one_joint_batch(counts):
    assert_processes_equal_one(nt_xent_loss, views(sum(counts), 5), counts)


def grouped(a, b, groups):
    return nt_xent_loss(a, b, groups=groups)


def test_processes_share_groups():
    groups = torch.tensor([0, 1, 0, 2, 1, 3, 3])
    assert_processes_equal_one(grouped, (*views(7, 5), groups), (5, 2))


def test_symmetric_and_blind_to_order():
    a, b = views(8, 4)
    assert_blind_to_order(nt_xent_loss, (a, b))
    torch.testing.assert_close(nt_xent_loss(b, a), nt_xent_loss(a, b))


def test_collapse_is_not_the_optimum():
    collapsed = nt_xent_loss(torch.ones(8, 4), torch.ones(8, 4))
    assert collapsed.item() == pytest.approx(math.log(15))
    assert nt_xent_loss(torch.eye(8), torch.eye(8)) < 0.01


@pytest.mark.parametrize("case", EXTREMES)
@pytest.mark.parametrize("temperature", [0.005, 0.1])
def test_precise_in_bf16(case, temperature):
    assert_precise_in_bf16(lambda a, b: nt_xent_loss(a, b, temperature=temperature), extreme(case))


def test_bad_input_is_refused_by_name():
    a, b = views(4, 3)
    with pytest.raises(ShapeError, match=r"b: expected the shape of a, \(4, 3\), found \(3, 3\)"):
        nt_xent_loss(a, b[:3])
    with pytest.raises(
        ShapeError, match="a: expected a joint batch of at least 2 samples, found 1"
    ):
        nt_xent_loss(a[:1], b[:1])
    with pytest.raises(ShapeError, match="temperature: expected a number above 0, found 0"):
        nt_xent_loss(a, b, temperature=0)
    with pytest.raises(ShapeError, match=r"groups: expected \(4,\) integer ids, found \(3,\)"):
        nt_xent_loss(a, b, groups=torch.zeros(3, dtype=torch.long))


def test_the_objective_projects_both_views():
    objective = NTXent(NTXent.settings_type(projector=(16, 8), temperature=0.2), width=5).eval()
    a, b = (view.float() for view in views(6, 5))
    expected = nt_xent_loss(objective.projector(a), objective.projector(b), temperature=0.2)
    torch.testing.assert_close(objective([a, b]).total, expected)
