"""What the help of a recipe lists."""

from __future__ import annotations

import shlex

import pytest
from unlabeled_tides.plugin import plugin as tides

from unlabeled import discovery
from unlabeled.cli import main
from unlabeled.cli.overrides import parse_overrides
from unlabeled.recipe import load_recipe


@pytest.fixture(autouse=True)
def _installed(monkeypatch):
    found = discovery.Found("tides", "unlabeled-tides", "0.3.0", plugin=tides)
    monkeypatch.setattr(discovery, "discover", lambda: (found,))


def test_help_of_a_recipe_lists_its_settings(capsys):
    assert main.run(["pretrain", "tides/next_level", "--help"]) == 0
    assert "--encoder.width 8" in capsys.readouterr().out


def test_values_in_the_help_of_a_recipe_can_be_typed_back(capsys):
    assert main.run(["pretrain", "tides/next_level", "--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    words = [word for line in lines if line.startswith("  --") for word in shlex.split(line)]
    assert load_recipe("tides/next_level", parse_overrides(words)) == load_recipe(
        "tides/next_level"
    )
