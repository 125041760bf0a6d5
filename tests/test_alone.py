"""Each plugin works without the other domains' libraries, on the oldest core that it claims,
and its last release on the core as it is now.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

import pytest
from alone import LIBRARIES
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parent.parent
ALONE = Path(__file__).with_name("alone.py")
SHARED = {"numpy", "pyarrow", "pydantic", "scikit_learn", "scipy", "torch", "unlabeled"}
PLUGINS = sorted(path.name for path in (ROOT / "plugins").iterdir() if path.is_dir())


@pytest.mark.parametrize("plugin", PLUGINS)
def test_a_plugin_needs_no_other_domain(plugin):
    run_alone(plugin)


@pytest.mark.parametrize("plugin", PLUGINS)
def test_a_plugin_runs_on_the_oldest_core_that_it_claims(plugin, tmp_path):
    tag = f"unlabeled-v{oldest_core(plugin)}"
    if git("tag", "--list", tag) == b"":
        pytest.skip(f"no tag {tag}: that core is not released yet, or this is no full clone")
    install("core", tag, tmp_path)
    run_alone(plugin, first=tmp_path / "site")


@pytest.mark.parametrize("plugin", PLUGINS)
def test_the_last_release_of_a_plugin_runs_on_this_core(plugin, tmp_path):
    name = f"unlabeled-{plugin.replace('_', '-')}"
    tags = git("tag", "--list", "--sort=-version:refname", f"{name}-v*").decode().split()
    if not tags:
        pytest.skip(f"no tag {name}-v*: nothing of it is released yet, or this is no full clone")
    install(f"plugins/{plugin}", tags[0], tmp_path)
    run_alone(plugin, first=tmp_path / "site")


def test_another_core_is_the_one_that_is_used(tmp_path):
    """What the floor test stands on, tried on the last commit while there is no tag."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    install("core", "HEAD", tmp_path)
    code = "import unlabeled; from importlib.metadata import distribution as d; print("
    code += "unlabeled.__file__, d('unlabeled').locate_file(''))"
    used = subprocess.check_output([sys.executable, "-c", code], env=on_path(tmp_path / "site"))
    assert used.decode().count(str(tmp_path / "site")) == 2


def test_every_plugin_has_its_libraries_blocked_for_the_others():
    assert set(LIBRARIES) == set(PLUGINS)
    for plugin in PLUGINS:
        named = {requirement.name.replace("-", "_") for requirement in requirements(plugin)}
        own = named - SHARED  # what the core or numpy brings anyway needs no blocking
        assert not own or set(LIBRARIES[plugin]) & own, f"{plugin}: nothing of it is in alone.py"


def run_alone(plugin: str, first: Path | None = None) -> None:
    ran = subprocess.run(
        [sys.executable, str(ALONE), plugin], env=on_path(first), capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-4000:]


def on_path(first: Path | None) -> dict[str, str]:
    paths = [str(first or ""), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def requirements(plugin: str) -> list[Requirement]:
    text = (ROOT / "plugins" / plugin / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(text)["project"]
    lists = [project["dependencies"], *project.get("optional-dependencies", {}).values()]
    return [Requirement(line) for lines in lists for line in lines]


def oldest_core(plugin: str) -> str:
    named = [each for each in requirements(plugin) if each.name == "unlabeled"]
    [core] = [each for each in named if each.specifier]  # an extra of it has no bound of its own
    [oldest] = [Version(each.version) for each in core.specifier if each.operator == ">="]
    return f"{oldest.major}.{oldest.minor}.{oldest.micro}"


def install(package: str, revision: str, folder: Path) -> None:
    """A package of a tag or commit by its folder, built and installed into folder/site."""
    with tarfile.open(fileobj=io.BytesIO(git("archive", revision, package))) as archive:
        archive.extractall(folder, filter="data")
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check", "install"]
    flags = ["--no-deps", "--no-index", "--no-build-isolation", "--target", str(folder / "site")]
    subprocess.run([*pip, *flags, str(folder / package)], check=True)


def git(*arguments: str) -> bytes:
    if not (ROOT / ".git").exists():
        return b""
    return subprocess.check_output(["git", *arguments], cwd=ROOT)
