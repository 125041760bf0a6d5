"""The files of a folder that a reader takes, by settings that all readers share; the rest is
counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import Field

from unlabeled.data.globs import compile_pattern, fields_of, fits
from unlabeled.data.items import Items, LeftOut, Quarantined
from unlabeled.data.manifest import ManifestRow, read_manifest
from unlabeled.data.walk import File, Walked, printable, walk
from unlabeled.errors import DataError, RecipeError, UnreadableItem
from unlabeled.settings import Settings

FOREIGN = "of a format that this reader does not read"
NO_FILE = "that are not regular files"
HIDDEN = "hidden, as their names begin with a dot"
REPEATED = "links to folders that are read already"
RUNS = "that are folders of runs"
SHOWN = 5
"""How many endings or names are shown."""


class FileRules(Settings):
    """The settings of every reader that takes files from a folder (see `unlabeled.data.globs`)."""

    include: tuple[str, ...] = Field((), description="globs of the only files to read")
    exclude: tuple[str, ...] = Field((), description="globs of files to leave out")
    pattern: str | None = Field(
        None, description="names with fields, {speaker}_{take}.wav; other files are left out"
    )
    manifest: str | None = Field(
        None,
        description="a table in the folder that lists the files, in a column `path`; include, "
        "exclude and pattern hold for those that it lists, and its other columns are metadata",
    )
    group: str | None = Field(
        None,
        description="the field of `pattern`, or column of a manifest, that is the group; unset: "
        "the one called group, if there is one",
    )


@dataclass(frozen=True, slots=True)
class Listed:
    """A file to read. name: its path below the folder; fields: those of `pattern` but the group."""

    name: str
    path: Path
    fields: Mapping[str, str] = field(default_factory=dict)
    group: str = ""

    def row(self, own: Mapping[str, Any]) -> dict[str, Any]:
        """A row of an index: the reader's own columns and the fields.

        Raises DataError where both have a name.
        """
        if taken := sorted(own.keys() & self.fields.keys()):
            raise DataError(
                f"{self.name}: the names {', '.join(taken)} are the reader's own; rename these "
                "fields of reader.pattern, or columns of the manifest"
            )
        return {**own, **self.fields}


@dataclass(slots=True)
class Listing:
    """files: to read, in the order of their names; quarantined: of a known format, and unusable;
    notes: sentences about the manifest."""

    path: Path
    files: list[Listed] = field(default_factory=list)
    quarantined: list[Quarantined] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    _counts: Counter[tuple[str, str]] = field(default_factory=Counter)

    def quarantine(self, error: UnreadableItem) -> None:
        """List an item that cannot be used."""
        self.quarantined.append(Quarantined(error.source, error.expected, error.found))

    def leave_out(self, reason: str, kind: str = "", count: int = 1) -> None:
        """Count a file that is not an item. reason: a phrase after the number, "that look like
        label maps"; kind: shown with the number of each (".m4a")."""
        self._counts[reason, kind] += count

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """By reason, the commonest first."""
        kinds: dict[str, Counter[str]] = {}
        for (reason, kind), count in self._counts.items():
            kinds.setdefault(reason, Counter())[kind] += count
        found = [LeftOut(r, c.total(), _commonest(c)) for r, c in kinds.items()]
        return tuple(sorted(found, key=lambda each: (-each.count, each.reason)))

    def items(
        self, columns: Mapping[str, Sequence[Any]], notes: Sequence[str] = (), *, of: str
    ) -> Items:
        """The index of these columns. of: a noun for messages, "sound file".

        Raises DataError if there is no item.
        """
        notes = (*self.notes, *notes)
        found = Items.of(columns, self.quarantined, notes, self.left_out)
        if not len(found):
            head = f"{self.path}: no {of} that can be used"
            raise DataError("\n  ".join((head, *found.account(), *notes)))
        return found


