"""`unlabeled check`, whole and in part."""

import json

import pytest

from unlabeled.cli import main
from unlabeled.conformance import Check, Violation
from unlabeled.conformance.check import Clause


def passes():
    pass


def fails():
    raise Violation("no group arrived")


GROUPS = Clause("P6", "groups", "groups arrive", "a draw without its group")
LEARNS = Clause("L1", "learns", "it learns", "a learning rate")
CHECKS = [
    Check("pretexts/one/groups", GROUPS, fails),
    Check("pretexts/two/groups", GROUPS, passes),
    Check("pretexts/one/learns", LEARNS, passes),
    Check("pretexts/two/learns", LEARNS, fails, expected_failure="experimental"),
]


@pytest.fixture
def listed(monkeypatch, vectors):
    monkeypatch.setattr("unlabeled.conformance.checks_for", lambda plugin: CHECKS)


def run(capsys, *arguments):
    code = main.run(["check", "vectors", *arguments])
    return code, capsys.readouterr().out


def test_a_failure_is_told_with_its_hint(listed, capsys):
    code, shown = run(capsys)
    assert code == 1
    assert "no group arrived" in shown
    assert "usually: a draw without its group" in shown
    assert "of 4 checks 2 hold, 1 are expected failures, 1 failed" in shown


def test_the_summary_counts_pretexts_that_were_never_shown_to_learn(listed, capsys):
    assert "pretexts never shown to learn: 1 (two)" in run(capsys)[1]
    found = json.loads(run(capsys, "--json")[1])
    assert found["never_shown_to_learn"] == ["two"]


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["P6"], ["pretexts/one/groups", "pretexts/two/groups"]),
        (["learns", "two/groups"], [check.name for check in CHECKS[1:]]),
        (["two"], ["pretexts/two/groups", "pretexts/two/learns"]),
    ],
)
def test_only_some_are_run(listed, capsys, words, names):
    code, shown = run(capsys, "--json", "--only", *words)
    assert [row["check"] for row in json.loads(shown)["checks"]] == names
    assert code == ("pretexts/one/groups" in names)


def test_a_word_that_fits_nothing_is_refused_with_the_clauses(listed, capsys):
    assert main.run(["check", "vectors", "--only", "gruops"]) == 2
    assert "groups (P6), learns (L1)" in capsys.readouterr().err
