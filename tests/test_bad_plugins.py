"""Every kind of bad plugin at once, beside good ones: each is listed with its reason and fix, and
the good ones go on working."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from installed import install, install_plugin

from unlabeled.discovery import SLOW
from unlabeled.errors import PluginError
from unlabeled.plugin import PLUGIN_API

BAD = {
    "broken": ("ModuleNotFoundError: No module named 'libsonar'", "pip install --force-reinstall"),
    "ends": ("SystemExit: 3", "pip install --force-reinstall"),
    "no_plugin": ("is a dict, not an unlabeled.plugin.Plugin", "tell the authors of no-plugin"),
    "older": ("speaks contract 0, this core needs at least", "pip install --upgrade unlabeled-old"),
    "newer": (f"speaks contract {PLUGIN_API + 1}, this core", "pip install --upgrade unlabeled"),
    "needs": ("needs unlabeled >=99", "pip install --upgrade unlabeled unlabeled-needs"),
    "twice": ("the name 'twice' is claimed by one-twice and two-twice", "pip uninstall two-twice"),
}

COMMANDS = """
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unlabeled.cli.main import run

commands = [
    "plugins --json",
    "plugins",
    "recipes good",
    "describe audio/ssast",
    "describe good/there",
    "describe broken/there",
    "describe good/missing",
    "recipes twice",
    "check good --json",
]
for number, command in enumerate(commands):
    with Path(f"{number}.txt").open("w") as out, redirect_stdout(out), redirect_stderr(out):
        code = run(command.split())
    print(code)
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """By command number: the exit code and what was printed, in a process of its own."""
    folder = tmp_path_factory.mktemp("bad")
    install_bad_plugins(folder / "site")
    paths = [str(folder / "site"), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "COLUMNS": "300"}
    ran = subprocess.run(
        [sys.executable, "-c", COMMANDS],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    codes = map(int, ran.stdout.split())
    return [(code, (folder / f"{n}.txt").read_text()) for n, code in enumerate(codes)]


def install_bad_plugins(site):
    site.mkdir()
    modules = {
        "broken": "import libsonar",
        "ends": "raise SystemExit(3)",
        "no_plugin": "plugin = {'api': 1}",
    }
    for name, source in modules.items():
        module = f"{name}_module"
        points = {name: f"{module}:plugin"}
        install(site, name.replace("_", "-"), entry_points=points, modules={module: source})
    slow = (
        "import time\nfrom unlabeled.plugin import Plugin\n"
        f"time.sleep({SLOW})\nplugin = Plugin({PLUGIN_API}, 'slow', 'a slow one')"
    )
    install(site, "slow", entry_points={"slow": "slow_m:plugin"}, modules={"slow_m": slow})
    install_plugin(site, "older", api=0, name="unlabeled-old")
    install_plugin(site, "newer", api=PLUGIN_API + 1)
    install_plugin(site, "needs", requires=("unlabeled>=99",))
    install_plugin(site, "twice", name="one-twice")
    install_plugin(site, "twice", name="two-twice")
    install_plugin(site, "good")


@pytest.mark.parametrize("name", BAD)
def test_a_bad_one_is_listed_with_its_reason_and_its_mend(said, name):
    code, text = said[0]
    assert code == 0
    found = [record for record in json.loads(text) if record["plugin"] == name]
    assert len(found) == (2 if name == "twice" else 1)
    reason, fix = BAD[name]
    for record in found:
        assert not record["healthy"]
        assert reason in record["problem"]
        assert record["fix"].startswith(fix)
        assert record["problem"] in said[1][1]
        assert record["fix"] in said[1][1]


def test_a_slow_one_works_and_is_told_on(said):
    [slow] = [record for record in json.loads(said[0][1]) if record["plugin"] == "slow"]
    assert slow["healthy"]
    assert "slow_m:plugin takes 1." in slow["warning"]
    assert "tell the authors of slow" in slow["fix"]
    assert slow["warning"] in said[1][1]


def test_good_ones_are_healthy_and_quick(said):
    good = [r for r in json.loads(said[0][1]) if r["plugin"] not in BAD and r["plugin"] != "slow"]
    assert {"audio", "graph", "medical", "remote_sensing", "good"} <= {r["plugin"] for r in good}
    assert all(record["healthy"] and not record["warning"] for record in good)


def test_good_ones_go_on_working(said):
    for number in (2, 3, 4):
        assert said[number][0] == 0, said[number][1]
    assert "good/gone" in said[2][1]


def test_a_bad_one_that_is_asked_for_says_why(said):
    assert said[5][0] == said[7][0] == PluginError.exit_code
    assert BAD["broken"][0] in said[5][1]
    assert BAD["twice"][0] in said[7][1]


def test_a_component_that_does_not_exist_is_named(said):
    code, text = said[6]
    assert code == PluginError.exit_code
    assert "nothing_of_that_name" in text
    code, text = said[8]
    assert code == 1
    failed = {row["check"]: row for row in json.loads(text)["checks"] if row["result"] == "failed"}
    assert "nothing_of_that_name" in failed["encoders/missing/exists"]["seen"]
    assert "recipe 'good/gone'" in failed["recipes/gone/exists"]["seen"]
    assert "renamed module" in failed["encoders/missing/exists"]["hint"]
