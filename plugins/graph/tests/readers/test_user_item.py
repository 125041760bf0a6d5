"""Interactions of several tables and archives become one graph, without what is held out."""

import os
from pathlib import Path

import numpy as np
import pytest

from unlabeled.errors import DataError, RecipeError, UnreadableItem
from unlabeled_graph.readers.hold_out import HoldOut
from unlabeled_graph.readers.user_item import UserItem
from unlabeled_graph.synthetic import write_user_item


def test_users_and_items_keep_their_names_also_where_both_are_numbers(tmp_path):
    (tmp_path / "log.csv").write_text("user,item\n1,1\n2,1\n1,3\n")
    reader = UserItem()
    [item] = reader.index(tmp_path)
    assert reader.node_names(item).tolist() == ["user:1", "user:2", "item:1", "item:3"]
    sample = reader.read(item)
    assert (sample.users, sample.items, len(sample)) == (2, 2, 3)
    assert (item.id, item.size, item.metadata["interactions"]) == ("interactions", 4, 3)


def test_the_sample_holds_no_test_interaction(tmp_path):
    write_user_item(tmp_path, count=4, seed=0)
    reader = UserItem()
    items = reader.index(tmp_path)
    sample, held = reader.read(items[0]), reader.held_out(items[0])
    rows = [line.split(",") for line in (tmp_path / "log.csv").read_text().splitlines()[1:]]
    users, goods = reader.names(items[0])
    seen = set(zip(users[sample.user], goods[sample.item], strict=True))
    assert seen == {(user, item) for user, item, _, split in rows if split == "train"}
    tested = set(zip(users[held[0]], goods[held[1]], strict=True))
    assert tested <= {(user, item) for user, item, _, split in rows if split == "test"}
    assert held.shape[1] == items[0].metadata["held_out"] > 0
    assert any("held out of training" in note for note in items.notes)
    facts = reader.describe(items)
    assert (facts["users"], facts["items"]) == (sample.users, sample.items)
    assert facts["interactions"] == sample.digest


def test_other_settings_and_changed_files_give_another_graph(tmp_path):
    write_user_item(tmp_path, count=4, seed=0)
    found = []
    for rules in (HoldOut(), HoldOut(by="last"), HoldOut(by="time")):
        reader = UserItem(time="time", hold_out=rules)
        found.append(reader.describe(reader.index(tmp_path))["interactions"])
    log = tmp_path / "log.csv"
    log.write_text(log.read_text() + "u0,new,999,train\n")
    os.utime(log, ns=(1, 1))
    reader = UserItem(time="time", hold_out=HoldOut())
    found.append(reader.describe(reader.index(tmp_path))["interactions"])
    assert len(set(found)) == 4


def test_foreign_tables_are_counted_and_broken_ones_are_named(tmp_path):
    (tmp_path / "log.csv").write_text("user,item\na,x\n")
    (tmp_path / "items.csv").write_text("item,price\nx,3\n")
    (tmp_path / "bad.csv").write_text("user,item\n,\n")
    items = UserItem().index(tmp_path)
    assert [each.reason for each in items.left_out] == [
        "that have no columns user and item (reader.user, item)"
    ]
    assert "bad.csv" in items.quarantine[0].source
    with pytest.raises(DataError, match="no table of interactions that can be used"):
        UserItem(user="household").index(tmp_path)
    with pytest.raises(RecipeError, match=r"reader\.time: expected the column with the time"):
        UserItem(hold_out=HoldOut(by="last")).index(tmp_path)


def test_a_table_that_breaks_after_the_index_is_named(tmp_path):
    (tmp_path / "log.csv").write_text("user,item\na,x\n")
    reader = UserItem()
    [item] = reader.index(tmp_path)
    (tmp_path / "log.csv").write_bytes(b"")
    with pytest.raises(UnreadableItem, match=r"log\.csv"):
        reader.read(item)
    (tmp_path / "log.csv").unlink()
    with pytest.raises(UnreadableItem, match=r"log\.csv"):
        reader.read(item)


DATA = os.environ.get("UNLABELED_DATA")


@pytest.mark.skipif(not DATA, reason="UNLABELED_DATA is not set")
def test_logs_as_they_lie_in_a_folder():
    folder = Path(DATA) / "graph"
    [item] = UserItem().index(folder / "rec_lastfm")
    # As its README counts: 14 of 1,892 users have no interaction in training.
    assert (item.metadata["users"], item.metadata["interactions"]) == (1878, 42135)
    reader = UserItem(time="time", hold_out=HoldOut(by="last"))
    [item] = reader.index(folder / "rec_seq_online_retail")
    assert item.metadata["users"] == 4074
    assert len(np.unique(reader.held_out(item)[0])) == 2714
