import pytest
import torch
from losses import views
from processes import run_on

from unlabeled.errors import ShapeError
from unlabeled.objectives.byol import byol_loss
from unlabeled.objectives.directpred import DirectPred, predictor_from_correlation


def correlation(d=6):
    x = views(40, d)[0].detach()
    return x.T @ x / len(x)


@pytest.mark.parametrize("eps", [0.01, 0.1])
def test_the_predictor_is_the_root_of_the_scaled_correlation(eps):
    f = correlation()
    w = predictor_from_correlation(f, eps) - eps * torch.eye(6, dtype=torch.float64)
    largest = torch.linalg.matrix_norm(f, ord=2)
    torch.testing.assert_close(w @ w, f / largest, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(w @ f, f @ w, rtol=1e-10, atol=1e-10)


def test_the_predictor_is_blind_to_scale_and_bears_a_singular_correlation():
    f = correlation()
    torch.testing.assert_close(
        predictor_from_correlation(7 * f, 0.01), predictor_from_correlation(f, 0.01)
    )
    eye = torch.eye(4)
    torch.testing.assert_close(predictor_from_correlation(3 * eye, 0.1), 1.1 * eye)
    torch.testing.assert_close(predictor_from_correlation(0 * eye, 0.1), 0.1 * eye)


def objective(dtype=torch.float32, **settings):
    torch.manual_seed(0)
    return DirectPred(DirectPred.settings_type(projector=(16, 8), **settings), width=5).to(dtype)


def inputs(n=6, seed=0):
    targets = [t.detach() for t in views(n, 8, seed=seed)]
    return [v.detach() for v in views(n, 5, seed=seed)], targets


def test_the_loss_is_that_of_byol_with_a_linear_predictor():
    method = objective(torch.float64).eval()
    method.predictor.copy_(torch.randn(8, 8))
    (a, b), (s, t) = inputs()
    p, q = (method.projector(view) @ method.predictor for view in (a, b))
    torch.testing.assert_close(method([a, b], [s, t]).total, byol_loss(p, t) + byol_loss(q, s))


def test_correlations_are_averaged_over_steps():
    method = objective(torch.float64, rho=0.3)
    method.projector.eval()
    expected = None
    for step in range(4):
        student, teacher = inputs(seed=step)
        method(student, teacher)
        rows = method.projector(torch.cat(student))
        batch = rows.T @ rows / len(rows)
        expected = batch if expected is None else 0.3 * expected + 0.7 * batch
        method.after_step(step, 4)
    torch.testing.assert_close(method.correlation, expected.detach())
    torch.testing.assert_close(
        method.predictor, predictor_from_correlation(expected.detach(), 0.01)
    )
    twin = objective(torch.float64, rho=0.3)
    twin.load_state_dict(method.state_dict())
    assert torch.equal(twin.predictor, method.predictor)
    assert twin.seen


def test_evaluation_leaves_the_predictor_alone():
    method = objective().eval()
    student, teacher = inputs()
    method([x.float() for x in student], [x.float() for x in teacher])
    method.after_step(0, 1)
    assert torch.equal(method.predictor, torch.eye(8))


def trained(rank, counts):
    method = objective(torch.float64)
    method.projector.eval()
    rows = slice(sum(counts[:rank]), sum(counts[: rank + 1]))
    for step in range(2):
        student, teacher = inputs(7, seed=step)
        loss = method([x[rows] for x in student], [x[rows] for x in teacher])
        gradients = torch.autograd.grad(loss.total, list(method.projector.parameters()))
        method.after_step(step, 2)
    for gradient in gradients:
        torch.distributed.all_reduce(gradient)
    return loss.total.detach(), method.predictor, [g / len(counts) for g in gradients]


@pytest.mark.parametrize("counts", [(5, 2), (3, 0, 4)])
def test_processes_set_the_predictor_of_the_joint_batch(counts):
    results = run_on(len(counts), trained, counts)
    method = objective(torch.float64)
    method.projector.eval()
    for step in range(2):
        loss = method(*inputs(7, seed=step))
        gradients = torch.autograd.grad(loss.total, list(method.projector.parameters()))
        method.after_step(step, 2)
    close = {"rtol": 0, "atol": 1e-9}
    for total, predictor, parts in results:
        torch.testing.assert_close(total, loss.total.detach(), **close)
        torch.testing.assert_close(predictor, method.predictor, **close)
        torch.testing.assert_close(parts, list(gradients), **close)


def test_bad_input_is_refused_by_name():
    student, teacher = inputs()
    with pytest.raises(ShapeError, match="teacher: expected 2 views, found none"):
        objective(torch.float64)(student)
    with pytest.raises(ShapeError, match="student: expected 2 views, found 3"):
        objective(torch.float64)([*student, student[0]], teacher)
