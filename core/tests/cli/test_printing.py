"""Nothing is cut, and JSON is JSON."""

import json
from pathlib import Path

import pytest

from unlabeled.cli.printing import one_document, print_json, print_table, typed


def test_a_pipe_gets_whole_columns(capsys):
    print_table([{"name": "x" * 300, "value": "0.123456789"}])
    assert ["x" * 300, "0.123456789"] in [
        line.split() for line in capsys.readouterr().out.splitlines()
    ]


def test_a_narrow_terminal_gets_whole_numbers(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    monkeypatch.setenv("FORCE_COLOR", "1")
    print_table([{"name": "x" * 40, "value": "0.123456789"}])
    assert "…" not in capsys.readouterr().out


def test_numbers_that_are_not_finite_are_null(capsys):
    with one_document():
        print("chatter")
        print_json({"a": float("nan"), "b": [float("inf"), 1.5], "c": Path("x")})
    shown = capsys.readouterr()
    assert json.loads(shown.out) == {"a": None, "b": [None, 1.5], "c": "x"}
    assert shown.err == "chatter\n"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "none"),
        (True, "true"),
        ([1, 2], "'[1, 2]'"),
        ((), "'[]'"),
        ("a b", "'a b'"),
        (Path("a/b"), "a/b"),
        (1e-5, "1e-05"),
    ],
)
def test_values_can_be_typed_back(value, text):
    assert typed(value) == text
