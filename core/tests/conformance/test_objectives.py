"""The core's own objectives keep the clauses that a plugin's must keep."""

import pytest

from unlabeled.builtin import plugin
from unlabeled.conformance import objectives
from unlabeled.conformance.fixture import Fixture

CHECKS = list(objectives.checks(Fixture(plugin)))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_contract(check):
    if check.name in plugin.expected_failures:
        pytest.skip(plugin.expected_failures[check.name])
    check.run()


def test_every_objective_is_checked_or_excused():
    names = {check.name for check in CHECKS}
    assert {name.split("/")[1] for name in names} == set(plugin.objectives)
    assert plugin.expected_failures.keys() <= names
