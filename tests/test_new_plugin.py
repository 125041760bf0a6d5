"""A generated plugin, installed from its wheel beside the core's, needs nothing from us."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from unlabeled.cli.main import run

ROOT = Path(__file__).parent.parent

SCRIPT = """
import sys
from contextlib import redirect_stdout
from pathlib import Path

import unlabeled
import unlabeled_sonar.synthetic
from unlabeled.cli.main import run

site = Path(sys.argv[1])
assert Path(unlabeled.__file__).is_relative_to(site), unlabeled.__file__
assert Path(unlabeled_sonar.__file__).is_relative_to(site), unlabeled_sonar.__file__
data = Path("data")
data.mkdir()
unlabeled_sonar.synthetic.write(data, count=24, seed=0)
commands = [
    "plugins --json",
    "check sonar --json",
    "inspect sonar data",
    "pretrain sonar/vicreg data --out run --epochs 1 --batch-size 12",
    "embed run data --out rows.parquet",
    "evaluate run data --labels data/labels.csv --target label --json",
]
for number, command in enumerate(commands):
    with Path(f"{number}.txt").open("w") as out, redirect_stdout(out):
        code = run(command.split())
    if code:
        sys.exit(f"{command}: exit code {code}")
"""


@pytest.fixture(scope="module")
def done(tmp_path_factory) -> Path:
    """A folder with the generated package, what was installed, and what the commands said."""
    folder = tmp_path_factory.mktemp("new")
    assert run(["new-plugin", "sonar", "--out", str(folder / "unlabeled-sonar")]) == 0
    for source in (ROOT / "core", folder / "unlabeled-sonar"):
        install(source, folder)
    environment = {**os.environ, "PYTHONPATH": str(folder / "site")}
    command = [sys.executable, "-c", SCRIPT, str(folder / "site")]
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, f"{ran.stderr}\n{(folder / '1.txt').read_text()}"
    return folder


def install(source: Path, folder: Path) -> None:
    """Build a wheel of a copy of the package, and install it outside the source tree."""
    copy = folder / "source" / source.name
    ignored = shutil.ignore_patterns("tests", "benchmarks", "build", "*.egg-info")
    shutil.copytree(source, copy, ignore=ignored)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    offline = ["--no-deps", "--no-index"]
    wheels = ["--no-build-isolation", "--wheel-dir", str(folder / "dist")]
    subprocess.run([*pip, "wheel", *offline, *wheels, str(copy)], check=True)
    name = source.name.replace("-", "_") if source.name != "core" else "unlabeled"
    [wheel] = (folder / "dist").glob(f"{name}-*.whl")
    site = ["--target", str(folder / "site"), str(wheel)]
    subprocess.run([*pip, "install", *offline, *site], check=True)


def test_it_is_listed_among_our_own(done):
    found = {each["plugin"]: each for each in json.loads((done / "0.txt").read_text())}
    assert found["sonar"]["healthy"]
    assert found["audio"]["healthy"]


def test_it_keeps_every_clause(done):
    answer = json.loads((done / "1.txt").read_text())
    assert answer["failed"] == 0
    results = {row["check"]: row["result"] for row in answer["checks"]}
    assert results["pretexts/next_step/learns"] == "holds"
    assert [name for name, result in results.items() if result == "expected failure"] == [
        "pretexts/joint_embedding/learns"
    ]


def test_it_trains_embeds_and_is_judged(done):
    assert "24 items" in (done / "2.txt").read_text()
    assert len((done / "run" / "metrics.jsonl").read_text().splitlines()) == 2
    judged = json.loads((done / "5.txt").read_text())
    assert {row["kind"] for row in judged["rows"]} == {"pretrained", "random", "baseline"}


def test_its_sources_are_formatted_and_linted(done):
    for command in (["check", "--select", "E,F,W,N,UP,B,RUF"], ["format", "--check"]):
        settings = ["--isolated", "--line-length", "100", "--target-version", "py311"]
        ran = subprocess.run(
            [sys.executable, "-m", "ruff", *command, *settings, str(done / "unlabeled-sonar")],
            capture_output=True,
            text=True,
        )
        assert ran.returncode == 0, ran.stdout


def test_the_template_is_complete():
    """No placeholder is left, and every file of the template arrives."""
    template = ROOT / "core" / "src" / "unlabeled" / "template"
    assert all(file.suffix == ".tmpl" for file in template.rglob("*") if file.is_file())
    assert len(list(template.rglob("*.tmpl"))) > 15


@pytest.mark.parametrize("name", ["Sonar", "so-nar", "2d", "class", "", "a/b"])
def test_a_name_that_no_plugin_can_have_is_refused(name, tmp_path, capsys):
    assert run(["new-plugin", "--name", name, "--out", str(tmp_path / "new")]) == 2
    assert "such as sonar" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_an_installed_name_and_a_folder_that_exists_are_refused(tmp_path, capsys):
    assert run(["new-plugin", "audio", "--out", str(tmp_path / "new")]) == 2
    assert "unlabeled-audio" in capsys.readouterr().err
    (tmp_path / "kept").mkdir()
    assert run(["new-plugin", "sonar", "--out", str(tmp_path / "kept")]) == 2
    assert "exists already" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [tmp_path / "kept"]
