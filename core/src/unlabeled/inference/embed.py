"""Turn a folder of files into a table of embeddings: one row per item, token or node.

Written part by part beside the target and joined at the end: an interrupted call loses at most
one part, and a later call embeds only what is new or has changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from unlabeled.contract import Encoder, Output, Piece
from unlabeled.data.items import Quarantined
from unlabeled.data.made import Contents
from unlabeled.data.quarantine import Limits, Unreadable, write_quarantine
from unlabeled.errors import UsageError
from unlabeled.export.checkpointed import settled
from unlabeled.export.encoder import (
    load_encoder,
    load_reader,
    read_config,
    require_representation,
)
from unlabeled.inference.encoding import choose_output, device, encode
from unlabeled.inference.node_names import named
from unlabeled.inference.reading import Source, open_source, pseudonyms
from unlabeled.inference.table import EmbeddingTable, Maker
from unlabeled.privacy import Pseudonyms
from unlabeled.progress import progress

BATCHES_PER_PART = 16
"""Of global outputs; one of tokens and nodes, which are many times larger."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """The result of `embed`.

    rows, items: in the table; absent: rows whose vector is null, as the item lacks the input of the
    output; added: items embedded by this call; changed: those of them with an outdated embedding;
    unknown: those of them whose old embedding has no recorded content; gone: items dropped because
    the data no longer hold them; quarantine: items that cannot be used, also written to the file
    `listed_in` if there are any; account: lines that count items read and left out.
    """

    path: Path
    output: str
    width: int
    rows: int
    absent: int
    items: int
    added: int
    changed: int
    unknown: int
    gone: int
    quarantine: tuple[Quarantined, ...]
    listed_in: Path
    account: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "path": str(self.path), "listed_in": str(self.listed_in)}


def embed(
    path: Path | str,
    data: Path | str,
    out: Path | str,
    *,
    output: str | None = None,
    batch_size: int | None = None,
    unreadable: Unreadable = "skip",
    max_skipped: float = 0.1,
) -> Embedded:
    """Embed every item below `data` with the encoder of a run, into the Parquet file `out`.

    path: a run (of one that has not finished the encoder of its last checkpoint is taken, which is
    said and stands in the table) or its encoder folder; output: the encoder's default if None;
    batch_size: that of training if None; max_skipped: the largest share of items that `skip` may
    leave out.
    Columns: those of the index (id, source, group, size, signature, metadata), `position` (of
    tokens, in the encoder's units) or `node` (its name, or its number within the item), and
    `vector`, float32 of fixed length. Of private data id, group, names and signature are pseudonyms
    and source is left out (see `unlabeled.privacy`).
    Raises RunError, DataError, UsageError; UnreadableItem with the policy `stop`.
    """
    path, out = settled(path), Path(out)
    if out.suffix.lower() not in (".parquet", ".pq"):
        raise UsageError(f"{out}: embeddings are a Parquet table; expected a name in .parquet")
    config = read_config(path)
    require_representation(config, path)
    chosen = choose_output(config.outputs, output)
    reader = load_reader(path)
    source = open_source(reader, data, Limits(unreadable, max_skipped))
    shown, left_out = source.items, out.with_name(f"{out.name}.quarantine.jsonl")
    if names := pseudonyms(path, reader, out):
        names.remember(source.items)
        shown, left_out = names.hide(source.items), names.folder / left_out.name
    contents = Contents(source.items, names)
    table = EmbeddingTable(out, shown, contents, Maker.of(path, config, chosen))
    states = table.missing()
    if states:
        encoder = load_encoder(path).to(device())
        size = batch_size or config.provenance.batch_size
        for rows, found in _parts(encoder, chosen, source, list(states), size, names):
            table.add(rows, found)
    written, items, gone = table.join()
    write_quarantine(left_out, source.all_quarantined, private=bool(names))
    counts = source.done(states)
    return Embedded(
        out,
        chosen.name,
        chosen.width,
        written,
        table.absent,
        items,
        added=counts.total(),
        changed=counts["changed"],
        unknown=counts["unknown"],
        gone=gone,
        quarantine=source.all_quarantined,
        listed_in=left_out,
        account=tuple(source.account()),
    )


def _parts(
    encoder: Encoder,
    output: Output,
    source: Source,
    rows: Sequence[int],
    batch_size: int,
    hidden: Pseudonyms | None,
) -> Iterator[tuple[list[int], list[Piece]]]:
    """(rows, pieces) of a bounded number of items, in the order of the index."""
    length = batch_size * (BATCHES_PER_PART if output.kind == "global" else 1)
    with progress("embedding", len(rows)) as advance:
        for start in range(0, len(rows), length):
            found: dict[int, Piece] = {}
            for batch, samples in source.batches(rows[start : start + length], batch_size):
                pieces = encode(encoder, samples, output.name)
                items = (source.items[row] for row in batch)
                own = map(partial(named, source.reader, hidden), items, pieces)
                found.update(zip(batch, own, strict=True))
                advance(len(batch))
            if found:
                ordered = sorted(found)
                yield ordered, [found[row] for row in ordered]
