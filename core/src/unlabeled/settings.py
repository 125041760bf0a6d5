"""Settings models of components: typed, frozen, strict."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """The typed settings of one component, and its section in a recipe.

    Unknown keys are errors. Every field has a default or is required; constraints are written
    with `pydantic.Field(gt=0, description="unit and meaning")`, the description is the help text.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, validate_default=True
    )


def settings_type(component: Any) -> type[Settings]:
    """The settings model of a component: its `settings_type`, or the component itself."""
    model: type[Settings] = getattr(component, "settings_type", component)
    return model
