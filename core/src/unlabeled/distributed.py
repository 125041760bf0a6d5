"""Several processes as one: every process computes the loss of the joint batch.

The joint batch is the concatenation of the processes' batches in rank order. Collectives here
are differentiable, and the backward of each is a sum over ranks. As every process differentiates
the same joint loss, a local gradient comes out `world_size()` times too large, and the average
that DistributedDataParallel takes over ranks makes it exactly the gradient of the joint loss.
With a single process everything is the identity, and so it is inside `alone()`, where all
processes hold the same rows: then the joint batch is that of each.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd import Function
from torch.nn.modules.batchnorm import _BatchNorm

from unlabeled.derivatives import once_only
from unlabeled.errors import PluginError

_alone = False


@contextmanager
def alone() -> Iterator[None]:
    """Inside, this process counts as the only one: for a batch that all hold as a whole.

    Holds for every thread, as the backward pass runs in threads of its own.
    """
    global _alone
    before, _alone = _alone, True
    try:
        yield
    finally:
        _alone = before


def world_size() -> int:
    """The number of processes that share a joint batch; 1 without a process group."""
    together = not _alone and dist.is_available() and dist.is_initialized()
    return dist.get_world_size() if together else 1


def rank() -> int:
    """This process's number among them, from 0."""
    return dist.get_rank() if world_size() > 1 else 0


def row_counts(x: Tensor) -> list[int]:
    """The number of rows of every process's `x`, (N, ...), in rank order."""
    if world_size() == 1:
        return [len(x)]
    counts = torch.zeros(world_size(), dtype=torch.int64, device=x.device)
    counts[rank()] = len(x)
    dist.all_reduce(counts)
    return [int(count) for count in counts.tolist()]


def gather_rows(x: Tensor) -> Tensor:
    """The rows of all processes in rank order: (N_r, ...) -> (sum of N_r, ...).

    N_r may differ between processes and may be 0; the other axes may not. Differentiable where
    x is: each process gets the gradient of its rows, summed over the processes.
    """
    if world_size() == 1:
        return x
    gathered: Tensor = _GatherRows.apply(x)  # type: ignore[no-untyped-call]
    return gathered


def all_reduce_sum(x: Tensor) -> Tensor:
    """The sum of `x` over all processes, same shape; differentiable."""
    if world_size() == 1:
        return x
    total: Tensor = _AllReduceSum.apply(x)  # type: ignore[no-untyped-call]
    return total


def global_mean(values: Tensor, weight: Tensor | None = None) -> Tensor:
    """The mean over all elements of all processes, (): sum(weight · values) / sum(weight).

    values: any shape, also empty; weight: broadcastable to it, not negative, None is all ones.
    Differentiable in `values`. A joint weight of zero gives 0, with a gradient of zero.
    """
    if weight is None:
        return global_ratio(values.sum(), values.numel())
    # Not a product alone: what has no weight may hold NaN (nodata).
    total = torch.where(weight == 0, 0, values * weight).sum()
    return global_ratio(total, weight.detach().expand_as(values).sum(dtype=torch.float64))


def global_ratio(total: Tensor, count: Tensor | float) -> Tensor:
    """The sum of `total` () over all processes divided by that of `count`, ().

    Differentiable in `total`, in float32 or better. A joint count of zero gives 0, with a
    gradient of zero.
    """
    dtype = torch.promote_types(total.dtype, torch.float32)
    if world_size() == 1:
        if isinstance(count, Tensor):
            return total.to(dtype) / torch.where(count == 0, 1, count).to(dtype)
        return total.to(dtype) / (count or 1)
    count = torch.as_tensor(count, dtype=torch.float64, device=total.device)
    total, count = all_reduce_sum(torch.stack([total.double(), count])).unbind()
    return (total / count.masked_fill(count == 0, 1)).to(dtype)


def batch_standardise(x: Tensor, eps: float = 1e-5) -> Tensor:
    """Zero mean and unit (biased) variance along the joint batch, per column. x: (N, D).

    eps is added to the variance, so that a constant column becomes zeros.
    """
    if world_size() == 1:
        if len(x) < 2:  # which torch refuses; every column of one row is constant
            return x - x
        return F.batch_norm(x, None, None, training=True, momentum=0.0, eps=eps)
    mean, variance, _ = joint_moments(x)
    return (x - mean) * (variance + eps).rsqrt()


