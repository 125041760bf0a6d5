"""Files and folders written completely or not at all. Standard library only."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to; at the end it replaces `path`.

    If the block raises, `path` is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        _flush(partial)
        partial.replace(path)
        _flush(path.parent)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """An empty folder beside `path` to fill; at the end it replaces `path`.

    If the block raises, `path` is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        yield partial
        for entry in (*partial.rglob("*"), partial):
            _flush(entry)
        _swap(partial, path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def write_bytes(path: Path, data: bytes, *, mode: int = 0o666) -> None:
    """Write a file, or leave it as it was. mode: who may do what with it, less the umask."""
    with new_file(path) as partial:
        partial.touch(mode)
        partial.write_bytes(data)


def write_text(path: Path, text: str, *, mode: int = 0o666) -> None:
    """Write a file as UTF-8, or leave it as it was."""
    write_bytes(path, text.encode(), mode=mode)


def write_json(path: Path, value: Any) -> None:
    """value: what JSON can hold, and no NaN or infinity (ValueError)."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def _swap(partial: Path, path: Path) -> None:
    # A folder cannot be renamed over one that is not empty, so the old one is renamed first.
    old = path.with_name(f".{path.name}.{os.getpid()}.old")
    if path.exists():
        path.replace(old)
    partial.replace(path)
    _flush(path.parent)
    shutil.rmtree(old, ignore_errors=True)


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
