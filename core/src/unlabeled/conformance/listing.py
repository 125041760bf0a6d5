"""Every check for everything that a manifest lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from unlabeled.conformance import (
    augmentations,
    encoders,
    features,
    manifests,
    pretexts,
    readers,
    recipes,
)
from unlabeled.conformance.check import Check
from unlabeled.conformance.fixture import Fixture
from unlabeled.plugin import Plugin


def checks_for(plugin: Plugin, excused: Mapping[str, str] | None = None) -> list[Check]:
    """The checks of an installed plugin, generated from its manifest.

    excused: a written reason by check name (`encoders/gin/alone`); the check is listed, with the
    reason, and not run. Raises ValueError for a name that is not among the checks.
    """
    fixture = Fixture(plugin)
    modules = (manifests, readers, augmentations, features, encoders, pretexts, recipes)
    checks = [check for module in modules for check in module.checks(fixture)]
    reasons = dict(excused or {})
    unknown = reasons.keys() - {check.name for check in checks}
    if unknown:
        raise ValueError(f"excused, but no such check: {', '.join(sorted(unknown))}")
    return [replace(check, excused=reasons.get(check.name, "")) for check in checks]
