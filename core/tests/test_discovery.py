"""A bad plugin is listed with its reason; everything else goes on working."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from installed import install, install_plugin

from unlabeled import discovery
from unlabeled.errors import PluginError
from unlabeled.plugin import PLUGIN_API


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    discovery.discover.cache_clear()
    yield tmp_path
    discovery.discover.cache_clear()
    for name in set(sys.modules) - before:  # the next test installs another one of that name
        if (getattr(sys.modules[name], "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]


def found(modality: str) -> list[discovery.Found]:
    return [record for record in discovery.discover() if record.modality == modality]


def test_a_healthy_plugin_is_found_and_loaded(site):
    install_plugin(site, "sonar")
    [record] = found("sonar")
    assert record.healthy
    assert discovery.load("readers", "sonar/there").__name__ == "Reader"
    assert "sonar/there" in discovery.component_names("readers")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("raise ImportError('no libsonar.so')", "no libsonar.so"),
        ("import sys; sys.exit(3)", "SystemExit"),
        ("1 / 0", "ZeroDivisionError"),
        ("plugin = {'api': 1}", "is a dict, not an unlabeled.plugin.Plugin"),
        ("nothing = 1", "AttributeError"),
    ],
)
def test_a_broken_manifest_is_a_reason_not_a_crash(site, source, reason):
    install(site, "broken", entry_points={"sonar": "broken_m:plugin"}, modules={"broken_m": source})
    install_plugin(site, "radar")
    [record] = found("sonar")
    assert reason in record.problem
    assert record.fix
    assert found("radar")[0].healthy
    with pytest.raises(PluginError, match="installed but unusable"):
        discovery.load("readers", "sonar/there")


def test_asking_for_a_broken_plugin_keeps_the_cause(site):
    install(site, "b", entry_points={"sonar": "b_m:plugin"}, modules={"b_m": "1 / 0"})
    with pytest.raises(PluginError) as caught:
        discovery.usable("sonar")
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_a_manifest_under_another_name_is_refused(site):
    source = "from unlabeled.plugin import Plugin\nplugin = Plugin(1, 'radar', '')"
    install(site, "alias", entry_points={"sonar": "al_m:plugin"}, modules={"al_m": source})
    assert "called 'sonar'" in found("sonar")[0].problem


def test_two_claims_to_one_name_refuse_both_and_name_both(site):
    install_plugin(site, "sonar", name="one-sonar")
    install_plugin(site, "sonar", name="two-sonar")
    records = found("sonar")
    assert len(records) == 2
    assert all("one-sonar and two-sonar" in record.problem for record in records)
    assert not any(record.healthy for record in records)


@pytest.mark.parametrize(
    ("api", "fix"),
    [(PLUGIN_API + 1, "pip install --upgrade unlabeled"), (0, "pip install --upgrade unlabeled-s")],
)
def test_another_contract_version_is_refused_with_the_upgrade(site, api, fix):
    install_plugin(site, "sonar", api=api)
    [record] = found("sonar")
    assert f"contract {api}" in record.problem
    assert record.fix.startswith(fix)


def test_an_unmet_requirement_is_seen_before_anything_is_imported(site):
    install(
        site,
        "early",
        entry_points={"sonar": "early_m:plugin"},
        modules={"early_m": "raise RuntimeError('imported')"},
        requires=("unlabeled>=99",),
    )
    [record] = found("sonar")
    assert "needs unlabeled >=99" in record.problem
    assert "early_m" not in sys.modules


def test_a_requirement_of_another_package_does_not_matter(site):
    install_plugin(site, "sonar", requires=("numpy>=99", "unlabeled>=0.1,<1"))
    assert found("sonar")[0].healthy


def test_a_component_that_does_not_exist_says_so(site):
    install_plugin(site, "sonar")
    with pytest.raises(PluginError, match="nothing_of_that_name"):
        discovery.load("encoders", "sonar/missing")
    with pytest.raises(PluginError, match=r"Did you mean sonar/there\?"):
        discovery.load("readers", "sonar/ther")
    with pytest.raises(PluginError, match="Did you mean sonar"):
        discovery.load("readers", "sonr/there")


def test_listing_imports_nothing_heavy_and_is_quick():
    code = (
        "import sys, time; start = time.perf_counter(); import unlabeled;"
        "from unlabeled.cli.main import run;"
        "[run(c) for c in (['plugins'], ['recipes'], ['--help'])];"
        "heavy = {'torch', 'numpy', 'lightly', 'lightning_fabric', 'pyarrow', 'sklearn'};"
        "print(sorted(heavy & sys.modules.keys()), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip().endswith("[]"), done.stderr


def test_every_target_of_the_core_exists():
    for kind, name, _ in discovery.kinds_of(discovery.core().plugin):
        assert discovery.load(kind, name)


def test_a_recipe_that_is_not_in_the_wheel_is_named(site):
    package = Path(site / "pk")
    package.mkdir()
    (package / "__init__.py").write_text(
        "from unlabeled.plugin import Component, Plugin\n"
        "plugin = Plugin(1, 'sonar', '', recipes={'gone': Component('pk:recipes/gone.yaml', '')})"
    )
    install(site, "pk-dist", entry_points={"sonar": "pk:plugin"}, modules={})
    with pytest.raises(PluginError, match=r"recipes/gone\.yaml is not in pk"):
        discovery.recipe_path("sonar/gone")


@pytest.mark.parametrize("name", ["embed", "new_plugin"])
def test_no_modality_has_the_name_of_a_command(site, name):
    install_plugin(site, name)
    [record] = found(name)
    assert "is that of a command" in record.problem
    assert record.fix
