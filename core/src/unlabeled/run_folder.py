"""The folder of a run: its files, its lock, and its manifest.

recipe.yaml        the resolved recipe            quarantine.jsonl   items left out, and why
manifest.json      versions, data, status         checkpoints/       to go on from
metrics.jsonl      one row per optimiser step     encoder/ the exported encoder
trained_on.jsonl signatures of the data (in private/, if there is one)
labelled.json      which groups and contents had labels in training (see `labelled`)
private/           names behind pseudonyms, where the reader is private (see `privacy`)
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Literal

import yaml

from unlabeled.atomic import new_file, write_json, write_text
from unlabeled.errors import RunError
from unlabeled.formats import require_format
from unlabeled.plain_yaml import NotPlain, read_yaml

FORMAT = 1
"""The version of `manifest.json`."""

ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False)


def now() -> str:
    """The current time in the format of a manifest."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass(frozen=True, slots=True)
class DataRecord:
    """The data of a run. path: empty if private; columns: a digest of each column of the index
    except the source."""

    path: str
    items: int
    fingerprint: str
    columns: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Manifest:
    """The description and state of a run.

    recipe: every section with every value; environment: versions, hardware, threads, processes;
    exact: whether it equals a run that was never stopped; notes: why not, and other notes; method:
    the sections `encoder` and `pretext` with the facts of the data, from which `load_method`
    builds the method again; continues: the run whose weights it continues; started_from: the
    encoder whose weights it started from, empty if there is none; health_at_start: spread and rank
    before the first step; steps: done so far; seconds: spent training; began, ended: ISO 8601 in
    UTC, empty before; failed: the error that ended it, without the path of the run, empty if there
    was none.
    """

    name: str
    recipe: Mapping[str, Any]
    data: DataRecord
    environment: Mapping[str, Any]
    total_steps: int
    status: Literal["running", "stopped", "finished"] = "running"
    steps: int = 0
    seconds: float = 0.0
    exact: bool = True
    notes: tuple[str, ...] = field(default=())
    method: Mapping[str, Any] = field(default_factory=dict)
    continues: str = ""
    started_from: Mapping[str, Any] = field(default_factory=dict)
    health_at_start: Mapping[str, float] = field(default_factory=dict)
    began: str = field(default_factory=now)
    ended: str = ""
    failed: str = ""


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The paths of a run; nothing is read or written before a method is called."""

    path: Path

    @property
    def recipe(self) -> Path:
        return self.path / "recipe.yaml"

    @property
    def manifest(self) -> Path:
        return self.path / "manifest.json"

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.jsonl"

    @property
    def private(self) -> Path:
        return self.path / "private"

    @property
    def quarantine(self) -> Path:
        return (self.private if self.private.is_dir() else self.path) / "quarantine.jsonl"

    @property
    def trained_on(self) -> Path:
        return (self.private if self.private.is_dir() else self.path) / "trained_on.jsonl"

    @property
    def labelled(self) -> Path:
        return (self.private if self.private.is_dir() else self.path) / "labelled.json"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def encoder(self) -> Path:
        return self.path / "encoder"

    @property
    def tensorboard(self) -> Path:
        return self.path / "tensorboard"

    def holds_run(self) -> bool:
        return self.manifest.is_file()

    def claim(self) -> None:
        """Make the folder. Raises RunError if that fails, or as `check` does."""
        self.check()
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(f"{self.path}: cannot be made: {error.strerror}.") from error

    def check(self) -> None:
        """Raises RunError if the path holds something other than a run."""
        if not self.path.exists():
            return
        if not self.path.is_dir():
            raise RunError(f"{self.path}: expected a folder for the run, found a file.")
        # A run that was killed at its start leaves only these.
        begun = {self.recipe, self.trained_on, self.path / "labelled.json"}
        if (self.private / "salt").is_file():
            begun.add(self.private)
        strangers = sorted(
            p.name for p in self.path.iterdir() if not p.name.startswith(".") and p not in begun
        )
        if strangers and not self.holds_run():
            raise RunError(
                f"{self.path}: expected an empty folder or a run, found {', '.join(strangers[:3])}"
                f"{' …' if len(strangers) > 3 else ''}. Choose another --out."
            )

    def clear(self) -> None:
        """Forget a run that has no checkpoint yet."""
        for file in (
            self.manifest,
            self.recipe,
            self.metrics,
            self.quarantine,
            self.trained_on,
        ):
            file.unlink(missing_ok=True)

    def begin(self, manifest: Manifest) -> None:
        """Write `recipe.yaml`, then `manifest.json`, which makes this a run. Raises RunError."""
        try:
            write_text(self.recipe, yaml.safe_dump(_plain(manifest.recipe), sort_keys=False))
        except OSError as error:
            raise RunError(f"{self.recipe}: cannot be written: {error.strerror}.") from error
        self._write(manifest)

    def _write(self, manifest: Manifest) -> None:
        try:
            write_json(self.manifest, {"format": FORMAT, **asdict(manifest)})
        except OSError as error:
            raise RunError(f"{self.manifest}: cannot be written: {error.strerror}.") from error

    def read(self) -> Manifest:
        """The content of `manifest.json`. Raises RunError if this is not a run, or of another
        format."""
        try:
            found = json.loads(self.manifest.read_text())
            again = "Train again, or use the version of unlabeled that it names"
            require_format(found.pop("format", None), FORMAT, self.manifest, RunError, again)
            data = DataRecord(**found.pop("data"))
            known = {key.name for key in fields(Manifest)}
            notes = tuple(found.pop("notes"))
            values = {key: value for key, value in found.items() if key in known}
            return Manifest(**values, data=data, notes=notes)
        except FileNotFoundError as error:
            raise RunError(
                f"{self.path}: expected the folder of a run (with manifest.json), found "
                f"{'another folder' if self.path.is_dir() else 'no such folder'}."
            ) from error
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise RunError(f"{self.manifest}: cannot be read: {error!r}.") from error

    def read_recipe(self) -> dict[str, Any]:
        """The sections of `recipe.yaml`. Raises RunError."""
        try:
            sections = read_yaml(self.recipe)
        except (OSError, NotPlain) as error:
            raise RunError(f"{self.recipe}: cannot be read: {error}") from error
        if not isinstance(sections, dict):
            raise RunError(f"{self.recipe}: expected the sections of a recipe.")
        return sections

    def update(self, **changes: Any) -> Manifest:
        """Change fields of the manifest."""
        manifest = replace(self.read(), **changes)
        self._write(manifest)
        return manifest

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only process that writes to the run. Raises RunError if another one does.

        The kernel drops the lock when the process ends, however it ends, and data workers do not
        inherit it.
        """
        with (self.path / ".lock").open("a+") as file:
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                file.seek(0)
                holder = file.read().strip() or "another process"
                raise RunError(
                    f"{self.path}: {holder} is writing to this run. Wait until it ends, or choose "
                    "another --out."
                ) from error
            file.truncate(0)
            file.write(f"process {os.getpid()} on {socket.gethostname()}")
            file.flush()
            yield


