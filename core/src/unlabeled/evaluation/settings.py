"""The recipe's `evaluation:` section: assessment and baselines."""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator

from unlabeled.settings import Settings

PROBE = "probe"
"""The built-in assessment."""


class EvaluationSettings(Settings):
    """Settings of `evaluate`; every value can be overridden in a call."""

    assess: dict[str, Any] | None = Field(
        None, description="the assessment, {name: sound/retrieval, **settings}; probe if unset"
    )
    probe: dict[str, Any] | None = Field(
        None, description="the probe, {name: ridge, **settings}; inferred from the labels if unset"
    )
    baselines: tuple[str, ...] = Field(
        (), description="hand-made baselines of the plugin shown beside the encoder"
    )
    folds: int = Field(5, ge=2, description="folds by group, where the labels give no split")
    random_encoders: int = Field(
        5, ge=1, description="untrained encoders of the same architecture shown beside it"
    )
    output: str | None = Field(
        None, description="the encoder's output that is assessed; its first that fits if unset"
    )

    @field_validator("probe", "assess")
    @classmethod
    def _has_a_name(cls, section: dict[str, Any] | None) -> dict[str, Any] | None:
        if section is not None and not isinstance(section.get("name"), str):
            raise ValueError("expected a section {name: NAME, ...}")
        return section

    def assessment(self) -> dict[str, Any]:
        """The section of the assessment; `probe` and `folds` are settings of the built-in one."""
        chosen = self.assess or {"name": PROBE}
        if chosen["name"] != PROBE:
            return chosen
        return {"probe": self.probe, "folds": self.folds, **chosen}
