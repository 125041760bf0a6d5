"""The recipe's `evaluation:` section: which probe an encoder is judged by, and beside what."""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator

from unlabeled.settings import Settings


class EvaluationSettings(Settings):
    """How `evaluate` judges a run; every value can be overridden when it is called."""

    probe: dict[str, Any] | None = Field(
        None, description="the probe, {name: ridge, **settings}; inferred from the labels if unset"
    )
    features: tuple[str, ...] = Field(
        (), description="hand-made features of the plugin shown beside the encoder"
    )
    folds: int = Field(5, ge=2, description="folds by group, where the labels give no split")
    random_encoders: int = Field(
        5, ge=1, description="untrained encoders of the same architecture shown beside it"
    )
    output: str | None = Field(
        None, description="the encoder's output that is probed; its first if unset"
    )

    @field_validator("probe")
    @classmethod
    def _names_a_probe(cls, probe: dict[str, Any] | None) -> dict[str, Any] | None:
        if probe is not None and not isinstance(probe.get("name"), str):
            raise ValueError("expected a section {name: PROBE, ...}")
        return probe
