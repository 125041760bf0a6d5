"""Some items of the data for the page: their embeddings, their pictures, what is known of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from unlabeled import discovery
from unlabeled.contract import Previews, Reader, ShowsWork
from unlabeled.data.items import Items
from unlabeled.evaluation.matching import Labelled
from unlabeled.export.checkpointed import run_and_checkpoint, settled
from unlabeled.export.encoder import read_config
from unlabeled.inference.encoding import choose_output
from unlabeled.inference.reading import pseudonyms
from unlabeled.privacy import is_private
from unlabeled.recipe import Recipe, build_reader, read_recipe
from unlabeled.report.columns import Column
from unlabeled.report.gallery import Gallery
from unlabeled.report.guarded import Failed, Limits, guarded
from unlabeled.report.known import columns_of, labels_of_items
from unlabeled.report.look import Embed, Found, Show
from unlabeled.report.nearest import Near, nearest
from unlabeled.report.run_data import RunData

MOST = 600
"""Items that are embedded for the map, evenly spread over the index."""
QUERIES, NEIGHBOURS, WORST = 12, 3, 12
"""Items whose neighbours are shown, and of the worst predictions: with all of them sixty
pictures."""
IN_FULL = 6
"""Items that are shown large, with sound; two views of the first of them."""
TWICE = 2
SECONDS_TO_EMBED, SECONDS_TO_SHOW = 120.0, 60.0


@dataclass(frozen=True)
class Seen:
    """n items of the data.

    names: as the page calls them; place_of: by the names that results call them, pseudonyms of
    people; groups: (n,); columns: what they can be coloured by; vectors:
    (m, D) of the items at `embedded` (m,); near: neighbours of some of them, in positions among
    the n; gallery: small pictures by position; full: what was seen of a few, by position; private:
    whether they are about people; hidden: whether names and pictures are left out for that; notes:
    what was left out, in sentences.
    """

    names: tuple[str, ...]
    groups: np.ndarray
    columns: tuple[Column, ...] = ()
    vectors: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    embedded: np.ndarray = field(default_factory=lambda: np.empty(0, int))
    near: tuple[Near, ...] = ()
    gallery: Gallery = field(default_factory=Gallery)
    full: dict[int, Found] = field(default_factory=dict)
    private: bool = False
    hidden: bool = False
    notes: tuple[str, ...] = ()
    place_of: Mapping[str, int] = field(default_factory=dict)


def look(
    run: RunData, data: Path, labels: Path | None = None, *, show_private: bool = False
) -> Seen:
    """Embed items of `data`, and let the reader show some; bounded in number, time and memory.

    labels: a table (see `unlabeled.data.labels`). Raises RunError, RecipeError, PluginError, and
    DataError if there is nothing to read, or no label belongs to an item.
    """
    recipe = read_recipe(run.manifest.name, run.folder.read_recipe())
    reader = build_reader(recipe.reader)
    items = reader.index(data)
    private = is_private(reader)
    hidden, notes = private and not show_private, list[str]()
    encoder = _encoder(run)
    hidden_ids = pseudonyms(encoder, reader, data) if encoder else None
    ids: list[str] = items.table["id"].to_pylist()
    results = hidden_ids.of("id", ids) if hidden_ids else ids
    aliases = results if hidden_ids else ()
    labelled = labels_of_items(reader, items, data, labels, aliases) if labels else None
    if labels and labelled is None:
        notes.append("The labels are of parts of items: they colour no map.")
    spread = _chosen(labelled, len(items))
    worst = [] if hidden else _worst(run, results)
    if len(spread) < len(items):
        which = "with a label" if labelled else "evenly spread over the data"
        notes.append(f"{len(spread):,} of {len(items):,} items, {which}.")
    rows = sorted({*spread, *worst})
    found = _embedded(encoder, reader, items, rows, notes, hidden=hidden)
    embedded = np.array([place for place, row in enumerate(rows) if row in found], int)
    vectors = np.array([found[rows[place]] for place in embedded])
    near = nearest(vectors, embedded, QUERIES, NEIGHBOURS) if len(embedded) > NEIGHBOURS else ()
    known, groups = columns_of(run, reader, items, rows, labelled, hidden=hidden)
    gallery, full = Gallery(), dict[int, Found]()
    if not hidden:
        queries = [each.query for each in near] or _spread(len(rows), QUERIES)
        others = [place for each in near for place in each.places]
        places = [*queries, *others, *map(rows.index, worst)]
        method = _method(run, recipe, notes)
        shown = list(dict.fromkeys(places))
        _show(recipe, reader, items, rows, shown, method, gallery, full, notes)
    names = [f"item {n}" if hidden else ids[row] for n, row in enumerate(rows, start=1)]
    return Seen(
        names=tuple(names),
        groups=groups,
        columns=tuple(known),
        vectors=vectors,
        embedded=embedded,
        near=tuple(near),
        gallery=gallery,
        full=full,
        private=private,
        hidden=hidden,
        notes=tuple(notes),
        place_of={results[row]: place for place, row in enumerate(rows)} if not hidden else {},
    )


def _chosen(labelled: Labelled | None, count: int) -> list[int]:
    """Rows of the items for the map: those with labels, where there are some, else of all."""
    pool = np.unique(labelled.rows).tolist() if labelled else list(range(count))
    return [pool[place] for place in _spread(len(pool), MOST)]


def _spread(count: int, most: int) -> list[int]:
    """Positions, evenly over `count`, at most `most`."""
    places = np.linspace(0, count - 1, min(count, most)).round().astype(int)
    return [int(place) for place in np.unique(places)]


def _encoder(run: RunData) -> Path | None:
    """Of the run, or of its last checkpoint; None where there is none."""
    path = settled(run.folder.path)
    there = any((each / "config.json").is_file() for each in (path, path / "encoder"))
    return path if there else None


def _worst(run: RunData, results: Sequence[str]) -> list[int]:
    """Rows of the items with the worst predictions of the newest evaluation."""
    row_of = {name: row for row, name in enumerate(results)}
    for targets in run.predictions[:1]:
        for target in targets[:1]:
            names = target.items[target.worst[:WORST]].tolist()
            return [row_of[name] for name in dict.fromkeys(names) if name in row_of]
    return []


def _embedded(
    encoder: Path | None,
    reader: Reader,
    items: Items,
    rows: Sequence[int],
    notes: list[str],
    *,
    hidden: bool,
) -> dict[int, np.ndarray]:
    """Vectors (D,) by row; nothing of a run that has no encoder, or restores."""
    if encoder is None:
        return {}
    config = read_config(encoder)
    if config.provenance.kind == "restoration":
        return {}
    if said := config.provenance.unfinished:
        notes.append(f"{said[0].upper()}{said[1:]}.")
    work = Embed(reader, items, encoder, choose_output(config.outputs, None).name)
    made, failed = dict[int, np.ndarray](), list[str]()
    for row, seen in guarded(work, rows, Limits(SECONDS_TO_EMBED)):
        if isinstance(seen, Failed):
            failed.append(seen.reason)
        elif seen.vector is not None:
            made[row] = seen.vector
    notes += _left_out(failed, "cannot be embedded", hidden=hidden)
    if missing := len(rows) - len(made) - len(failed):
        notes.append(f"{missing} items have no embedding: time was over, or they lack its input.")
    return made


def _method(run: RunData, recipe: Recipe, notes: list[str]) -> Path | None:
    """The run whose method can show its work."""
    if not issubclass(discovery.load("pretexts", recipe.pretext.name), ShowsWork):
        return None
    path = run.folder.path
    if run_and_checkpoint(path)[1] is None:
        notes.append("The run has no checkpoint, so its method's work is not shown.")
        return None
    return path


def _show(
    recipe: Recipe,
    reader: Reader,
    items: Items,
    rows: Sequence[int],
    places: Sequence[int],
    method: Path | None,
    gallery: Gallery,
    full: dict[int, Found],
    notes: list[str],
) -> None:
    """Fill `gallery` and `full`, whose items are the first of `places`. method: of which run."""
    if not isinstance(reader, Previews):
        notes.append(f"{recipe.reader.name} shows no pictures of its items.")
        return
    twice = frozenset(rows[place] for place in places[:TWICE])
    work = Show(reader, items, tuple(recipe.views), twice, method)
    failed, larger = list[str](), 0
    place_of = {rows[place]: place for place in places}
    for row, seen in guarded(work, list(place_of), Limits(SECONDS_TO_SHOW)):
        if isinstance(seen, Failed):
            failed.append(seen.reason)
            continue
        place, larger = place_of[row], larger + seen.larger
        gallery.add(place, seen.previews)
        if len(full) < IN_FULL:
            full[place] = seen
    notes += _left_out(failed, "cannot be shown", hidden=False)
    if larger or gallery.left_out:
        notes.append(f"{larger + gallery.left_out} pictures are left out, to keep the page small.")


def _left_out(failed: Sequence[Any], what: str, *, hidden: bool) -> Iterator[str]:
    """How many, and the first reason where it may name an item."""
    if failed:
        first = "" if hidden else f"; the first: {failed[0]}"
        yield f"{len(failed)} item{'s' * (len(failed) != 1)} {what}{first}"
