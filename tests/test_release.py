"""What stands in the way of a release is named; a release builds, tags and publishes nothing."""

from __future__ import annotations

import subprocess

import pytest
import release

CORE = """[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "{name}"
version = "{version}"
dependencies = [{needs}]

[tool.setuptools.packages.find]
where = ["src"]
"""
LOG = "# Changelog\n\n## Unreleased\n\n## 0.1.0 - 2026-12-01\n\n### Added\n- Everything.\n"


@pytest.fixture
def tree(tmp_path):
    """A checkout with a core and one plugin, both ready for 0.1.0."""
    write(tmp_path / "core", "unlabeled", "")
    write(tmp_path / "plugins" / "sonar", "unlabeled-sonar", '"unlabeled>=0.1,<1"')
    (tmp_path / ".gitignore").write_text("dist/\n")
    for line in ("init -q", "config user.name tests", "config user.email tests@localhost"):
        git(tmp_path, *line.split())
    commit(tmp_path)
    return tmp_path


def write(folder, name, needs, version="0.1.0", log=LOG):
    package = folder / "src" / name.replace("-", "_")
    package.mkdir(parents=True, exist_ok=True)
    (package / "__init__.py").touch()
    (folder / "pyproject.toml").write_text(CORE.format(name=name, version=version, needs=needs))
    (folder / "CHANGELOG.md").write_text(log)


def git(folder, *arguments):
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True).stdout


def commit(folder):
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "as it is")


def test_a_release_builds_and_tags(tree, capsys):
    assert release.release(tree, "unlabeled", "0.1.0") == 0
    assert {file.name for file in (tree / "dist").iterdir()} == {
        "unlabeled-0.1.0-py3-none-any.whl",
        "unlabeled-0.1.0.tar.gz",
    }
    assert git(tree, "cat-file", "-t", "unlabeled-v0.1.0") == b"tag\n"
    assert "nothing is published" in capsys.readouterr().out
    assert release.obstacles(tree, "unlabeled-sonar", "0.1.0") == []
    [again] = release.obstacles(tree, "unlabeled", "0.1.0")
    assert again == "there is a tag unlabeled-v0.1.0 already"


def test_a_dry_run_builds_and_sets_no_tag(tree, monkeypatch):
    built = []
    monkeypatch.setattr(release.wheels, "build", lambda package, dist: built.append(package) or [])
    assert release.release(tree, "unlabeled", "0.1.0", dry=True) == 0
    assert built == [tree / "core"]
    assert git(tree, "tag", "--list") == b""


def test_a_plugin_waits_for_the_lowest_core_that_it_claims(tree, capsys):
    assert release.release(tree, "unlabeled-sonar", "0.1.0") == 1
    assert "unlabeled<1,>=0.1, is not released: no tag unlabeled-v0.1.0" in capsys.readouterr().err
    assert not (tree / "dist").exists()


@pytest.mark.parametrize("needs", ["unlabeled", "unlabeled>=0.1", "unlabeled<1"])
def test_a_plugin_says_a_range_of_cores(tree, needs):
    write(tree / "plugins" / "sonar", "unlabeled-sonar", f'"{needs}"')
    commit(tree)
    [found] = release.obstacles(tree, "unlabeled-sonar", "0.1.0")
    assert "is no range" in found


def test_a_core_is_admitted_by_the_plugins_beside_it(tree):
    log = LOG.replace("0.1.0", "1.0.0")
    write(tree / "core", "unlabeled", "", version="1.0.0", log=log)
    commit(tree)
    [found] = release.obstacles(tree, "unlabeled", "1.0.0")
    assert found == "sonar/pyproject.toml: unlabeled<1,>=0.1 leaves out core 1.0.0"


@pytest.mark.parametrize(
    ("log", "said"),
    [
        ("## Unreleased\n- New.\n", ["has no section", "under Unreleased"]),
        ("## Unreleased\n\n## 0.1.0\n- New.\n", ["has no section"]),
        ("## Unreleased\n\n## 0.1.0 - 2026-12-01\n### Added\n", ["is empty"]),
        ("## Unreleased\n- More.\n## 0.1.0 - 2026-12-01\n- New.\n", ["under Unreleased"]),
    ],
)
def test_the_changelog_tells_of_the_version(tree, log, said):
    write(tree / "core", "unlabeled", "", log=log)
    commit(tree)
    found = release.obstacles(tree, "unlabeled", "0.1.0")
    assert len(found) == len(said)
    assert all(part in line for part, line in zip(said, found, strict=True))


def test_everything_in_the_way_is_named_at_once(tree, monkeypatch):
    monkeypatch.setattr(release.public_surface, "surface", lambda: "another\n")
    (tree / "core" / "stray.py").touch()
    found = " ".join(release.obstacles(tree, "unlabeled", "0.2.0"))
    for part in ("says version 0.1.0", "no section", "is not current", "1 files are not committed"):
        assert part in found


def test_a_package_or_version_that_is_none_is_named(tree):
    [found] = release.obstacles(tree, "audio", "0.1.0")
    assert found.endswith("there are unlabeled, unlabeled-sonar")
    [found] = release.obstacles(tree, "unlabeled", "first")
    assert found == "VERSION=first: not a version as in 0.1.0"
