"""The names that plugins build on: none vanishes or appears unless its line changes with it."""

from __future__ import annotations

import ast

from public_surface import INVENTORY, members, surface, used_in


def test_the_inventory_is_true():
    there, listed = set(surface().split()), set(INVENTORY.read_text(encoding="utf-8").split())
    vanished, unannounced = sorted(listed - there), sorted(there - listed)
    assert not vanished, f"gone: say so in core/CHANGELOG.md, For plugin authors: {vanished}"
    assert not unannounced, f"new: run python tests/public_surface.py: {unannounced}"


def test_what_a_plugin_imports_is_what_counts():
    source = (
        "from unlabeled import discovery as d\n"
        "from unlabeled.contract import Reader\n"
        "from torch import Tensor\n"
        "d.load('readers', 'x')\n"
    )
    assert set(used_in(ast.parse(source))) == {
        "unlabeled.discovery.load",
        "unlabeled.contract.Reader",
    }


def test_members_of_a_class_are_public_and_inherited_ones_are_there():
    names = members("unlabeled.errors.DataError")
    assert all(name.startswith("unlabeled.errors.DataError.") for name in names)
    found = members("unlabeled.contract.Reader")
    assert "unlabeled.contract.Reader.index" in found
    assert not [name for name in found if "._" in name]
