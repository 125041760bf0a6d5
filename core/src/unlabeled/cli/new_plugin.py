"""`unlabeled new-plugin`: a small working package to change into one's own."""

from __future__ import annotations

import keyword
import re
import shlex
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from unlabeled import discovery
from unlabeled.atomic import new_folder
from unlabeled.cli.catalogue import Json
from unlabeled.cli.printing import console, print_json
from unlabeled.commands import command
from unlabeled.errors import UsageError
from unlabeled.plugin import PLUGIN_API

SUFFIX = ".tmpl"
NAME = re.compile(r"[a-z][a-z0-9_]*")


def new_plugin(name: str, *, out: Path | None = None, json: Json = False) -> None:
    """Write a small working plugin that passes the conformance kit as it is.

    Parameters
    ----------
    name
        The modality: lower-case letters, digits and underscores, such as `sonar`.
    out
        The folder to write, which must not exist yet; `unlabeled-NAME` if left out.
    """
    _check_name(name)
    distribution = f"unlabeled-{name.replace('_', '-')}"
    target = Path(distribution) if out is None else out
    if target.exists():
        raise UsageError(f"{target} exists already. Choose another folder with --out.")
    values = {
        "name": name,
        "package": f"unlabeled_{name}",
        "distribution": distribution,
        "core": version("unlabeled"),
        "api": str(PLUGIN_API),
    }
    with new_folder(target) as folder:
        for place, text in _templates(files("unlabeled") / "template", Path()):
            file = folder / _renamed(place, values["package"])
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(Template(text).substitute(values), encoding="utf-8")
    if json:
        print_json({"plugin": name, "folder": str(target)})
        return
    console().print(
        f"Wrote {target}. Go on with:\n"
        f"  pip install -e {shlex.quote(f'{target.absolute()}[test]')}\n"
        f"  {command('check', name)}\n"
        f"  pytest {shlex.quote(str(target))}"
    )


def _check_name(name: str) -> None:
    """Raises UsageError if no plugin could have this name, or one that is installed has it."""
    if not NAME.fullmatch(name) or keyword.iskeyword(name):
        raise UsageError(
            f"{name!r} cannot name a plugin. Expected lower-case letters, digits and underscores, "
            "beginning with a letter, such as sonar."
        )
    taken = [found for found in discovery.discover() if found.modality == name]
    if taken:
        raise UsageError(f"{name!r} is the name of {taken[0].distribution}, which is installed.")


def _templates(folder: Traversable, place: Path) -> list[tuple[Path, str]]:
    """Every template below a folder of the package, with its place."""
    found = []
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            found += _templates(entry, place / entry.name)
        elif entry.name.endswith(SUFFIX):
            found.append((place / entry.name, entry.read_text(encoding="utf-8")))
    return found


def _renamed(place: Path, package: str) -> Path:
    """`src/package/plugin.py.tmpl` → `src/unlabeled_sonar/plugin.py`."""
    parts = [package if part == "package" else part for part in place.parts]
    name = parts.pop().removesuffix(SUFFIX)
    return Path(*parts, ".gitignore" if name == "gitignore" else name)
