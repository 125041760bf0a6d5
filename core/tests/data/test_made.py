"""Which processed items are up to date: by their row in the index and their content."""

import os

import pytest

from unlabeled.data import signature
from unlabeled.data.items import Items
from unlabeled.data.made import Contents, Made, digests


class Reversed:
    """Pseudonyms for signatures that can be reversed: backwards."""

    def hide_signature(self, signature):
        return signature[::-1]

    def signature(self, hidden):
        return hidden[::-1]


@pytest.fixture
def data(tmp_path):
    for number in range(3):
        file = tmp_path / f"{number}.bin"
        file.write_bytes(bytes([number]) * 9)
        os.utime(file, (1, 1))
    return tmp_path


def index(data, **more):
    ids = ["0", "1", "2"]
    sources = [str(data / f"{each}.bin") for each in ids]
    return Items.of({"id": ids, "source": sources, "size": [9] * 3, **more})


def opened(data, items, names=None):
    return Made(data / "made.jsonl", items, Contents(items, names))


def states(data, items, names=None):
    made = opened(data, items, names)
    return [made.state(row) for row in range(3)]


@pytest.mark.parametrize("names", [None, Reversed()])
def test_kept_new_changed_and_unknown(data, names):
    made = opened(data, index(data), names)
    for row in range(2):
        made.add(row, file=f"{row}.png")
    made.close()
    assert states(data, index(data), names) == ["kept", "kept", "new"]
    (data / "1.bin").write_bytes(b"x" * 9)
    assert states(data, index(data), names) == ["kept", "changed", "new"]
    with (data / "made.jsonl").open("a") as file:
        file.write('{"item": "2", "row": "written before signatures were"}\n')
    assert states(data, index(data), names)[2] == "unknown"


def test_the_last_line_of_an_item_counts(data):
    for content in (b"x" * 9, b"y" * 9):
        (data / "0.bin").write_bytes(content)
        made = opened(data, index(data))
        made.add(0)
        made.close()
    assert states(data, index(data))[0] == "kept"


def test_other_metadata_are_a_change_and_another_place_is_none(data, tmp_path_factory):
    made = opened(data, index(data, year=[1, 2, 3]))
    for row in range(3):
        made.add(row)
    made.close()
    assert states(data, index(data, year=[1, 2, 4])) == ["kept", "kept", "changed"]
    moved = tmp_path_factory.mktemp("moved")
    for number in range(3):  # a copy: the times differ, the content does not
        (moved / f"{number}.bin").write_bytes((data / f"{number}.bin").read_bytes())
    assert states(data, index(moved, year=[1, 2, 3])) == ["kept"] * 3


def test_files_are_read_again_only_where_their_times_differ(data, monkeypatch):
    contents = Contents(index(data))
    kept = contents.sealed(0)
    monkeypatch.setattr(signature, "IN_DOUBT", 0)
    kept = Contents(index(data)).sealed(0)
    read = []
    monkeypatch.setattr(signature, "_content", lambda *of: read.append(of) or "hash")
    assert contents.same(0, kept)
    assert contents.renewed(0, kept) == kept
    assert not read
    os.utime(data / "0.bin", (2, 2))
    touched = Contents(index(data))
    assert touched.renewed(0, kept) != kept
    assert len(read) == 1


def test_digests_leave_out_the_place_and_named_columns(data):
    one = digests(index(data, year=[1, 2, 3], vector=[0, 0, 0]).table, ("vector",))
    two = digests(index(data.parent, year=[1, 2, 3], vector=[7, 7, 7]).table, ("vector",))
    assert one == two
    assert list(one) == ["0", "1", "2"]
    assert len(set(one.values())) == 3
