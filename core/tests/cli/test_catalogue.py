"""What is installed, in words."""

from __future__ import annotations

from typing import Literal

import pytest
from unlabeled_tides.plugin import plugin as tides

from unlabeled import discovery
from unlabeled.cli import catalogue, main


@pytest.fixture(autouse=True)
def _installed(monkeypatch):
    found = discovery.Found("tides", "unlabeled-tides", "0.3.0", plugin=tides)
    monkeypatch.setattr(discovery, "discover", lambda: (found,))


def test_settings_are_described_in_words(capsys):
    assert main.run(["describe", "tides/recurrent"]) == 0
    assert "width: whole number = 16" in capsys.readouterr().out
    kinds = {
        int | None: "whole number or none",
        Literal["layer", "mlp"]: "one of layer, mlp",
        tuple[float, float]: "list of number and number",
        tuple[str, ...]: "list of text",
    }
    assert {kind: catalogue.type_name(kind) for kind in kinds} == kinds
