"""A stranger's package, installed with pip, is found, trains, embeds and is judged; the core does
not know it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

STRANGER = Path(__file__).parent / "stranger"

SCRIPT = """
import sys
from pathlib import Path
import unlabeled_tides.synthetic
from unlabeled.cli.main import run

data = Path("data")
data.mkdir()
unlabeled_tides.synthetic.write(data, count=24, seed=0)
commands = [
    "plugins --json",
    "recipes tides",
    "describe tides/next_level",
    "inspect tides data",
    "pretrain tides/next_level data --out run --steps 4",
    "pretrain --resume run",
    "embed run data --out levels.parquet",
    "evaluate run data --labels data/labels.csv --target label --json",
]
for command in commands:
    sys.stdout = open(f"{commands.index(command)}.txt", "w")
    code = run(command.split())
    sys.stdout.close()
    if code:
        sys.exit(f"{command}: exit code {code}")
"""


@pytest.fixture(scope="module")
def done(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("stranger")
    source = shutil.copytree(STRANGER, folder / "source")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    flags = ["--no-build-isolation", "--target", str(folder / "site"), str(source)]
    subprocess.run([*install, *flags], check=True, capture_output=True)
    environment = {**os.environ, "PYTHONPATH": str(folder / "site")}
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    return folder


def test_it_is_found_among_our_own(done):
    found = {entry["plugin"]: entry for entry in json.loads((done / "0.txt").read_text())}
    assert found["tides"]["healthy"]
    assert found["tides"]["version"] == "0.3.0"
    assert found["audio"]["healthy"]


def test_its_recipes_and_data_are_described(done):
    assert "tides/barlow_twins" in (done / "1.txt").read_text()
    assert "reader: {name: tides/gauges, hours: 24}" in (done / "2.txt").read_text()
    assert "24 items" in (done / "3.txt").read_text()


def test_it_trains_embeds_and_is_judged(done):
    assert (done / "run" / "encoder" / "model.safetensors").is_file()
    assert "finished" in (done / "5.txt").read_text()
    assert (done / "levels.parquet").is_file()
    judged = json.loads((done / "7.txt").read_text())
    assert {row["kind"] for row in judged["rows"]} == {"pretrained", "random", "baseline"}


def test_nothing_in_core_or_in_another_plugin_names_it():
    root = Path(__file__).parent.parent
    sources = [*(root / "core" / "src").rglob("*.py"), *root.glob("plugins/*/src/**/*.py")]
    assert not [path for path in sources if "tides" in path.read_text(encoding="utf-8")]
