"""The list of checks says which ones a quick run may leave out."""

import os
import sys
from dataclasses import replace

import pytest
from unlabeled_tides.plugin import plugin as tides

from unlabeled import discovery
from unlabeled.conformance import checks_for
from unlabeled.conformance.fixture import Fixture


@pytest.fixture(autouse=True)
def installed(monkeypatch):
    found = discovery.Found(tides.modality, "unlabeled-tides", "0.3.0", plugin=tides)
    monkeypatch.setattr(discovery, "discover", lambda: (found,))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))


def test_costly_clauses_are_asked_of_the_smallest_recipe_and_others_of_all():
    checks = [check for check in checks_for(tides) if not check.expected_failure]
    assert not [check.name for check in checks if check.repeated and not check.clause.costly]
    costly = [check for check in checks if check.clause.costly]
    kept = [check.clause.id for check in costly if not check.repeated]
    assert sorted(kept) == sorted({check.clause.id for check in costly})
    [trains] = [c.name for c in costly if c.clause.title == "trains" and not c.repeated]
    assert trains == f"recipes/{Fixture(tides).smallest().name.rpartition('/')[2]}/trains"


def test_an_excused_check_is_never_the_one_that_is_kept():
    [trains] = [c.name for c in checks_for(tides) if c.clause.title == "trains" and not c.repeated]
    without = checks_for(replace(tides, expected_failures={trains: "a gauge is away"}))
    [other] = [
        c
        for c in without
        if c.clause.title == "trains" and not c.repeated and not c.expected_failure
    ]
    assert other.name != trains
    [excused] = [check for check in without if check.name == trains]
    assert not excused.repeated
