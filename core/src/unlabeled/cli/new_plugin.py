"""`unlabeled new-plugin`: write a small working package to change into your own."""

from __future__ import annotations

import keyword
import re
import shlex
from dataclasses import asdict, dataclass
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template
from typing import Annotated, Literal

from cyclopts import Parameter

from unlabeled import discovery
from unlabeled.atomic import new_folder
from unlabeled.cli.catalogue import Json
from unlabeled.cli.printing import console, print_json
from unlabeled.commands import command
from unlabeled.errors import UsageError
from unlabeled.plugin import PLUGIN_API

SUFFIX = ".tmpl"
SHARED = "shared"
"""The folder of templates for every kind; each kind adds a folder of its own name."""
NAME = re.compile(r"[a-z][a-z0-9_]*")
Data = Literal["series", "images", "tables", "graphs"]


@dataclass(frozen=True, slots=True)
class Names:
    """The names of the parts of one kind of plugin, for the shared templates."""

    reads: str
    item: str
    ending: str
    reader: str
    augmentation: str
    encoder: str
    pretext: str
    baseline: str
    libraries: str = ""


KINDS: dict[Data, Names] = {
    "series": Names(
        reads="series of numbers: CSV files (names of channels in the first line, then one row per "
        "time step) and NumPy arrays of shape (steps, channels)",
        item="recording",
        ending=".csv",
        reader="recordings",
        augmentation="noise",
        encoder="recurrent",
        pretext="next_step",
        baseline="moments",
    ),
    "images": Names(
        reads="pictures: PNG and TIFF files, grey or colour, of 8 or 16 bits",
        item="picture",
        ending=".png",
        reader="pictures",
        augmentation="light",
        encoder="convolutional",
        pretext="rotation",
        baseline="histogram",
        libraries='"pillow>=11", ',
    ),
    "tables": Names(
        reads="tables, CSV or Parquet: a row is an item, a column holds numbers or categories",
        item="table",
        ending=".csv",
        reader="rows",
        augmentation="jitter",
        encoder="columns",
        pretext="hidden_cells",
        baseline="numbers",
    ),
    "graphs": Names(
        reads="graphs: one JSON file each (`nodes`: features, `edges`: pairs of positions), or one "
        "CSV file each (two columns of node names, a row per edge)",
        item="graph",
        ending=".json",
        reader="graphs",
        augmentation="drop_edges",
        encoder="message_passing",
        pretext="hidden_features",
        baseline="degrees",
    ),
}


def new_plugin(
    name: str,
    *,
    for_: Annotated[Data, Parameter(name="--for")] = "series",
    out: Path | None = None,
    json: Json = False,
) -> None:
    """Write a small working plugin that passes the conformance kit as it is.

    Parameters
    ----------
    name
        The modality: lower-case letters, digits and underscores, such as `sonar`.
    for_
        The data that its reader reads: series (CSV, NumPy), images (PNG, TIFF), tables (CSV,
        Parquet) or graphs (JSON, edge lists).
    out
        The folder to write, which must not exist yet; `unlabeled-NAME` if left out.
    """
    _check_name(name)
    distribution = f"unlabeled-{name.replace('_', '-')}"
    target = Path(distribution) if out is None else out
    if target.exists():
        raise UsageError(f"{target} exists already. Choose another folder with --out.")
    chosen = KINDS[for_]
    values = asdict(chosen) | {
        "Reader": chosen.reader.capitalize(),
        "name": name,
        "package": f"unlabeled_{name}",
        "distribution": distribution,
        "core": version("unlabeled"),
        "api": str(PLUGIN_API),
    }
    templates = files("unlabeled") / "template"
    with new_folder(target) as folder:
        for place, text in [
            *_templates(templates / SHARED, Path()),
            *_templates(templates / for_, Path()),
        ]:
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
    """Raises UsageError for an invalid name, or that of an installed plugin."""
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