def _plain(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Builtin types alone: YAML refuses subclasses, such as the text of a flag."""
    plain: dict[str, Any] = json.loads(ENCODER.encode(dict(recipe)))
    return plain


class JsonLines:
    """A file with one JSON object per line, which can be cut back to an earlier step."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[str] | None = None

    def append(self, row: Mapping[str, Any]) -> None:
        """Add a row; a process killed later does not lose it. Raises RunError."""
        try:
            if self._file is None:
                self._file = self.path.open("a", encoding="utf-8")
            self._file.write(ENCODER.encode(row) + "\n")
            self._file.flush()
        except OSError as error:
            raise RunError(f"{self.path}: cannot be written: {error.strerror}.") from error

    def sync(self) -> None:
        """Return only when all rows are on the disk."""
        if self._file is not None:
            os.fsync(self._file.fileno())

    def rows(self) -> Iterator[dict[str, Any]]:
        """All complete rows, without a last line that a killed process left half written."""
        if not self.path.exists():
            return
        with self.path.open(encoding="utf-8") as file:
            for line in file:
                if line.endswith("\n"):
                    yield json.loads(line)

    def cut(self, step: int) -> None:
        """Drop every row after `step`."""
        self.close()
        with new_file(self.path) as partial, partial.open("w", encoding="utf-8") as file:
            for row in self.rows():
                if row["step"] <= step:
                    file.write(ENCODER.encode(row) + "\n")

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
