"""The core's list of components says what there is: every file, and nothing that is not there."""

import importlib
from pathlib import Path

import pytest

from unlabeled.builtin import plugin
from unlabeled.plugin import KINDS, PLUGIN_API

LISTED = [
    (kind, name, component) for kind in KINDS for name, component in plugin.components(kind).items()
]


def load(component):
    module, _, attribute = component.target.partition(":")
    return getattr(importlib.import_module(module), attribute)


@pytest.mark.parametrize(("kind", "name", "component"), LISTED)
def test_a_component_is_where_the_list_says(kind, name, component):
    loaded = load(component)
    assert loaded.__module__ == component.target.partition(":")[0], "a name of another module"
    assert component.target.partition(":")[0].endswith(f".{name}")
    assert component.summary
    assert not component.summary.endswith(".")


def test_no_component_is_in_the_list_twice():
    targets = [component.target for _, _, component in LISTED]
    assert len(targets) == len(set(targets))


@pytest.mark.parametrize("kind", ["objectives", "pretexts"])
def test_every_class_with_settings_in_its_folder_is_listed(kind):
    folder = importlib.import_module(f"unlabeled.{kind}")
    listed = {component.target for _, _, component in LISTED}
    for file in sorted(Path(folder.__path__[0]).glob("*.py")):
        module = importlib.import_module(f"unlabeled.{kind}.{file.stem}")
        for value in vars(module).values():
            own = isinstance(value, type) and value.__module__ == module.__name__
            if own and hasattr(value, "settings_type") and not value.__name__.startswith("_"):
                assert f"{module.__name__}:{value.__name__}" in listed


def test_expected_failures_name_components_and_reasons():
    assert plugin.api == PLUGIN_API
    for check, reason in plugin.expected_failures.items():
        kind, name, _ = check.split("/")
        assert name in plugin.components(kind)
        assert reason
