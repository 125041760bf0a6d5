"""Nodes are found by their names, not by their place; what is context stands in no table."""

import numpy as np
import pyarrow as pa
import pytest

from unlabeled.contract import NamesNodes, Piece
from unlabeled.data.items import Items
from unlabeled.data.labels import Labels
from unlabeled.data.quarantine import Limits
from unlabeled.errors import DataError, UnreadableItem
from unlabeled.evaluation.matching import match
from unlabeled.inference.node_names import NOWHERE, NodeNames, named
from unlabeled.inference.reading import Source
from unlabeled.privacy import Pseudonyms


class Networks(NamesNodes):
    """A reader of graphs whose nodes are called like this."""

    names = {"net": ["10", "9", "a#b"], "one": [7, 3], "two": [5], "broken": None}

    def node_names(self, item):
        if self.names[item.id] is None:
            raise UnreadableItem(item.source, "a graph", "none")
        return np.array(self.names[item.id])


@pytest.fixture
def source(tmp_path):
    """A file of one graph, and one that is cut into two items."""
    sources = [str(tmp_path / name) for name in ("n.csv", "big", "big")]
    columns = {"id": ["net", "one", "two"], "source": sources, "size": [3, 2, 1]}
    return Source(Items.of({**columns, "name": ["N", "same", "same"]}), Networks())


def labels(*names):
    table = pa.table({"item": list(names), "y": list(range(len(names)))})
    return Labels(table, np.arange(len(names)), "labels.csv")


def test_a_node_is_found_by_its_name_and_not_by_its_place(source, tmp_path):
    found = match(labels("net#9", "net#10", "net#a#b", "n.csv#0", "N#1"), source, tmp_path)
    assert found.rows.tolist() == [0, 0, 0]
    assert found.parts.ids.tolist() == [0, 1, 2]
    assert found.table["y"].to_pylist() == [1, 0, 2]
    assert found.unmatched_rows == 2


def test_the_file_is_enough_where_it_is_cut_into_items(source, tmp_path):
    found = match(labels("big#5", "big#3", "big#6", "two#3"), source, tmp_path)
    assert found.rows.tolist() == [1, 2]
    assert found.parts.ids.tolist() == [1, 0]
    assert found.unmatched_rows == 2


def test_an_item_is_found_by_the_name_that_it_alone_has(source, tmp_path):
    found = match(labels("N"), source, tmp_path)
    assert (found.rows.tolist(), found.unit) == ([0], "items")
    with pytest.raises(DataError, match=r"'same', a name that 2 items have.*'one', 'two'"):
        match(labels("N", "same"), source, tmp_path)


def test_where_no_node_is_found_some_are_shown(source, tmp_path):
    with pytest.raises(DataError, match=r"Nodes of 'net' are '10', '9', 'a#b' …"):
        match(labels("net#0", "net#1"), source, tmp_path)


def test_an_item_that_cannot_be_read_has_no_nodes_and_is_listed(tmp_path):
    columns = {"id": ["net", "broken"], "source": ["n", "b"], "size": [3, 3]}
    source = Source(Items.of(columns), Networks(), Limits(max_skipped=0.6))
    assert NodeNames(source).place(1, "9") == NOWHERE
    assert list(source.quarantine) == ["broken"]


def test_a_reader_without_names_counts_from_0(tmp_path):
    source = Source(Items.of({"id": ["net"], "source": ["n"], "size": [3]}), None)
    nodes = NodeNames(source)
    assert [nodes.place(0, name) for name in ("0", "12", "x")] == [0, 12, NOWHERE]
    piece = Piece(np.eye(2), node=np.arange(2))
    assert named(None, None, source.items[0], piece) is piece


def test_a_piece_gets_names_and_loses_its_context(source):
    values = np.arange(8).reshape(4, 2)
    piece = Piece(values, node=np.array([3, 1, 0, 2]))
    found = named(source.reader, None, source.items[1], piece)
    assert found.node.tolist() == [7, 3]
    assert found.values.tolist() == values[[2, 1]].tolist()


def test_names_of_private_data_are_hidden(source, tmp_path):
    piece = Piece(np.eye(3), node=np.arange(3))
    hidden = Pseudonyms(tmp_path, source.reader)
    found = named(source.reader, hidden, source.items[0], piece)
    assert found.node.tolist() == hidden.of("node", ["10", "9", "a#b"])
