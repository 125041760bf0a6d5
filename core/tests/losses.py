"""What every loss is asked in the tests of `objectives`: one assertion per function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from processes import run_on
from torch import Tensor

from unlabeled.contract import Loss

Function = Callable[..., Any]


def views(n: int, d: int, count: int = 2, *, noise: float = 0.5, seed: int = 0) -> list[Tensor]:
    """`count` noisy float64 views (n, d) of the same random rows."""
    generator = torch.Generator().manual_seed(seed + 100 * n + d)
    rows = torch.randn(n, d, generator=generator, dtype=torch.float64)
    drawn = torch.randn(count, n, d, generator=generator, dtype=torch.float64)
    return [(rows + noise * each).requires_grad_() for each in drawn]


def total(value: Any) -> Tensor:
    """The number to minimise, whether a loss returns a tensor or a `Loss`."""
    result: Tensor = value.total if isinstance(value, Loss) else value
    return result


def gradients(value: Tensor, tensors: Sequence[Tensor]) -> list[Tensor]:
    """The gradient of `value` in every tensor that wants one."""
    return list(torch.autograd.grad(value, [x for x in tensors if x.requires_grad]))


def assert_equals(
    loss: Function, formula: Function, tensors: Sequence[Tensor], *, tolerance: float = 1e-10
) -> None:
    """Value and gradient of `loss(*tensors)` are those of an independent formula."""
    ours, theirs = total(loss(*tensors)), total(formula(*tensors))
    close = {"rtol": tolerance, "atol": tolerance}
    torch.testing.assert_close(ours, theirs, **close)
    torch.testing.assert_close(gradients(ours, tensors), gradients(theirs, tensors), **close)


def assert_blind_to_order(loss: Function, tensors: Sequence[Tensor]) -> None:
    """Permuting the samples changes nothing."""
    order = torch.randperm(len(tensors[0]), generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(total(loss(*[x[order] for x in tensors])), total(loss(*tensors)))


def assert_processes_equal_one(
    loss: Function, tensors: Sequence[Tensor], counts: Sequence[int], **keywords: Any
) -> None:
    """Rows shared out by `counts` over gloo processes give value and gradient of the whole.

    loss: importable by name, as the processes import it.
    """
    expected = total(loss(*tensors, **keywords))
    plain = [(x.detach(), x.requires_grad) for x in tensors]
    results = run_on(len(counts), _share, loss, plain, tuple(counts), keywords)
    close = {"rtol": 0, "atol": 1e-9}
    for value, _ in results:
        torch.testing.assert_close(value, expected.detach(), **close)
    joint = [torch.cat(parts) for parts in zip(*[parts for _, parts in results], strict=True)]
    torch.testing.assert_close(joint, gradients(expected, tensors), **close)


def _share(
    rank: int,
    loss: Function,
    plain: Sequence[tuple[Tensor, bool]],
    counts: tuple[int, ...],
    keywords: dict[str, Any],
) -> tuple[Tensor, list[Tensor]]:
    rows = slice(sum(counts[:rank]), sum(counts[: rank + 1]))
    tensors = [x[rows].clone().requires_grad_(wants) for x, wants in plain]
    value = total(loss(*tensors, **keywords))
    return value.detach(), [g / len(counts) for g in gradients(value, tensors)]


EXTREMES = ("identical", "orthogonal", "one column", "zero rows", "opposite", "two samples")


def extreme(name: str) -> list[Tensor]:
    """A pair of bf16 views at the edge of what a loss must bear."""
    a, b = (x.detach() for x in views(32, 48))
    pairs = {
        "identical": (a[:1].expand(32, -1), a[:1].expand(32, -1)),
        "orthogonal": (torch.eye(32, 48), torch.eye(32, 48).roll(1, 0)),
        "one column": (a[:, :1], b[:, :1]),
        "zero rows": (a * (torch.arange(32) % 2)[:, None], b),
        "opposite": (a, -a),
        "two samples": (a[:2], b[:2]),
    }
    return [x.bfloat16() for x in pairs[name]]


def assert_precise_in_bf16(loss: Function, tensors: Sequence[Tensor]) -> None:
    """Under bf16 autocast: a finite gradient, and within 1 % (or 1e-3) of float64."""
    narrow = [x.detach().clone().requires_grad_() for x in tensors]
    with torch.autocast("cpu", torch.bfloat16):
        value = total(loss(*narrow))
    for gradient in torch.autograd.grad(value, narrow, allow_unused=True):
        assert gradient is None or torch.isfinite(gradient).all()
    expected = total(loss(*[x.detach().double() for x in tensors]))
    torch.testing.assert_close(value.detach().double(), expected, rtol=0.01, atol=1e-3)
