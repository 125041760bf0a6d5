"""Clauses R: a reader lists items, reads reproducibly, and names what it cannot read."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from unlabeled.conformance.check import Check, Clause, Violation, checks_of, require
from unlabeled.conformance.comparison import difference
from unlabeled.conformance.fixture import Fixture
from unlabeled.contract import Previews, Reader
from unlabeled.contract.preview import LARGEST_PREVIEW
from unlabeled.data.items import Items
from unlabeled.data.sources import files_of
from unlabeled.errors import DataError, UnlabeledError, UnreadableItem
from unlabeled.randomness import keyed_rng

INDEX = Clause(
    "R1",
    "index",
    "The index lists every synthetic item, the same on every call and wherever the folder lies.",
    "an order taken from the file system, or ids that hold absolute paths",
)
SAME = Clause(
    "R2",
    "same",
    "Reading an item twice, with the same rng, gives the same sample.",
    "a global random generator, or a cache that the caller can change",
)
MISSING = Clause(
    "R3",
    "missing",
    "A path that does not exist, or holds nothing to read, is a DataError.",
    "an empty index without an error, or an exception of the library that is not converted",
)
BROKEN = Clause(
    "R4",
    "broken",
    "A damaged file is quarantined by the index or raises UnreadableItem, naming the file; the "
    "others stay usable.",
    "an exception of the decoding library that is not converted, or a damaged file read as whole",
)
FACTS = Clause(
    "R5",
    "facts",
    "The facts of `describe` are JSON-like and equal on every call.",
    "a tensor or an array among the facts",
)

PREVIEWS = Clause(
    "R6",
    "previews",
    "Previews are a few small files of their formats with captions, equal on every call, and the "
    "sample stays unchanged.",
    "a picture of every slice, a caption left empty, or values scaled in place",
)
STARTS = {"png": b"\x89PNG", "svg": b"<", "wav": b"RIFF"}


def checks(fixture: Fixture) -> Iterator[Check]:
    """The checks of every reader in the manifest."""
    runs = {INDEX: _index, SAME: _same, MISSING: _missing, BROKEN: _broken, FACTS: _facts}
    for name in filter(fixture.plugin.synthetic.get, fixture.plugin.readers):
        shows = {PREVIEWS: _previews} if _shows(fixture, name) else {}
        yield from checks_of(f"readers/{name}", {**runs, **shows}, fixture, name)


def _shows(fixture: Fixture, name: str) -> bool:
    with suppress(UnlabeledError):  # what cannot be imported is caught by M2
        return isinstance(fixture.reader(fixture.default_reader(name)), Previews)
    return False


def _open(fixture: Fixture, name: str) -> tuple[Reader, Items]:
    choice = fixture.default_reader(name)
    return fixture.reader(choice), fixture.items(choice)


def _index(fixture: Fixture, name: str) -> None:
    reader, items = _open(fixture, name)
    require(len(items) > 0, "the synthetic folder has no items")
    again = reader.index(fixture.data(name))
    require(items.table.equals(again.table), "two calls list different items")
    moved = fixture.scratch(f"moved-{name}") / "elsewhere"
    shutil.copytree(fixture.data(name), moved)
    require(
        reader.index(moved).fingerprint() == items.fingerprint(),
        "a copy of the folder lists different items",
    )
    here = str(fixture.data(name))
    require(not any(here in item.id for item in items), "ids hold the folder's absolute path")


def _same(fixture: Fixture, name: str) -> None:
    reader, items = _open(fixture, name)
    for item in (items[0], items[len(items) - 1]):
        for rngs in ((None, None), (keyed_rng(1), keyed_rng(1))):
            seen = difference(reader.read(item, rngs[0]), reader.read(item, rngs[1]))
            require(not seen, f"{item.id} read twice: {seen}")


def _missing(fixture: Fixture, name: str) -> None:
    reader, _ = _open(fixture, name)
    empty = fixture.scratch(f"empty-{name}")
    for path, what in ((empty / "nowhere", "a missing path"), (empty, "an empty folder")):
        try:
            items = reader.index(path)
        except DataError as error:
            require(str(path) in str(error), f"the error for {what} does not name it: {error}")
        else:
            raise Violation(f"{what} gives an index of {len(items)} items, and no DataError")


def _broken(fixture: Fixture, name: str) -> None:
    reader, items = _open(fixture, name)
    folder = fixture.scratch(f"broken-{name}") / "data"
    shutil.copytree(fixture.data(name), folder)
    victim = _file_of(items, 0, fixture.data(name))
    damaged = folder / victim
    content = damaged.read_bytes()
    for what, left in (("emptied", b""), ("full of noise", bytes(range(256)) * 8)):
        damaged.write_bytes(left)
        _is_named(reader, folder, victim, what)
    damaged.write_bytes(content)


def _is_named(reader: Reader, folder: Path, victim: Path, what: str) -> None:
    try:
        items = reader.index(folder)
    except DataError as error:
        require(victim.name in str(error), f"a file {what}: the error does not name it: {error}")
        return
    named = any(victim.name in entry.source for entry in items.quarantine)
    for item in items:
        if victim.name not in item.source:
            reader.read(item)
            continue
        try:
            reader.read(item)
        except UnreadableItem as error:
            require(victim.name in error.source, f"a file {what} is not named: {error}")
            named = True
        except UnlabeledError as error:
            raise Violation(
                f"a file {what} raises {type(error).__name__}, not UnreadableItem"
            ) from error
    require(named, f"a file {what} ({victim}) is neither quarantined nor refused")


def _file_of(items: Items, index: int, folder: Path) -> Path:
    """The first file behind an item, relative to the folder; sources may carry a `#fragment`."""
    source = items[index].source.partition("#")[0]
    path = files_of(source)[0]
    if path.is_absolute():
        path = path.relative_to(folder)
    require((folder / path).is_file(), f"source {source!r} names no file below the folder")
    return path


def _facts(fixture: Fixture, name: str) -> None:
    reader, items = _open(fixture, name)
    facts = dict(reader.describe(items))
    require(facts == dict(reader.describe(items)), "two calls say different things")
    for key, value in facts.items():
        plain = isinstance(value, str | int | float | bool | list | tuple | dict | type(None))
        require(plain, f"{key} is a {type(value).__name__}")


def _previews(fixture: Fixture, name: str) -> None:
    reader, items = _open(fixture, name)
    assert isinstance(reader, Previews)
    sample = reader.read(items[0])
    before = copy.deepcopy(sample)
    shown = reader.previews(items[0], sample)
    seen = difference(before, sample)
    require(not seen, f"the sample changed, {seen}")
    require(0 < len(shown) <= 8, f"{len(shown)} previews of an item; expected 1 to 8")
    for each in shown:
        require(each.content.startswith(STARTS[each.format]), f"no file of {each.format}")
        require(len(each.content) <= LARGEST_PREVIEW, f"{len(each.content)} bytes in a preview")
        require(each.caption.strip(), "a preview without a caption")
    require(list(shown) == list(reader.previews(items[0], sample)), "two calls show other things")
