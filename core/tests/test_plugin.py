"""The manifest of a plugin: standard library only, one mapping per kind."""

import ast
import sys
from dataclasses import fields
from pathlib import Path

import pytest

import unlabeled.plugin
from unlabeled.plugin import KINDS, OLDEST_PLUGIN_API, PLUGIN_API, Component, Plugin


def test_it_imports_the_standard_library_only():
    tree = ast.parse(Path(unlabeled.plugin.__file__).read_text(encoding="utf-8"))
    imported = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module]
            if isinstance(node, ast.ImportFrom)
            else [each.name for each in node.names]
        )
    }
    assert imported <= sys.stdlib_module_names


def test_every_kind_is_a_field_and_found_by_its_name():
    mappings = {kind: {"one": Component("package.module:One", kind)} for kind in KINDS}
    plugin = Plugin(PLUGIN_API, "toy", "a toy", **mappings)
    for kind in KINDS:
        assert plugin.components(kind)["one"].summary == kind
    others = {"api", "modality", "summary", "synthetic", "commands", "trials", "expected_failures"}
    assert {each.name for each in fields(Plugin)} == {*KINDS, *others}


def test_an_unknown_kind_and_an_unknown_field_are_refused():
    with pytest.raises(AttributeError):
        Plugin(1, "toy", "a toy").components("losses")
    with pytest.raises(TypeError, match="losses"):
        Plugin(1, "toy", "a toy", losses={})


def test_the_accepted_contracts_end_with_this_one():
    assert 1 <= OLDEST_PLUGIN_API <= PLUGIN_API
