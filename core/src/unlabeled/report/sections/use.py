"""How to use the encoder, and how it was made: recipe and environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from unlabeled.report.rendering import render
from unlabeled.report.run_data import RunData
from unlabeled.report.sections import Section


def use(run: RunData) -> Section:
    """Commands, outputs and what the encoder expects of its input."""
    expects = _yaml(run.encoder["preprocessing"]) if run.encoder else ""
    body = render("sections/use.html", encoder=run.encoder, expects=expects)
    return Section("use", "Use the encoder", body)


def made(run: RunData) -> Section:
    """The recipe with every value, versions and hardware."""
    recipe, environment = _yaml(run.manifest.recipe), run.manifest.environment
    body = render("sections/made.html", recipe=recipe, environment=environment)
    return Section("made", "How it was made", body)


def _yaml(values: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(values), sort_keys=False, allow_unicode=True) if values else ""
