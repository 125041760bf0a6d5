"""Every file below a folder, once, and why some cannot be read. Standard library only.

Links to folders are followed after all real folders, so a file that can be reached both ways has
its real name. A folder is read once, so a loop ends. Nothing is opened, so a FIFO does not block.
"""

from __future__ import annotations

import heapq
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

Place = tuple[int, int]
"""Device and inode, which identify a folder under any name."""

RUN = {"manifest.json", "recipe.yaml"}
"""Files by which a folder is that of a run."""


@dataclass(frozen=True, slots=True)
class File:
    """name: POSIX path below the root, printable; place: its path on the system; problem: why it
    cannot be read ("a link to nothing", "a FIFO"), or empty."""

    name: str
    place: str
    problem: str = ""

    @property
    def path(self) -> Path:
        return Path(self.place)

    @property
    def ending(self) -> str:
        """The last suffix in small letters, two of a compressed file: ".nii.gz"; "" for none."""
        suffixes = [suffix.lower() for suffix in Path(self.name).suffixes]
        packed = suffixes[-1:] in ([".gz"], [".bz2"], [".xz"], [".zst"])
        return "".join(suffixes[-2:] if packed else suffixes[-1:])


@dataclass(slots=True)
class Walked:
    """files: in the order of their names; hidden: files and folders whose names begin with a dot;
    repeated: links to folders that were read already; runs: folders of runs, which hold tables and
    pictures of their own; closed: folders that cannot be opened."""

    files: list[File] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    runs: list[str] = field(default_factory=list)
    closed: list[File] = field(default_factory=list)


def printable(name: str) -> str:
    r"""Bytes that are not UTF-8 become `\xe9`; other names stay as they are."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return os.fsencode(name).decode(errors="backslashreplace")
    return name


def walk(root: Path | str) -> Walked:
    """What is below the folder `root`; of a file, that file alone."""
    root = Path(root)
    found, seen, waiting = Walked(), set[Place](), [("", str(root))]
    if not root.is_dir():
        return Walked([File(printable(root.name), str(root), _problem(root.name, str(root)))])
    while waiting:
        for link in _real_folders(*heapq.heappop(waiting), seen, found):
            heapq.heappush(waiting, link)
    found.files.sort(key=lambda file: file.name.split("/"))
    for names in (found.hidden, found.repeated, found.runs):
        names.sort()
    return found


def _real_folders(
    prefix: str, path: str, seen: set[Place], found: Walked
) -> Iterator[tuple[str, str]]:
    """Add all files of a folder and of the real folders in it; yields links to other folders."""
    waiting = [(prefix, path)]
    while waiting:
        prefix, path = waiting.pop()
        for entry in _entries(prefix, path, seen, found):
            name = prefix + entry.name
            if entry.name.startswith("."):
                found.hidden.append(printable(name))
            elif entry.is_dir(follow_symlinks=False):
                waiting.append((f"{name}/", entry.path))
            elif entry.is_file(follow_symlinks=False):
                found.files.append(File(printable(name), entry.path, _bad_name(name)))
            elif _is_dir(entry):
                yield f"{name}/", entry.path
            else:
                problem = _problem(name, entry.path)
                found.files.append(File(printable(name), entry.path, problem))


def _is_dir(link: os.DirEntry[str]) -> bool:
    try:
        return link.is_dir()
    except OSError:  # a link to itself
        return False


def _entries(prefix: str, path: str, seen: set[Place], found: Walked) -> list[os.DirEntry[str]]:
    """The entries of a folder; empty if it was read already or cannot be read."""
    name = printable(prefix.removesuffix("/"))
    try:
        info = Path(path).stat()
        if (info.st_dev, info.st_ino) in seen:
            found.repeated.append(name)
            return []
        seen.add((info.st_dev, info.st_ino))
        with os.scandir(path) as entries:
            listed = list(entries)
    except OSError as error:
        found.closed.append(File(name or path, path, f"{error.strerror}"))
        return []
    if prefix and {entry.name for entry in listed} >= RUN:
        found.runs.append(name)
        return []
    return listed


def _problem(name: str, path: str) -> str:
    """Why `path`, which is not a folder, cannot be read as a file; "" if it can."""
    try:
        mode = Path(path).stat().st_mode
    except FileNotFoundError:
        return "a link to nothing"
    except OSError as error:
        return f"a link that cannot be followed: {error.strerror}"
    if stat.S_ISREG(mode):
        return _bad_name(name)
    kinds = {stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(mode), "a device")


def _bad_name(name: str) -> str:
    return "" if printable(name) == name else "a name that is not UTF-8"