def list_files(
    path: Path | str,
    rules: FileRules,
    endings: Collection[str],
    looks_right: Callable[[File], bool] | None = None,
) -> Listing:
    """The files below the folder `path` that `rules` and `endings` take; or the one file `path`.

    endings: of the formats that are read, in lower case (".nii.gz"; names may have capitals);
    looks_right: whether a file with another ending has such a format nevertheless. Raises DataError
    if nothing is there, RecipeError for a `group` that is not a field of `pattern`.
    """
    path = Path(path)
    if not path.exists():
        raise DataError(f"{path}: there is no such file or folder")
    if printable(str(path)) != str(path):
        raise DataError(f"{printable(str(path))}: expected a path that is UTF-8; rename the folder")
    names, listing, walked = _Names(rules), Listing(path), walk(path)
    _set_aside(walked, listing)
    rows = _listed_rows(path, rules, listing, walked) if rules.manifest else None
    for file in walked.files:
        if file.name == rules.manifest:
            continue
        if rows is not None and file.name not in rows:
            listing.leave_out(f"that {rules.manifest} does not list")
            continue
        known = file.name.lower().endswith(tuple(endings)) or path.is_file()
        if reason := unwanted(file.name, rules):
            listing.leave_out(reason)
        elif file.problem and not known:
            listing.leave_out(NO_FILE, file.problem)
        elif file.problem:
            listing.quarantine(
                UnreadableItem(str(path / file.name), "a file to read", file.problem)
            )
        elif known or (looks_right and looks_right(file)):
            names.list(file, listing, (rows or {}).get(file.name))
        else:
            listing.leave_out(FOREIGN, file.ending or "without an ending")
    return listing


class _Names:
    """Fields and groups from file names. Raises RecipeError for a `group` that is not a field."""

    def __init__(self, rules: FileRules) -> None:
        self._pattern = rules.pattern or ""
        self._expression = compile_pattern(self._pattern) if self._pattern else None
        named = "group" if "group" in fields_of(self._pattern) else None
        self._group = rules.group or named
        if rules.manifest is None and rules.group not in (None, *fields_of(self._pattern)):
            raise RecipeError(
                f"reader.group: {rules.group!r} is no field of reader.pattern ({rules.pattern!r}); "
                f"write it there as {{{rules.group}}}"
            )

    def list(self, file: File, listing: Listing, row: ManifestRow | None = None) -> None:
        """Add a file that matches the pattern; count one that does not. row: of a manifest."""
        found = self._expression.fullmatch(file.name) if self._expression else None
        if self._expression and found is None:
            listing.leave_out(f"by the pattern {self._pattern}")
            return
        fields = {**(row.fields if row else {}), **(found.groupdict() if found else {})}
        group = (fields.pop(self._group, "") if self._group else "") or (row.group if row else "")
        listing.files.append(Listed(file.name, file.path, fields, group))


def _listed_rows(
    path: Path, rules: FileRules, listing: Listing, walked: Walked
) -> dict[str, ManifestRow]:
    """The rows of a manifest by the files that they name; a row without a file is quarantined.

    Raises DataError if the table cannot be read or lacks a column.
    """
    column = rules.group if rules.group not in fields_of(rules.pattern or "") else None
    found = read_manifest(path / str(rules.manifest), column)
    listing.quarantined += found.quarantined
    listing.notes += found.notes
    there, rows = {file.name for file in walked.files}, dict[str, ManifestRow]()
    for row in found.rows:
        if row.name in there:
            rows[row.name] = row
        else:
            listing.quarantine(UnreadableItem(row.where, f"a file below {path}", f"no {row.name}"))
    return rows


def _set_aside(walked: Walked, listing: Listing) -> None:
    """Count what the walker did not go into."""
    asides = ((HIDDEN, walked.hidden), (REPEATED, walked.repeated), (RUNS, walked.runs))
    for reason, names in asides:
        if names:
            listing.leave_out(reason, count=len(names))
    for folder in walked.closed:
        bad = UnreadableItem(str(listing.path / folder.name), "a folder to read", folder.problem)
        listing.quarantine(bad)


def unwanted(name: str, rules: FileRules) -> str:
    """The rule that leaves out a file of this name below the folder; "" if none does."""
    for glob in rules.exclude:
        if fits(name, glob):
            return f"by exclude {glob}"
    wanted = not rules.include or any(fits(name, glob) for glob in rules.include)
    return "" if wanted else "by include"


def _commonest(kinds: Counter[str]) -> str:
    """ "3 .m4a, 2 .sdf and 4 others"; empty without kinds."""
    if set(kinds) == {""}:
        return ""
    shown = [f"{count} {kind}" for kind, count in kinds.most_common(SHOWN)]
    rest = sum(count for _, count in kinds.most_common()[SHOWN:])
    return ", ".join(shown) + (f" and {rest} others" if rest else "")
