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
from unlabeled.cli.new_plugin import KINDS

ROOT = Path(__file__).parent.parent
SMALLEST = "series"
"""The kind that `make test` tries; `make check-all` tries all of them."""
MARKED = [
    kind if kind == SMALLEST else pytest.param(kind, marks=pytest.mark.thorough) for kind in KINDS
]

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
    "evaluate run data --labels data/labels.csv --target label --json "
    "--evaluation.probe.name sonar/nearest_centroid",
]
for number, command in enumerate(commands):
    with Path(f"{number}.txt").open("w") as out, redirect_stdout(out):
        code = run(command.split())
    if code:
        sys.exit(f"{command}: exit code {code}")
"""


@pytest.fixture(scope="module")
def core(tmp_path_factory) -> Path:
    """A folder in which the core is installed from its wheel."""
    folder = tmp_path_factory.mktemp("core")
    install(ROOT / "core", folder)
    return folder / "site"


@pytest.fixture(scope="module", params=MARKED)
def done(request, core, tmp_path_factory) -> Path:
    """A folder with the generated package, what was installed, and what the commands printed."""
    folder = tmp_path_factory.mktemp("new")
    target = ["--out", str(folder / "unlabeled-sonar")]
    assert run(["new-plugin", "sonar", "--for", request.param, *target]) == 0
    shutil.copytree(core, folder / "site")
    install(folder / "unlabeled-sonar", folder)
    ran = python(folder, "-c", SCRIPT, str(folder / "site"))
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


def python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the folder, with what is installed there."""
    environment = {**os.environ, "PYTHONPATH": str(folder / "site")}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def test_it_is_listed_among_our_own(done):
    found = {each["plugin"]: each for each in json.loads((done / "0.txt").read_text())}
    assert found["sonar"]["healthy"]
    assert found["audio"]["healthy"]


def test_it_keeps_every_clause(done):
    answer = json.loads((done / "1.txt").read_text())
    assert answer["failed"] == 0
    results = {row["check"]: row["result"] for row in answer["checks"]}
    [own] = [name for name in results if name.endswith("/learns") and "joint" not in name]
    assert results[own] == "holds"
    assert [name for name, result in results.items() if result == "expected failure"] == [
        "pretexts/joint_embedding/learns"
    ]


def test_it_trains_embeds_and_is_assessed(done):
    assert "24 items" in (done / "2.txt").read_text()
    assert len((done / "run" / "metrics.jsonl").read_text().splitlines()) == 2
    for answer in ("5.txt", "6.txt"):
        found = json.loads((done / answer).read_text())
        assert {row["kind"] for row in found["rows"]} == {"pretrained", "random", "baseline"}


def test_its_own_tests_pass(done):
    tests = done / "unlabeled-sonar" / "tests"
    quick = [str(file) for file in tests.glob("test_*.py") if "conformance" not in file.name]
    ran = python(done, "-m", "pytest", "-q", "-p", "no:cacheprovider", *quick)
    assert ran.returncode == 0, ran.stdout


@pytest.mark.thorough
def test_its_types_are_strict(done):
    source = str(done / "unlabeled-sonar" / "src")
    settings = ["--strict", "--config-file", str(ROOT / "pyproject.toml")]
    ran = python(done, "-m", "mypy", *settings, source)
    assert ran.returncode == 0, ran.stdout
