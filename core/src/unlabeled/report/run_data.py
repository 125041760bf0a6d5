"""What a run's folder says, read once for all sections of its page."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unlabeled.errors import RunError
from unlabeled.evaluation.result import FORMAT, Evaluation
from unlabeled.formats import require_format
from unlabeled.report.predictions import Target, read_predictions
from unlabeled.run_folder import JsonLines, Manifest, RunFolder

QUIET = 600.0
"""Seconds without a new row after which a run that calls itself running has probably ended."""


@dataclass(frozen=True, slots=True)
class RunData:
    """rows: of `metrics.jsonl`; evaluations: the newest first, each with its predictions;
    left_out: of the quarantine; quiet:
    seconds since the last row was written; encoder: what the exported encoder says of itself (its
    plugin need not be installed here), None before."""

    folder: RunFolder
    manifest: Manifest
    rows: Sequence[Mapping[str, Any]]
    evaluations: Sequence[Evaluation]
    predictions: Sequence[tuple[Target, ...]]
    left_out: Sequence[Mapping[str, Any]]
    quiet: float
    encoder: Mapping[str, Any] | None

    @classmethod
    def read(cls, path: Path | str) -> RunData:
        """Raises RunError if this is no run, or a file of it cannot be read."""
        folder = RunFolder(Path(path))
        results = _results(folder.path / "evaluation")
        return cls(
            folder,
            folder.read(),
            list(JsonLines(folder.metrics).rows()),
            list(map(_evaluation, results)),
            list(map(read_predictions, results)),
            list(JsonLines(folder.quarantine).rows()),
            _quiet(folder.metrics),
            _encoder(folder),
        )

    @property
    def name(self) -> str:
        """Of the folder, without where it lies."""
        return self.folder.path.resolve().name

    @property
    def private(self) -> bool:
        """Whether it learnt from data about people."""
        return self.folder.private.is_dir()

    @property
    def restores(self) -> bool:
        """Whether it hands over a restoration, which has no embedding."""
        return self.encoder is not None and self.encoder["provenance"]["kind"] == "restoration"

    @property
    def steps(self) -> int:
        """Those that were recorded."""
        return int(self.rows[-1]["step"]) if self.rows else self.manifest.steps

    @property
    def ended(self) -> bool:
        """Whether a run that calls itself running seems to have been killed."""
        return self.manifest.status == "running" and self.quiet > QUIET

    def last(self, column: str) -> Any:
        """The newest value of a column of the metrics, None if there is none."""
        return next((r[column] for r in reversed(self.rows) if r.get(column) is not None), None)

    def series(self, column: str) -> tuple[list[float], list[float]]:
        """(steps, values) of a column of the metrics, where it has a number."""
        found = [
            (float(row["step"]), float(row[column]))
            for row in self.rows
            if isinstance(row.get(column), int | float) and not isinstance(row[column], bool)
        ]
        return [step for step, _ in found], [value for _, value in found]


def _quiet(metrics: Path) -> float:
    return time.time() - metrics.stat().st_mtime if metrics.is_file() else 0.0


def _results(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.json"), key=lambda path: (-path.stat().st_mtime, path.name))


def _evaluation(path: Path) -> Evaluation:
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        require_format(fields["format"], FORMAT, path, RunError, "Delete it, or evaluate again")
        return Evaluation.from_dict(fields)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(
            f"{path}: expected the result of unlabeled evaluate, found {error!r}. Delete it, or "
            "evaluate again."
        ) from error


def _encoder(folder: RunFolder) -> Mapping[str, Any] | None:
    path = folder.encoder / "config.json"
    if not path.is_file():
        return None
    config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return config
