"""Check, build and tag one package: `make release PACKAGE=unlabeled-audio VERSION=0.1.0`.

Everything that stands in the way is named at once, and then nothing is built or tagged. The wheel
and the sdist lie in `dist/`; publishing them is nobody's business here. `DRY=1` sets no tag.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import public_surface
import wheels
from packaging.requirements import Requirement
from packaging.version import InvalidVersion, Version

ROOT = Path(__file__).resolve().parent.parent
CORE = "unlabeled"


@dataclass(frozen=True)
class Package:
    """One folder with a pyproject.toml."""

    folder: Path

    @property
    def project(self) -> dict[str, Any]:
        return tomllib.loads((self.folder / "pyproject.toml").read_text("utf-8"))["project"]

    @property
    def name(self) -> str:
        """The distribution: `unlabeled-audio`."""
        return self.project["name"]

    @property
    def needs(self) -> Requirement | None:
        """What a plugin asks of the core; None for the core itself."""
        found = [Requirement(line) for line in self.project["dependencies"]]
        return next((each for each in found if each.name == CORE), None)

    def tag(self, version: str) -> str:
        return f"{self.name}-v{version}"


def packages(root: Path) -> dict[str, Package]:
    """Every package of the tree by its distribution's name, the core first."""
    folders = [
        root / "core",
        *sorted(file.parent for file in root.glob("plugins/*/pyproject.toml")),
    ]
    return {package.name: package for package in map(Package, folders)}


def obstacles(root: Path, name: str, version: str) -> list[str]:
    """Why this version cannot be released; empty if it can."""
    known = packages(root)
    if name not in known:
        return [f"PACKAGE={name}: there is no such package; there are {', '.join(known)}"]
    try:
        Version(version)
    except InvalidVersion:
        return [f"VERSION={version}: not a version as in 0.1.0"]
    package = known[name]
    return [
        *_version(package, version),
        *_changelog(package, version),
        *(_floor(root, package) if package.needs else _admitted(known, version)),
        *_inventory(),
        *_checkout(root, package.tag(version)),
    ]


def _version(package: Package, version: str) -> Iterator[str]:
    if package.project["version"] != version:
        stated = package.project["version"]
        yield f"{package.folder.name}/pyproject.toml says version {stated}, not {version}"


def _changelog(package: Package, version: str) -> Iterator[str]:
    """A section of its own for the version, dated, and nothing left under Unreleased."""
    text = (package.folder / "CHANGELOG.md").read_text(encoding="utf-8")
    parts = re.split(r"^## +(.+)$", text, flags=re.MULTILINE)[1:]
    sections = {title.strip(): body for title, body in zip(parts[::2], parts[1::2], strict=True)}
    where = f"{package.folder.name}/CHANGELOG.md"
    dated = [t for t in sections if re.fullmatch(rf"{re.escape(version)} - \d{{4}}-\d\d-\d\d", t)]
    if not dated:
        yield f'{where} has no section "## {version} - YYYY-MM-DD"'
    elif not _entries(sections[dated[0]]):
        yield f"{where}: the section of {version} is empty"
    if _entries(sections.get("Unreleased", "")):
        yield f"{where}: there is something under Unreleased; move it into the section of {version}"


def _entries(section: str) -> list[str]:
    """The lines of a section that are no headings."""
    return [line for line in section.splitlines() if line.strip() and not line.startswith("#")]


def _floor(root: Path, package: Package) -> Iterator[str]:
    """A plugin asks for a core that is released, and for none of the next major version."""
    assert package.needs
    where = f"{package.folder.name}/pyproject.toml"
    lowest = [Version(each.version) for each in package.needs.specifier if each.operator == ">="]
    if len(lowest) != 1 or not any(each.operator == "<" for each in package.needs.specifier):
        yield f"{where}: {package.needs} is no range such as {CORE}>=0.1,<1"
        return
    tag = f"{CORE}-v{three_numbers(lowest[0])}"
    if not git(root, "tag", "--list", tag):
        yield f"{where}: the lowest core it claims, {package.needs}, is not released: no tag {tag}"


def _admitted(known: dict[str, Package], version: str) -> Iterator[str]:
    """A new core must be admitted by the plugins beside it."""
    for package in known.values():
        if package.needs and not package.needs.specifier.contains(version, prereleases=True):
            yield f"{package.folder.name}/pyproject.toml: {package.needs} leaves out core {version}"


def _inventory() -> Iterator[str]:
    if public_surface.surface() != public_surface.INVENTORY.read_text("utf-8"):
        yield "tests/public_surface.txt is not current: python tests/public_surface.py"


def _checkout(root: Path, tag: str) -> Iterator[str]:
    if git(root, "tag", "--list", tag):
        yield f"there is a tag {tag} already"
    changed = git(root, "status", "--porcelain").splitlines()
    if changed:
        yield f"{len(changed)} files are not committed, such as {changed[0].strip()}"


def three_numbers(version: Version) -> str:
    return f"{version.major}.{version.minor}.{version.micro}"


def git(root: Path, *arguments: str) -> str:
    command = ["git", *arguments]
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout


def release(root: Path, name: str, version: str, *, dry: bool = False) -> int:
    """Exit code 0 where it is built (and tagged unless dry), else 1."""
    found = obstacles(root, name, version)
    for line in found:
        print(f"release: {line}", file=sys.stderr)
    if found:
        return 1
    package = packages(root)[name]
    built = wheels.build(package.folder, root / "dist")
    print(*(f"built {file.relative_to(root)}" for file in built), sep="\n")
    tag = package.tag(version)
    if dry:
        print(f"dry run: no tag {tag} is set, nothing is published")
        return 0
    git(root, "tag", "--annotate", tag, "--message", f"{name} {version}")
    print(f"tagged {tag}; nothing is published or pushed")
    return 0


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("package")
    asked.add_argument("version")
    asked.add_argument("--dry", action="store_true", help="set no tag")
    given = asked.parse_args()
    sys.exit(release(ROOT, given.package, given.version, dry=given.dry))
