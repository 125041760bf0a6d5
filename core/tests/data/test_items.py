"""The table of items: what it requires, counts and digests."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlabeled.data.items import REQUIRED, Items, LeftOut, Quarantined, group_name

IDS = ["a", "b", "c"]


def toy(**more):
    columns = {"id": IDS, "source": [f"/data/{each}" for each in IDS], "size": [1, 2, 3]}
    return Items.of(columns | {"signature": ["1.1.1"] * 3} | more)


def test_an_item_has_its_metadata_apart():
    items = toy(group=["g", "", "g"], year=[1990, None, 2000])
    assert items.table.column_names == [*REQUIRED, "year"]
    assert (items[1].id, items[1].source, items[1].size, items[1].group) == ("b", "/data/b", 2, "")
    assert items[1].metadata == {"year": None}
    assert [item.metadata["year"] for item in items] == [1990, None, 2000]


def test_the_signature_is_that_of_the_files(tmp_path):
    (tmp_path / "there").write_bytes(bytes(12))
    sources = [str(tmp_path / name) for name in ("there", "gone")]
    items = Items.of({"id": ["a", "b"], "source": sources, "size": [1, 1]})
    assert items[0].signature.startswith("12.")
    assert items[1].signature == ""


def test_missing_columns_and_doubled_ids_are_refused():
    with pytest.raises(ValueError, match=r"lack the columns \['size', 'source'\]"):
        Items.of({"id": ["a"]})
    with pytest.raises(ValueError, match="same id"):
        toy(id=["a", "b", "a"])


def test_an_item_without_a_group_is_its_own():
    assert toy(group=["g", "", "item a"]).groups.tolist() == ["g", "item b", "item a"]
    assert group_name("x", "") == "item x"


@given(st.lists(st.integers(0, 2)))
def test_taken_items_keep_their_rows_and_what_was_said(indices):
    bad = (Quarantined("s", "e", "f"),)
    items = Items(toy().table, bad, ("note",), (LeftOut("by exclude", 2),))
    taken = items.take(indices)
    assert [item.id for item in taken] == [IDS[index] for index in indices]
    assert (taken.quarantine, taken.notes, taken.left_out) == (bad, ("note",), items.left_out)


def test_the_account_counts_every_file_left_out():
    assert toy().account() == ["3 items read, nothing left out"]
    bad = Quarantined("scan.nii", "a volume", "a picture")
    items = Items(
        toy().table,
        (bad, bad),
        (),
        (LeftOut("of other kinds", 3, "2 .txt, 1 .md"), LeftOut("x", 1)),
    )
    assert items.account() == [
        "3 items read, 6 files left out:",
        "  2 that cannot be used; the first is scan.nii: expected a volume, found a picture",
        "  3 of other kinds: 2 .txt, 1 .md",
        "  1 x",
    ]
    assert items.account(names=False)[1] == "  2 that cannot be used"
    assert Items(toy().table.slice(0, 1), (bad,)).account()[0] == "1 item read, 1 file left out:"


def test_the_fingerprint_is_that_of_contents_wherever_they_lie():
    known = toy(year=[1, 2, 3]).fingerprint()
    assert toy(year=[1, 2, 3], source=["x"] * 3, signature=["2.2.2"] * 3).fingerprint() == known
    others = [
        toy(year=[1, 2, 4]),
        toy(years=[1, 2, 3]),
        toy(year=[1, 2, 3], group=["", "", "g"]),
        toy(year=[1, 2, 3]).take([0, 2, 1]),
        toy(year=["1", "2", "3"]),
        toy(),
    ]
    assert len({known, *(each.fingerprint() for each in others)}) == 7
