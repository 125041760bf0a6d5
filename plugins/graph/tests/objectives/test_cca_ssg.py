import torch

from unlabeled_graph.objectives.cca_ssg import cca_ssg_loss


def test_cca_ssg_is_the_formula_and_survives_a_dead_column():
    a, b = torch.randn(2, 9, 4, dtype=torch.float64)
    views = [(z - z.mean(0)) / (z.var(0, correction=0) + 1e-5).sqrt() for z in (a, b)]
    apart = sum((torch.eye(4, dtype=torch.float64) - z.T @ z / 9).square().sum() for z in views)
    expected = -(views[0] * views[1]).sum() / 9 + 0.01 * apart

    torch.testing.assert_close(cca_ssg_loss(a, b, decorrelation=0.01).total, expected)
    a[:, 0] = 3.0
    a.requires_grad_()
    cca_ssg_loss(a, b).total.backward()
    assert torch.isfinite(a.grad).all()
