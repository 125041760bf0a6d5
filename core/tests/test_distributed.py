import copy

import pytest
import torch
import torch.nn.functional as F
from processes import run_on
from torch import nn

import unlabeled.distributed
from unlabeled.distributed import (
    RowBatchNorm,
    SyncBatchNorm,
    all_reduce_sum,
    alone,
    batch_standardise,
    gather_rows,
    global_mean,
    rank,
    synchronise_batch_norm,
    world_size,
)
from unlabeled.errors import PluginError

COUNTS = {2: (5, 2), 3: (3, 0, 4)}


def rows(processes: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(
        sum(COUNTS[processes]), 4, generator=generator, dtype=torch.float64, requires_grad=True
    )


def own(x: torch.Tensor, rank: int, processes: int) -> torch.Tensor:
    counts = COUNTS[processes]
    start = sum(counts[:rank])
    return x.detach()[start : start + counts[rank]].clone().requires_grad_()


def test_one_process_is_the_identity():
    x = rows(2)
    assert world_size() == 1
    assert rank() == 0
    assert gather_rows(x) is x
    assert all_reduce_sum(x) is x


def gather(rank, processes):
    x = own(rows(processes), rank, processes)
    everything = gather_rows(x)
    weights = torch.arange(everything.numel(), dtype=x.dtype).view_as(everything)
    (everything * weights).sum().backward()
    return everything.detach(), x.grad / processes, gather_rows(x.detach() > 0)


@pytest.mark.parametrize("processes", [2, 3])
def test_gathered_rows_stand_in_rank_order_and_get_their_gradient(processes):
    joint = rows(processes).detach()
    weights = torch.arange(joint.numel(), dtype=joint.dtype).view_as(joint)
    results = run_on(processes, gather, processes)
    for everything, _, positive in results:
        assert torch.equal(everything, joint)
        assert torch.equal(positive, joint > 0)
    assert torch.equal(torch.cat([gradient for _, gradient, _ in results]), weights)


def mean(rank, processes, weighted):
    x = own(rows(processes), rank, processes)
    weight = (x.detach() > 0.3).double() if weighted else None
    value = global_mean(x.square(), weight)
    value.backward()
    return value.detach(), x.grad / processes


@pytest.mark.parametrize("processes", [2, 3])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_mean_divides_by_the_count_of_all_processes(processes, weighted):
    x = rows(processes)
    weight = (x.detach() > 0.3).double() if weighted else torch.ones_like(x)
    expected = (x.square() * weight).sum() / weight.sum()
    expected.backward()
    results = run_on(processes, mean, processes, weighted)
    for value, _ in results:
        torch.testing.assert_close(value, expected.detach(), rtol=0, atol=1e-12)
    gradient = torch.cat([gradient for _, gradient in results])
    torch.testing.assert_close(gradient, x.grad, rtol=0, atol=1e-12)


def test_a_mean_over_nothing_is_zero_and_nan_without_weight_does_not_count():
    values = torch.tensor([1.0, float("nan"), 3.0], requires_grad=True)
    value = global_mean(values, torch.tensor([1.0, 0.0, 1.0]))
    value.backward()
    assert value.item() == 2.0
    assert values.grad.tolist() == [0.5, 0.0, 0.5]
    assert global_mean(values, torch.zeros(3)).item() == 0.0
    assert global_mean(torch.zeros(0)).item() == 0.0


def standardise(rank, processes):
    x = own(rows(processes), rank, processes)
    z = batch_standardise(x)
    all_reduce_sum((z**3).sum()).backward()
    return z.detach(), x.grad / processes


@pytest.mark.parametrize("processes", [2, 3])
def test_standardising_uses_the_joint_batch(processes):
    x = rows(processes)
    expected = (x - x.mean(0)) / (x.var(0, unbiased=False) + 1e-5).sqrt()
    (expected**3).sum().backward()
    torch.testing.assert_close(batch_standardise(x.detach()), expected.detach())
    results = run_on(processes, standardise, processes)
    z = torch.cat([z for z, _ in results])
    torch.testing.assert_close(z, expected.detach(), rtol=0, atol=1e-12)
    gradient = torch.cat([gradient for _, gradient in results])
    torch.testing.assert_close(gradient, x.grad, rtol=0, atol=1e-9)


class Wrapped(nn.Module):
    """A layer that keeps torch's batch norm as a child, as graph libraries do."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.module = nn.BatchNorm1d(width, momentum=None)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.module(x)


def network() -> nn.Sequential:
    torch.manual_seed(1)
    layers = [nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), Wrapped(6), nn.BatchNorm1d(6, 0.1)]
    return nn.Sequential(*layers).double()


def normalise(rank, processes):
    model = synchronise_batch_norm(network())
    x = own(rows(processes), rank, processes)
    for _ in range(2):
        y = model(x)
    all_reduce_sum((y**3).sum()).backward()
    parameters = [p.grad for p in model.parameters()]
    for gradient in parameters:
        torch.distributed.all_reduce(gradient)
        gradient /= processes
    return y.detach(), x.grad / processes, parameters, model.state_dict()


@pytest.mark.parametrize("processes", [2, 3])
def test_batch_norm_of_several_processes_equals_that_of_one(processes):
    model, x = network(), rows(processes)
    for _ in range(2):
        y = model(x)
    (y**3).sum().backward()
    results = run_on(processes, normalise, processes)
    close = {"rtol": 0, "atol": 1e-9}
    torch.testing.assert_close(torch.cat([r[0] for r in results]), y.detach(), **close)
    torch.testing.assert_close(torch.cat([r[1] for r in results]), x.grad, **close)
    for _, _, gradients, state in results:
        torch.testing.assert_close(gradients, [p.grad for p in model.parameters()], **close)
        torch.testing.assert_close(state, dict(model.state_dict()), **close)


def images(rank):
    model = synchronise_batch_norm(nn.BatchNorm2d(3).double())
    generator = torch.Generator().manual_seed(3)
    joint = torch.randn(5, 3, 2, 4, dtype=torch.float64, generator=generator)
    return model(joint[:2] if rank == 0 else joint[2:]).detach(), joint


def test_batch_norm_of_images():
    (first, joint), (second, _) = run_on(2, images)
    expected = F.batch_norm(joint, None, None, training=True)
    torch.testing.assert_close(torch.cat([first, second]), expected, rtol=0, atol=1e-9)


def test_swapping_keeps_parameters_keys_sharing_and_mode():
    shared = nn.BatchNorm1d(3)
    model = nn.Sequential(shared, nn.ReLU(), shared, nn.BatchNorm1d(3, affine=False)).eval()
    before, keys = copy.deepcopy(model), list(model.state_dict())
    weight = shared.weight
    assert synchronise_batch_norm(model) is model
    assert list(model.state_dict()) == keys
    assert isinstance(model[0], SyncBatchNorm)
    assert model[0] is model[2]
    assert model[0].weight is weight
    assert not model[3].training
    x = torch.randn(7, 3)
    torch.testing.assert_close(model(x), before(x))
    torch.testing.assert_close(model.train()(x), before.train()(x))
    assert synchronise_batch_norm(model[0]) is model[0]


def test_a_batch_norm_that_does_more_is_refused_by_its_place():
    class WithActivation(nn.BatchNorm1d):
        def forward(self, input):
            return super().forward(input).relu()

    with pytest.raises(PluginError, match=r"1\.0: WithActivation"):
        synchronise_batch_norm(nn.Sequential(nn.ReLU(), nn.Sequential(WithActivation(3))))


def inside_alone(rank):
    x = torch.full((2, 1), float(rank), requires_grad=True)
    with alone():
        counted = (world_size(), unlabeled.distributed.rank())
        total = gather_rows(x).sum() + all_reduce_sum(x.sum()) + global_mean(x)
        total.backward()
    return counted, float(total.detach()), x.grad.tolist(), world_size()


def test_inside_alone_a_process_counts_as_the_only_one():
    expected = [((1, 0), 5.0 * rank, [[2.5], [2.5]], 2) for rank in range(2)]
    assert run_on(2, inside_alone) == expected
    with pytest.raises(ValueError, match="outside"), alone():
        raise ValueError("outside")
    assert not unlabeled.distributed._alone


@pytest.mark.parametrize("rows", [0, 1])
def test_columns_of_one_row_are_constant(rows):
    x = torch.randn(rows, 3, requires_grad=True)
    z = batch_standardise(x)
    assert torch.equal(z, torch.zeros(rows, 3))
    z.sum().backward()
    assert torch.equal(x.grad, torch.zeros(rows, 3))


def test_one_row_is_shown_the_running_statistics_and_leaves_them():
    torch.manual_seed(0)
    norm, plain = RowBatchNorm(3), nn.BatchNorm1d(3)
    x = torch.randn(20, 3) * 3 + 1
    torch.testing.assert_close(norm(x), plain(x))
    before = norm.running_var.clone()
    torch.testing.assert_close(norm(x[:1]), plain.eval()(x[:1]))
    assert torch.equal(norm.running_var, before)
    assert norm.num_batches_tracked == 1
    assert isinstance(synchronise_batch_norm(norm), SyncBatchNorm)
