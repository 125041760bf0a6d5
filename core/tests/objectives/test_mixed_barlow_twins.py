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

from unlabeled.errors import ShapeError
from unlabeled.objectives.mixed_barlow_twins import MixedBarlowTwins, mixed_barlow_twins_loss

WEIGHT = 0.0078125


def loss(a, b, m, partner, share):
    return mixed_barlow_twins_loss(a, b, m, partner=partner, share=share)


def formula(a, b, m, partner, share):
    """The authors' targets written out, with the biased deviation."""
    n = len(a)
    a, b, m = (z / z.norm(dim=1, keepdim=True) for z in (a, b, m))
    a, b, m = ((z - z.mean(0)) / (z.var(0, unbiased=False) + 1e-8).sqrt() for z in (a, b, m))
    share = share.view(-1, 1)
    c = a.T @ b / n
    off = c - torch.diag(torch.diag(c))
    twins = ((torch.diag(c) - 1) ** 2).sum() + WEIGHT * (off**2).sum()
    total = twins
    for z in (a, b):
        wanted = (share * a).T @ z / n + ((1 - share) * b[partner]).T @ z / n
        total = total + 4 * WEIGHT * ((m.T @ z / n - wanted) ** 2).sum()
    return total


def inputs(n=8, d=5, per_sample=False):
    a, b, m = views(n, d, count=3)
    generator = torch.Generator().manual_seed(2)
    share = torch.rand(n, generator=generator, dtype=torch.float64)
    return a, b, m, torch.randperm(n, generator=generator), share if per_sample else share[:1]


@pytest.mark.parametrize("shape", [(8, 5), (5, 20), (2, 2)])
@pytest.mark.parametrize("per_sample", [False, True])
def test_equals_the_formula(shape, per_sample):
    a, b, m, partner, share = inputs(*shape, per_sample)
    assert_equals(loss, formula, (a, b, m, partner, share))


@pytest.mark.parametrize("counts", [(5, 3), (1, 1), (3, 0, 4)])
@pytest.mark.parametrize("width", [4, 30])
def test_processes_equal_one_joint_batch(counts, width):
    assert_processes_equal_one(loss, inputs(sum(counts), width, per_sample=True), counts)


def test_blind_to_order():
    a, b, m, partner, share = inputs(8, 4, per_sample=True)
    order = torch.randperm(8, generator=torch.Generator().manual_seed(3))
    place = torch.argsort(order)
    moved = loss(a[order], b[order], m[order], place[partner[order]], share[order])
    torch.testing.assert_close(moved.total, loss(a, b, m, partner, share).total)


def test_a_mix_of_embeddings_costs_nothing_more():
    a, b, _, partner, share = inputs(64, 3)
    same = loss(a, b, a, partner, torch.ones(1))
    assert same.parts["mix"].item() == pytest.approx(0, abs=1e-20)
    assert loss(a, b, b[partner], partner, share).parts["mix"] > 1e-4


def test_collapse_is_not_the_optimum():
    constant, order = torch.ones(8, 4), torch.arange(8)
    assert loss(constant, constant, constant, order, torch.ones(1)).total.item() == 4


@pytest.mark.parametrize("case", EXTREMES)
def test_precise_in_bf16(case):
    a, b = extreme(case)
    partner = torch.arange(len(a)).flip(0)
    assert_precise_in_bf16(
        lambda a, b, m: mixed_barlow_twins_loss(a, b, m, partner=partner, share=torch.tensor(0.3)),
        (a, b, (0.3 * a + 0.7 * b[partner]).bfloat16()),
    )


def test_bad_input_is_refused_by_name():
    a, b, m, partner, share = inputs()
    with pytest.raises(ShapeError, match="mixed: expected the shape of a"):
        loss(a, b, m[:, :2], partner, share)
    with pytest.raises(ShapeError, match=r"partner: expected \(8,\) positions, found \(3,\)"):
        loss(a, b, m, partner[:3], share)
    objective = MixedBarlowTwins(MixedBarlowTwins.settings_type(projector=(8,)), width=5)
    with pytest.raises(ShapeError, match="share, partner: expected how the third view was mixed"):
        objective([a.float(), b.float(), m.float()])


def test_the_objective_projects_all_three():
    objective = MixedBarlowTwins(MixedBarlowTwins.settings_type(projector=(16, 8)), width=5).eval()
    a, b, m, partner, share = inputs()
    three = [x.float() for x in (a, b, m)]
    expected = loss(*(objective.projector(x) for x in three), partner, share)
    result = objective(three, share=share, partner=partner)
    torch.testing.assert_close(result.total, expected.total)
    assert set(result.parts) == {"diagonal", "off_diagonal", "mix"}


def test_blind_to_order_of_columns():
    a, b, m, partner, share = inputs()
    columns = torch.tensor([3, 1, 0, 4, 2])
    moved = loss(a[:, columns], b[:, columns], m[:, columns], partner, share).total
    torch.testing.assert_close(moved, loss(a, b, m, partner, share).total)
