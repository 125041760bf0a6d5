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
from unlabeled.objectives.ssl_ey import SSLEY, ssl_ey_loss


def pair(a, b):
    return ssl_ey_loss([a, b])


def triple(a, b, c):
    return ssl_ey_loss([a, b, c])


def formula(*zs):
    zs = [z - z.mean(0) for z in zs]
    n = len(zs[0]) - 1
    c = sum(x.T @ y / n for i, x in enumerate(zs) for j, y in enumerate(zs) if i != j)
    v = sum(x.T @ x / n for x in zs)
    return -2 * torch.trace(c) + torch.trace(v @ v)


@pytest.mark.parametrize("shape", [(12, 5), (5, 12), (2, 1)])
def test_equals_the_formula(shape):
    assert_equals(pair, formula, views(*shape))
    assert_equals(triple, formula, views(*shape, count=3))


@pytest.mark.parametrize("counts", [(5, 2), (1, 1), (3, 0, 4)])
@pytest.mark.parametrize("width", [3, 40])
def test_processes_equal_one_joint_batch(counts, width):
    assert_processes_equal_one(pair, views(sum(counts), width), counts)


def test_symmetric_and_blind_to_order_and_rotation():
    a, b = views(9, 4)
    assert_blind_to_order(pair, (a, b))
    value = pair(a, b).total
    torch.testing.assert_close(pair(b, a).total, value)
    rotation = torch.linalg.qr(views(4, 4)[0].detach())[0]
    torch.testing.assert_close(pair(a @ rotation, b @ rotation).total, value)


def test_collapse_is_not_the_optimum():
    """Identical whitened views of size 1/√2 reach -D."""
    drawn = views(16, 8)[0].detach()
    whitened = torch.linalg.qr(drawn - drawn.mean(0))[0] * (15 / 2) ** 0.5
    assert pair(whitened, whitened).total.item() == pytest.approx(-8)
    assert pair(torch.ones(16, 8), torch.ones(16, 8)).total.item() == 0


def two_blocks():
    """Two linear views of the same three hidden factors, with noise."""
    generator = torch.Generator().manual_seed(0)
    factors = torch.randn(400, 3, generator=generator, dtype=torch.float64)
    mixing = torch.randn(2, 3, 6, generator=generator, dtype=torch.float64)
    noise = torch.randn(2, 400, 6, generator=generator, dtype=torch.float64)
    blocks = factors @ mixing + noise * torch.tensor([0.5, 1, 2, 0.3, 1, 1])
    return [block - block.mean(0) for block in blocks]


def minimum(loss, blocks, width):
    generator = torch.Generator().manual_seed(1)
    weights = [
        (0.1 * torch.randn(6, width, generator=generator, dtype=torch.float64)).requires_grad_()
        for _ in blocks
    ]
    optimiser = torch.optim.LBFGS(weights, max_iter=300, line_search_fn="strong_wolfe")

    def closure():
        optimiser.zero_grad()
        value = loss([x @ w for x, w in zip(blocks, weights, strict=True)], weights)
        value.backward()
        return value

    optimiser.step(closure)
    return closure().item(), [weight.detach() for weight in weights]


def test_linear_encoders_recover_canonical_correlations():
    blocks = two_blocks()
    q, r = (torch.linalg.qr(x)[0] for x in blocks)
    left, correlations, _ = torch.linalg.svd(q.T @ r)
    value, weights = minimum(lambda zs, _: ssl_ey_loss(zs).total, blocks, width=2)
    assert value == pytest.approx(-correlations[:2].square().sum().item(), rel=1e-6)
    found = torch.linalg.qr(blocks[0] @ weights[0])[0]
    angles = torch.linalg.svdvals(found.T @ (q @ left[:, :2]))
    torch.testing.assert_close(angles, torch.ones_like(angles), rtol=0, atol=1e-4)


def test_a_full_ridge_recovers_partial_least_squares():
    x, y = two_blocks()
    singular = torch.linalg.svdvals(x.T @ y / (len(x) - 1))
    value, _ = minimum(
        lambda zs, weights: ssl_ey_loss(zs, ridge=1.0, weights=weights).total, [x, y], width=2
    )
    assert value == pytest.approx(-singular[:2].square().sum().item(), rel=1e-6)


@pytest.mark.parametrize("case", EXTREMES)
def test_precise_in_bf16(case):
    assert_precise_in_bf16(pair, extreme(case))


def test_bad_input_is_refused_by_name():
    a, b = views(4, 3)
    with pytest.raises(ShapeError, match="views: expected two or more views, found 1"):
        ssl_ey_loss([a])
    with pytest.raises(ShapeError, match=r"views\[1\]: expected the shape of views\[0\]"):
        ssl_ey_loss([a, b[:3]])
    with pytest.raises(ShapeError, match="joint batch of at least 2 samples, found 1"):
        ssl_ey_loss([a[:1], b[:1]])
    with pytest.raises(ShapeError, match="weights: expected 2 linear encoders"):
        ssl_ey_loss([a, b], ridge=0.5)


def test_the_objective_projects_all_views():
    objective = SSLEY(SSLEY.settings_type(projector=(16, 8)), width=5).eval()
    three = [view.float() for view in views(6, 5, count=3)]
    expected = ssl_ey_loss([objective.projector(view) for view in three])
    torch.testing.assert_close(objective(three).total, expected.total)
