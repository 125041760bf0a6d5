"""Errors for values that are not finite: the step, the term, what to try."""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor, nn

from unlabeled.contract import Loss
from unlabeled.errors import NotFinite, RunError
from unlabeled.finite import not_finite, some
from unlabeled.run_folder import RunFolder
from unlabeled.training import checkpoint
from unlabeled.training.settings import TrainingSettings

SKIPPED = 32
"""Steps in a row that the scaler of half precision may skip; it halves at each, from 2^16."""


class Divergence:
    """Checks the values of each step and writes the error; `precision`: Fabric's plugin."""

    def __init__(
        self, folder: RunFolder, module: nn.Module, settings: TrainingSettings, precision: object
    ) -> None:
        self.folder, self.module, self.settings = folder, module, settings
        # The scaler skips steps whose gradient overflows, and nothing is lost.
        self._scales = getattr(precision, "scaler", None) is not None
        self._skipped = 0

    def check_step(self, step: int, loss: Loss, norm: Tensor | None, row: dict[str, Any]) -> None:
        """norm: (), of the gradient; row: the step's metrics, where a number that is not finite is
        None. Raises RunError."""
        if not math.isfinite(row["loss"]):
            raise self.error(step, f"the loss is not finite ({_terms(loss)})")
        if norm is None or row["grad_norm"] is not None:
            self._skipped = 0
            return
        self._skipped += 1
        if not self._scales:
            raise self.error(step, f"the gradient is not finite, the loss is ({_terms(loss)})")
        if self._skipped > SKIPPED:
            times = f"for {self._skipped} steps in a row"
            raise self.error(step, f"the gradient is not finite {times}, the loss is")

    def check_weights(self, step: int) -> None:
        """Before anything is written. Raises RunError."""
        if names := not_finite(self.module):
            raise self.error(step, f"{some(names)}: not finite after this step")

    def of_a_loss(self, step: int, error: NotFinite) -> RunError:
        """What a loss reported about its arguments, on a CPU."""
        term = f"the term {error.term} of the loss" if error.term else "the loss"
        return self.error(step, f"{term} is not finite ({error})")

    def error(self, step: int, what: str) -> RunError:
        """step: from 1."""
        last = checkpoint.newest(self.folder.checkpoints)
        resume = (
            f"The last checkpoint is from before, {last}: --continue-from {self.folder.path} "
            "and another --out start from it with other settings."
            if last
            else "There is no checkpoint from before; start again with other settings."
        )
        return RunError(f"step {step}: {what}. {self._where()} {self._advice()} {resume}")

    def _where(self) -> str:
        names = not_finite(self.module)
        if names and not {name for name, _ in self.module.named_parameters()}.isdisjoint(names):
            return f"Not finite by now: {some(names)}."
        return (
            "All weights are finite: they are too large, or an item of this step holds NaN or "
            "infinite values."
        )

    def _advice(self) -> str:
        settings = self.settings
        tries = [f"lower training.optimiser.lr (it is {settings.optimiser.lr:g})"]
        if settings.clip is None:
            tries.append("set training.clip")
        else:
            tries.append(f"lower training.clip (it is {settings.clip:g})")
        if settings.precision.endswith("mixed"):
            tries.append("train with training.precision 32")
        return f"Try to {' or '.join([', '.join(tries[:-1]), tries[-1]])}."


def _terms(loss: Loss) -> str:
    """Each term with its value, the ones that are not finite first."""
    values = {name: float(value.detach()) for name, value in loss.parts.items()}
    values = values or {"loss": float(loss.total.detach())}
    order = sorted(values, key=lambda name: math.isfinite(values[name]))
    return ", ".join(f"{name} {values[name]:.4g}" for name in order)
