"""One `.npz` per item: arrays by name. What holds for all items stands in `facts.json`."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from unlabeled.data.items import Item, Items
from unlabeled.data.listing import FileRules, list_files
from unlabeled.errors import UnreadableItem


class Npz(FileRules):
    """Reads `*.npz` below a folder."""

    def index(self, path: Path) -> Items:
        listing = list_files(path, self, (".npz",))
        columns: dict[str, list[Any]] = {"id": [], "source": [], "group": [], "size": []}
        for file in listing.files:
            if not zipfile.is_zipfile(file.path):
                listing.quarantine(UnreadableItem(str(file.path), "an archive", "something else"))
                continue
            row = (file.name, str(file.path), file.group, file.path.stat().st_size)
            for name, value in zip(columns, row, strict=True):
                columns[name].append(value)
        return listing.items(columns, of="archive")

    def read(self, item: Item, rng: np.random.Generator | None = None) -> dict[str, np.ndarray]:
        try:
            with np.load(item.source, allow_pickle=False) as found:
                return {name: found[name] for name in found.files}
        except (OSError, ValueError, KeyError, zipfile.BadZipFile, EOFError) as error:
            raise UnreadableItem(item.source, "an archive of arrays", str(error)) from error

    def describe(self, items: Items) -> Mapping[str, Any]:
        facts = Path(items[0].source).parent / "facts.json"
        return json.loads(facts.read_text()) if facts.exists() else {}
