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
from unlabeled.objectives.ibot import IBOT, ibot_loss

K = 5
CENTER = torch.linspace(-0.3, 0.3, K, dtype=torch.float64)
OWNER = torch.tensor([0, 0, 0, 1, 4, 4, 5])


def loss(student, teacher, owner):
    return ibot_loss(student, teacher, owner=owner, center=CENTER)


def formula(student, teacher, owner):
    means = []
    for sample in owner.unique():
        terms = []
        for s, t in zip(student[owner == sample], teacher[owner == sample], strict=True):
            p = torch.exp((t.detach() - CENTER) / 0.04)
            q = torch.exp(s / 0.1)
            terms.append(-(p / p.sum() * (q / q.sum()).log()).sum())
        means.append(sum(terms) / len(terms))
    return sum(means) / len(means)


def inputs():
    student, teacher = views(7, K)
    return student, teacher.detach(), OWNER


def test_equals_the_formula():
    assert_equals(loss, formula, inputs())


def test_equals_lightly():
    theirs = pytest.importorskip("lightly.loss").IBOTPatchLoss(output_dim=K).double()
    theirs.center.value.copy_(CENTER)
    student, teacher, _ = inputs()
    mask = torch.tensor([[[1, 1], [1, 0]], [[0, 0], [0, 1]], [[1, 1], [1, 0]]]).bool()
    owner = mask.flatten(1).nonzero()[:, 0]
    expected = theirs(teacher, student, mask)
    torch.testing.assert_close(loss(student, teacher, owner), expected, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("counts", [(4, 3), (3, 0, 4)])
def test_processes_equal_one_joint_batch(counts):
    """Samples are not cut in two: the counts end where a sample ends."""
    assert_processes_equal_one(loss, inputs(), counts)


def test_blind_to_order():
    order = torch.tensor([3, 1, 6, 5, 0, 2, 4])
    torch.testing.assert_close(loss(*(x[order] for x in inputs())), loss(*inputs()))


@pytest.mark.parametrize("case", EXTREMES)
def test_precise_in_bf16(case):
    a, b = extreme(case)
    owner, center = torch.arange(len(a)) // 2, torch.zeros(a.shape[1])
    assert_precise_in_bf16(lambda s: ibot_loss(s, b, owner=owner, center=center), (a,))


def test_the_objective_moves_its_centre():
    torch.manual_seed(0)
    method = IBOT(IBOT.settings_type(projector=(16, 8), prototypes=K), width=4)
    tokens, teacher = views(7, 4)[0].float(), views(7, K)[0].detach().float()
    result = method([tokens], [teacher], groups=OWNER)
    expected = ibot_loss(method.projector(tokens), teacher, owner=OWNER, center=torch.zeros(K))
    torch.testing.assert_close(result.total, expected)
    method.after_step(0, 10)
    torch.testing.assert_close(method.targets.center, 0.1 * teacher.mean(0))


def test_no_masked_token_costs_nothing():
    assert loss(torch.zeros(0, K), torch.zeros(0, K), OWNER[:0]).item() == 0


def test_bad_input_is_refused_by_name():
    student, teacher, owner = inputs()
    with pytest.raises(ShapeError, match="teacher: expected the shape of student"):
        loss(student, teacher[:3], owner)
    with pytest.raises(ShapeError, match=r"groups: expected \(7,\) integer ids, found \(3,\)"):
        loss(student, teacher, owner[:3])
