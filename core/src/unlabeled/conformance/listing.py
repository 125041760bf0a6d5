"""Every check for everything that a manifest lists."""

from __future__ import annotations

from dataclasses import replace

from unlabeled.conformance import (
    augmentations,
    distribution,
    encoders,
    features,
    groups,
    labels,
    learning,
    manifests,
    objectives,
    pretexts,
    readers,
    recipes,
    teachers,
)
from unlabeled.conformance.check import Check
from unlabeled.conformance.fixture import Fixture
from unlabeled.plugin import Plugin


def checks_for(plugin: Plugin) -> list[Check]:
    """The checks of an installed plugin, generated from its manifest.

    Those that the manifest excuses are listed with the reason; whoever runs the list skips them.
    Raises ValueError if it excuses a check that does not exist.
    """
    fixture = Fixture(plugin)
    modules = (
        manifests,
        readers,
        augmentations,
        features,
        encoders,
        objectives,
        pretexts,
        groups,
        labels,
        teachers,
        distribution,
        recipes,
        learning,
    )
    checks = [check for module in modules for check in module.checks(fixture)]
    unknown = plugin.excused.keys() - {check.name for check in checks}
    if unknown:
        raise ValueError(f"excused, but no such check: {', '.join(sorted(unknown))}")
    return [
        replace(check, excused=plugin.excused.get(check.name, check.excused)) for check in checks
    ]
