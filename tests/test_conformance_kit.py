"""The kit is itself tested: each clause has a saboteur, and exactly that check catches it."""

from __future__ import annotations

import os
import pkgutil
import sys
from dataclasses import replace
from importlib import import_module
from importlib.metadata import EntryPoint

import pytest
from sabotaged.saboteurs import SABOTEURS, SOUND, Saboteur
from unlabeled_tides.plugin import plugin as tides

from unlabeled import conformance, discovery
from unlabeled.conformance import Check, checks_for
from unlabeled.conformance.check import Clause
from unlabeled.plugin import Plugin


def install(monkeypatch: pytest.MonkeyPatch, plugin: Plugin) -> None:
    found = discovery.Found(plugin.modality, "unlabeled-tides", "0.3.0", plugin=plugin)
    monkeypatch.setattr(discovery, "discover", lambda: (found,))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))


def outcome(check: Check) -> str:
    try:
        check.run()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def test_the_stranger_keeps_every_clause(monkeypatch):
    install(monkeypatch, tides)
    checks = [check for check in checks_for(tides) if not check.expected_failure]
    failures = {check.name: outcome(check) for check in checks}
    assert not {name: seen for name, seen in failures.items() if seen}


@pytest.mark.parametrize("clause", SABOTEURS)
def test_exactly_the_sabotaged_clause_is_caught(monkeypatch, clause):
    saboteur: Saboteur = SABOTEURS[clause]
    install(monkeypatch, saboteur.plugin)
    place = saboteur.fails.rpartition("/")[0]
    checks = [check for check in checks_for(saboteur.plugin) if _is_of(check, place, saboteur)]
    failed = {check.name: outcome(check) for check in checks}
    caught = [name for name, seen in failed.items() if seen]
    assert caught == [saboteur.fails, *saboteur.also], failed
    [broken] = [check for check in checks if check.name == saboteur.fails]
    assert broken.clause.id == clause.split()[0]


def _is_of(check: Check, place: str, saboteur: Saboteur) -> bool:
    """The checks of the sabotaged component; of those that train, only the one that must fail."""
    trains = check.name.endswith(("/trains", "/resumes", "/learns", "/restores"))
    return check.name.rpartition("/")[0] == place and (not trains or check.name == saboteur.fails)


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_method_is_not_caught(monkeypatch, name):
    install(monkeypatch, SOUND[name].plugin)
    [check] = [c for c in checks_for(SOUND[name].plugin) if c.name == SOUND[name].fails]
    assert outcome(check) == ""


def test_every_clause_has_a_saboteur():
    modules = pkgutil.walk_packages(conformance.__path__, f"{conformance.__name__}.")
    parts = [part for m in modules for part in vars(import_module(m.name)).values()]
    clauses = [part for part in parts if isinstance(part, Clause)]
    assert len({clause.id for clause in clauses}) == len(
        {clause.title + clause.promise for clause in clauses}
    )
    covered = {name.split()[0] for name in SABOTEURS}
    assert {clause.id for clause in clauses} - covered == {"M1"}, "M1 is tested below"


def test_a_heavy_manifest_is_caught(monkeypatch):
    point = EntryPoint("tides", "sabotaged.heavy:plugin", "unlabeled.plugins")
    monkeypatch.setattr(discovery, "entry_points", lambda: [(point, None)])
    install(monkeypatch, tides)
    [light] = [check for check in checks_for(tides) if check.clause.id == "M1"]
    assert "also imports" in outcome(light)


def test_an_excuse_is_written_and_shown(monkeypatch):
    install(monkeypatch, tides)
    excused = {"encoders/recurrent/half": "no bf16 on this gauge"}
    checks = checks_for(replace(tides, expected_failures=excused))
    found = {check.name: check.expected_failure for check in checks if check.expected_failure}
    for pretext in ("next_level", "joint_embedding"):
        assert "experimental" in found.pop(f"pretexts/{pretext}/learns")
    assert found == excused
    with pytest.raises(ValueError, match="no such check"):
        checks_for(replace(tides, expected_failures={"encoders/recurent/half": "a typing error"}))
