"""Every check for everything that a manifest lists."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from unlabeled.conformance import (
    assessments,
    augmentations,
    baselines,
    dense_targets,
    distribution,
    encoders,
    groups,
    labels,
    learning,
    manifests,
    objectives,
    presence,
    pretexts,
    readers,
    recipes,
    teachers,
    work,
)
from unlabeled.conformance.check import Check
from unlabeled.conformance.fixture import Fixture
from unlabeled.plugin import Plugin


def checks_for(plugin: Plugin) -> list[Check]:
    """The checks of an installed plugin, generated from its manifest.

    Expected failures of the manifest are listed with their reason, to be skipped. Checks that are
    `repeated` may be left out to save time. Raises ValueError for an expected failure of a check
    that does not exist.
    """
    fixture = Fixture(plugin)
    modules = (
        manifests,
        readers,
        augmentations,
        dense_targets,
        baselines,
        encoders,
        objectives,
        pretexts,
        groups,
        labels,
        presence,
        work,
        teachers,
        distribution,
        recipes,
        learning,
        assessments,
    )
    checks = [check for module in modules for check in module.checks(fixture)]
    unknown = plugin.expected_failures.keys() - {check.name for check in checks}
    if unknown:
        raise ValueError(f"expected to fail, but no such check: {', '.join(sorted(unknown))}")
    listed = [
        replace(
            check, expected_failure=plugin.expected_failures.get(check.name, check.expected_failure)
        )
        for check in checks
    ]
    shown = smallest_of_each_clause(fixture, listed)
    return [
        replace(
            check,
            repeated=check.clause.costly and not check.expected_failure and check.name not in shown,
        )
        for check in listed
    ]


def smallest_of_each_clause(fixture: Fixture, checks: Sequence[Check]) -> set[str]:
    """For each costly clause, the name of the check on the smallest recipe that must keep it."""
    asked: dict[str, list[Check]] = {}
    for check in checks:
        if check.clause.costly and not check.expected_failure:
            asked.setdefault(check.clause.id, []).append(check)
    return {min(found, key=partial(_size, fixture)).name for found in asked.values()}


def _size(fixture: Fixture, check: Check) -> float:
    """Parameters of the encoder that a check of `pretexts/NAME` or `recipes/NAME` trains.

    Infinite where they cannot be counted: the plugin's fault, which its own check names.
    """
    kind, name, _ = check.name.split("/")
    try:
        if kind == "recipes":
            return fixture.size_of(fixture.recipes[name])
        full = next(each for each in fixture.pretext_names() if fixture.short(each) == name)
        return fixture.size_of(fixture.smallest_recipe("pretext", full))
    except Exception:  # noqa: BLE001 - a stranger's code: anything can happen
        return math.inf