def joint_moments(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean (C,) and biased variance (C,) per channel over the joint batch, and the count ().

    x: (N, C) or (N, C, ...). Two passes, so that a large mean costs no digits.
    """
    dims = [0, *range(2, x.ndim)]
    shape = [1, -1] + [1] * (x.ndim - 2)
    count = x.new_tensor([x.numel() // max(x.shape[1], 1)], dtype=torch.float64)
    count = all_reduce_sum(count).to(x.dtype).squeeze(0)
    mean = all_reduce_sum(x.sum(dims)) / count
    variance = all_reduce_sum((x - mean.view(shape)).square().sum(dims)) / count
    return mean, variance, count


class SyncBatchNorm(_BatchNorm):
    """Batch normalisation with the statistics of the joint batch, on any device.

    Every sample counts once, whatever the processes' batch sizes. Parameters, buffers and
    arithmetic are those of `nn.BatchNorm1d` to `3d`; x: (N, C) or (N, C, ...).
    """

    def _check_input_dim(self, input: Tensor) -> None:
        """Any number of axes from two on."""

    def forward(self, input: Tensor) -> Tensor:
        use_batch = self.training or self.running_mean is None
        if world_size() == 1 or not use_batch:
            return super().forward(input)
        x = input.to(torch.promote_types(input.dtype, torch.float32))
        mean, variance, count = joint_moments(x)
        if self.training and self.track_running_stats:
            self._track(mean.detach(), variance.detach() * count / (count - 1).clamp(min=1))
        shape = [1, -1] + [1] * (x.ndim - 2)
        scale = (variance + self.eps).rsqrt()
        x = (x - mean.view(shape)) * scale.view(shape)
        if self.affine:
            x = x * self.weight.view(shape) + self.bias.view(shape)
        return x.to(input.dtype)

    def _track(self, mean: Tensor, variance: Tensor) -> None:
        assert self.num_batches_tracked is not None
        assert self.running_mean is not None
        assert self.running_var is not None
        self.num_batches_tracked.add_(1)
        # momentum None is the plain average over all batches, as in torch.
        share = 1 / self.num_batches_tracked if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), share)
        self.running_var.lerp_(variance.to(self.running_var.dtype), share)


class RowBatchNorm(nn.BatchNorm1d):
    """Batch norm of rows (M, D) that takes a batch of one row while training, too.

    One row has no deviation, so it is shown the running statistics and leaves them as they are:
    the one node of a molecule that is left over at the end of an epoch.
    """

    def forward(self, input: Tensor) -> Tensor:
        if self.training and len(input) == 1:
            statistics = self.running_mean, self.running_var
            return F.batch_norm(input, *statistics, self.weight, self.bias, eps=self.eps)
        return super().forward(input)


def synchronise_batch_norm(module: nn.Module) -> nn.Module:
    """Swap every batch-norm layer in `module`, at any depth, for `SyncBatchNorm`.

    Parameters and buffers are the very same tensors, so optimisers and state-dict keys stay as
    they are. Returns `module`, or the new layer if it was a batch norm itself. Raises PluginError
    for a subclass whose own `forward` does more than normalise: it would be lost.
    """
    return _synchronise(module, "", {})


def _synchronise(module: nn.Module, path: str, done: dict[int, nn.Module]) -> nn.Module:
    if id(module) not in done:
        done[id(module)] = module
        if isinstance(module, _BatchNorm):
            done[id(module)] = _as_synchronised(module, path)
        # Not named_children, which skips a layer that stands twice in one parent.
        for name, child in list(module._modules.items()):
            if child is not None:
                setattr(module, name, _synchronise(child, f"{path}.{name}".lstrip("."), done))
    return done[id(module)]


def _as_synchronised(layer: _BatchNorm, path: str) -> SyncBatchNorm:
    if isinstance(layer, SyncBatchNorm):
        return layer
    known = (_BatchNorm.forward, nn.SyncBatchNorm.forward, RowBatchNorm.forward)
    if type(layer).forward not in known:
        raise PluginError(
            f"{path or 'module'}: {type(layer).__name__} normalises over the batch in its own way "
            "and cannot be synchronised between processes; use nn.BatchNorm1d, 2d or 3d, or layer "
            "norm"
        )
    new = SyncBatchNorm(
        layer.num_features, layer.eps, layer.momentum, affine=False, track_running_stats=False
    )
    new.affine, new.track_running_stats = layer.affine, layer.track_running_stats
    new.weight, new.bias = layer.weight, layer.bias
    new.running_mean, new.running_var = layer.running_mean, layer.running_var
    new.num_batches_tracked = layer.num_batches_tracked
    return new.train(layer.training)


class _GatherRows(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        counts = row_counts(x)
        ctx.start, ctx.count = sum(counts[: rank()]), len(x)
        # Collectives want equal shapes (and gloo knows no bool), so short batches are padded.
        sent = x.new_zeros(max(counts), *x.shape[1:])
        sent[: len(x)] = x
        sent = sent.view(torch.uint8) if x.dtype == torch.bool else sent
        parts = [torch.empty_like(sent) for _ in counts]
        dist.all_gather(parts, sent)
        rows = torch.cat([part[:count] for part, count in zip(parts, counts, strict=True)])
        return rows.view(x.dtype)

    @staticmethod
    @once_only
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        gradient = gradient.contiguous().clone()
        dist.all_reduce(gradient)
        return gradient[ctx.start : ctx.start + ctx.count]


class _AllReduceSum(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:  # noqa: ARG004
        total = x.contiguous().clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    @once_only
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # noqa: ARG004
        gradient = gradient.contiguous().clone()
        dist.all_reduce(gradient)
        return gradient
