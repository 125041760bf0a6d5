"""TensorBoard event files, from the extra `unlabeled[tensorboard]`; only imported when asked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unlabeled.errors import RecipeError


class TensorBoard:
    """Writes every number of a row of metrics as a scalar."""

    def __init__(self, folder: Path, start: int) -> None:
        """start: steps done; what an earlier part of the run wrote after it is hidden.

        Raises RecipeError if TensorBoard is not installed.
        """
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise RecipeError(
                "training.tensorboard needs an extra: pip install 'unlabeled[tensorboard]'"
            ) from error
        self._writer = SummaryWriter(str(folder), purge_step=start + 1)

    def add(self, row: Mapping[str, Any]) -> None:
        """One row of `metrics.jsonl`."""
        for name, value in row.items():
            if name != "step" and value is not None:
                tag = name.replace("_", "/", 1)
                self._writer.add_scalar(tag, value, row["step"])

    def close(self) -> None:
        """Write what is still waiting."""
        self._writer.close()
