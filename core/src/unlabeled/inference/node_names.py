"""Nodes of graphs by their names in the data, if the reader knows them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from unlabeled.contract import NamesNodes, Piece
from unlabeled.data.items import Item
from unlabeled.inference.reading import Source
from unlabeled.privacy import Pseudonyms

NOWHERE = -1


class NodeNames:
    """Finds nodes of the items of `source`, each of which is asked for its names once."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._places: dict[int, dict[str, int]] = {}
        self._owners: dict[str, dict[str, int]] = {}

    def place(self, row: int, node: str) -> int:
        """The place of a node in the sample of the item at `row`; NOWHERE if there is none of that
        name. Without names from the reader nodes are called 0, 1, 2 …, and any number is accepted.
        Raises as `Source.tried` does.
        """
        reader = self._source.reader
        if not isinstance(reader, NamesNodes):
            return int(node) if node.isdecimal() else NOWHERE
        if row not in self._places:
            found = [names.tolist() for names in self._source.tried(row, reader.node_names)]
            self._places[row] = {
                str(name): place for names in found for place, name in enumerate(names)
            }
        return self._places[row].get(node, NOWHERE)

    def owner(self, file: str, rows: Sequence[int], node: str) -> int:
        """Which of the items at `rows`, the parts of one file, has a node; NOWHERE if none has."""
        if not isinstance(self._source.reader, NamesNodes):
            return NOWHERE
        if file not in self._owners:
            for row in rows:
                self.place(row, node)
            self._owners[file] = {name: row for row in rows for name in self._places[row]}
        return self._owners[file].get(node, NOWHERE)

    def example(self) -> str:
        """A sentence with examples of node names; empty if none was looked for."""
        for row, places in self._places.items():
            shown = ", ".join(map(repr, list(places)[:3]))
            return f" Nodes of {self._source.items[row].id!r} are {shown} …"
        return ""


def named(reader: object, hidden: Pseudonyms | None, item: Item, piece: Piece) -> Piece:
    """The piece with the names of its nodes, without context nodes; unchanged if the reader gives
    no names, or the piece holds no nodes.

    hidden: what names of private data are replaced by. Raises UnreadableItem.
    """
    if piece.node is None or not isinstance(reader, NamesNodes):
        return piece
    names = reader.node_names(item)
    own = np.argsort(piece.node)[: len(names)]
    shown = np.array(hidden.of("node", names.tolist())) if hidden else names
    return Piece(piece.values[own], node=shown)
