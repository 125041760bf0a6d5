"""Checks of the arguments of losses, and their precision.

All errors are ShapeErrors that name the argument, what was found and what was expected.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import torch
from torch import Tensor

from unlabeled.contract import Loss
from unlabeled.distributed import row_counts, world_size
from unlabeled.errors import NotFinite, ShapeError

HALF = (torch.float16, torch.bfloat16)
P = ParamSpec("P")
R = TypeVar("R")


def require_pair(a: Tensor, b: Tensor, *, names: tuple[str, str] = ("a", "b")) -> None:
    """Two floating-point (N, D) tensors of equal shape."""
    require_rows(a, names[0])
    require_rows(b, names[1])
    require_same_shape(b, a, names[1], names[0])


def require_rows(x: Tensor, name: str, *, width: int | None = None) -> None:
    """A floating-point (N, D) tensor; width: the D expected."""
    expected = f"(N, {width or 'D'})"
    if x.ndim != 2 or x.shape[1] == 0 or (width and x.shape[1] != width):
        raise ShapeError(f"{name}: expected shape {expected}, found {tuple(x.shape)}")
    require_floats(x, name)


def require_views(
    views: Sequence[Tensor], count: int | None, name: str = "student", *, width: int | None = None
) -> None:
    """`count` views (None: two or more) of one batch: (N, D) tensors of equal shape.

    width: the D expected. The joint batch has two samples or more: asked here, before a
    projector's batch norm fails.
    """
    if count is not None and len(views) != count:
        raise ShapeError(f"{name}: expected {count} views, found {len(views)}")
    if len(views) < 2:
        raise ShapeError(f"{name}: expected two or more views, found {len(views)}")
    require_rows(views[0], f"{name}[0]", width=width)
    for number, view in enumerate(views[1:], start=1):
        require_pair(views[0], view, names=(f"{name}[0]", f"{name}[{number}]"))
    require_joint_batch(views[0], name, at_least=2)


def require_same_shape(x: Tensor, reference: Tensor, name: str, reference_name: str) -> None:
    """`x` and `reference` of equal shape."""
    if x.shape != reference.shape:
        raise ShapeError(
            f"{name}: expected the shape of {reference_name}, {tuple(reference.shape)}, "
            f"found {tuple(x.shape)}"
        )


def require_floats(x: Tensor, name: str) -> None:
    """A floating-point tensor of any shape."""
    if not x.is_floating_point():
        raise ShapeError(f"{name}: expected floating-point values, found {x.dtype}")


def require_joint_batch(x: Tensor, name: str, *, at_least: int) -> int:
    """The joint batch size of all processes, x being (N, ...); refused below `at_least`."""
    count = sum(row_counts(x))
    if count < at_least:
        raise ShapeError(
            f"{name}: expected a joint batch of at least {at_least} samples, found {count}; "
            "raise the batch size"
        )
    return count


def require_groups(groups: Tensor | None, rows: Tensor) -> None:
    """groups: (N,) integer ids, one per row of `rows` (N, ...), or none at all."""
    if groups is None:
        return
    if groups.shape != rows.shape[:1] or groups.is_floating_point():
        raise ShapeError(
            f"groups: expected ({len(rows)},) integer ids, found {tuple(groups.shape)} "
            f"of {groups.dtype}"
        )


def require_teacher(teacher: Sequence[Tensor] | None, student: Sequence[Tensor]) -> list[Tensor]:
    """One teacher output (N, P) per view of the student."""
    if teacher is None or len(teacher) != len(student):
        found = "none" if teacher is None else len(teacher)
        raise ShapeError(f"teacher: expected {len(student)} views, found {found}")
    for number, (mine, theirs) in enumerate(zip(teacher, student, strict=True)):
        if mine.ndim != 2 or len(mine) != len(theirs):
            raise ShapeError(
                f"teacher[{number}]: expected shape ({len(theirs)}, P), found {tuple(mine.shape)}"
            )
    return list(teacher)


def require_temperature(temperature: float | Tensor, name: str = "temperature") -> None:
    """A number above 0, or a tensor () that holds one."""
    if isinstance(temperature, Tensor):
        if temperature.device.type != "cpu":
            return  # reading it would stop the stream
        temperature = temperature.item()
    if not temperature > 0:
        raise ShapeError(f"{name}: expected a number above 0, found {temperature:g}")


def full_precision(loss: Callable[P, R]) -> Callable[P, R]:
    """Compute `loss` in float32 or better, whatever autocast and the arguments' types say.

    Half-precision tensors among the arguments (also inside lists and tuples) become float32;
    float64 stays float64. Where the result is not finite because an argument is not, a NotFinite
    names that argument. There is no such check on an accelerator, where it would synchronise at
    every step (the training loop reads the loss anyway), nor with several processes.
    """
    names = tuple(inspect.signature(loss).parameters)

    @wraps(loss)
    def computed(*args: P.args, **kwargs: P.kwargs) -> R:
        widened = [_widen(argument) for argument in args]
        named = {name: _widen(argument) for name, argument in kwargs.items()}
        device = _device(widened) or _device(named.values()) or "cpu"
        if torch.is_autocast_enabled(device):
            with torch.autocast(device, enabled=False):
                result = loss(*widened, **named)
        else:
            result = loss(*widened, **named)
        # Where several processes train, one alone must not end: all see the joint loss.
        if not _is_finite(result) and world_size() == 1:
            _require_finite({**dict(zip(names, widened, strict=False)), **named}, loss.__name__)
        return result

    return computed


def _is_finite(result: object) -> bool:
    total = result.total if isinstance(result, Loss) else result
    return not isinstance(total, Tensor) or not total.is_cpu or math.isfinite(total.item())


def _require_finite(arguments: Mapping[str, object], loss: str) -> None:
    for name, argument in arguments.items():
        if isinstance(argument, list):
            parts = {f"{name}[{number}]": each for number, each in enumerate(argument)}
            _require_finite(parts, loss)
        elif isinstance(argument, Tensor):
            bad = int((~torch.isfinite(argument)).sum())
            if bad:
                raise NotFinite(
                    f"{name}: expected finite values, found {bad} NaN or infinite of "
                    f"{argument.numel()}",
                    term=loss.removesuffix("_loss"),
                )


def _widen(argument: Any) -> Any:
    if isinstance(argument, Tensor):
        return argument.float() if argument.dtype in HALF else argument
    if isinstance(argument, (list, tuple)):
        return [_widen(each) for each in argument]
    return argument


def _device(arguments: Iterable[object]) -> str:
    """That of the first tensor, "" where there is none."""
    for argument in arguments:
        if isinstance(argument, Tensor):
            return "cpu" if argument.is_cpu else argument.device.type
        if isinstance(argument, list) and argument:
            return _device(argument)
    return ""
