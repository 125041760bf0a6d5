"""What cannot be used: listed once each, and no more than the allowed share."""

import json
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlabeled.data.items import Items, Quarantined
from unlabeled.data.quarantine import Limits, Quarantine, named, write_quarantine
from unlabeled.errors import DataError, UnreadableItem
from unlabeled.run_folder import JsonLines


def items(count, bad=()):
    ids = [f"{number}" for number in range(count)]
    return Items.of({"id": ids, "source": ids, "size": [1] * count}, bad)


def broken(number):
    return Quarantined(f"bad{number}.wav", "sound", "nothing")


@given(st.integers(0, 30), st.integers(1, 30), st.sampled_from([0, 0.1, 0.5, 1]))
def test_the_share_is_of_all_items_good_and_bad(good, bad, share):
    found = items(good, [broken(number) for number in range(bad)])
    limits = Limits(max_skipped=share)
    if bad / (good + bad) > share:
        with pytest.raises(DataError, match=f"{bad} of {good + bad} items.*bad0.wav"):
            limits.check_index(found)
    else:
        limits.check_index(found)


@given(st.integers(1, 100))
def test_exactly_the_allowed_share_is_allowed(percent):
    limits, found = Limits(max_skipped=percent / 100), items(100)
    limits.check(percent, found, broken(0))
    with pytest.raises(DataError, match=f"{percent + 1} of 100"):
        limits.check(percent + 1, found, broken(0))


def test_the_message_says_share_file_and_what_to_do():
    with pytest.raises(DataError) as raised:
        Limits(max_skipped=0.25).check_index(items(2, [broken(0)]))
    assert str(raised.value) == (
        "1 of 3 items cannot be used, more than the share of 0.25 that --max-skipped allows; one "
        "of them is bad0.wav: expected sound, found nothing. Repair or remove them, or raise "
        "--max-skipped."
    )


def test_the_policy_stop_names_the_first():
    with pytest.raises(UnreadableItem, match=r"bad3\.wav: expected sound, found nothing"):
        Limits("stop", 1).check_index(items(9, [broken(3), broken(4)]))
    Limits("stop", 0).check_index(items(9))


def quarantine(tmp_path, count=10, bad=(), *, write=True):
    file = JsonLines(tmp_path / "quarantine.jsonl")
    return Quarantine(file, items(count, bad), Limits(max_skipped=0.3), write=write)


def listed(tmp_path):
    return [row["item"] for row in JsonLines(tmp_path / "quarantine.jsonl").rows()]


def test_each_is_listed_once_also_after_a_resume(tmp_path):
    later = Quarantined("7.wav", "sound", "nothing", item="7")
    for _ in range(2):
        found = quarantine(tmp_path, bad=[broken(0)])
        found.add([later, later])
        found._file.close()
    assert listed(tmp_path) == ["bad0.wav", "7"]


def test_what_training_met_is_counted_apart_from_what_the_index_left_out(tmp_path):
    later = Quarantined("7.wav", "sound", "nothing", item="7")
    for _ in range(2):  # the second part of a resumed run meets it again
        found = quarantine(tmp_path, bad=[broken(0)])
        found.add([later])
        assert found.met_later == 1
        found._file.close()
    (tmp_path / "fresh").mkdir()
    assert quarantine(tmp_path / "fresh", bad=[broken(0)]).met_later == 0


def test_what_is_found_in_training_counts_with_what_the_index_found(tmp_path):
    found = quarantine(tmp_path, 8, [broken(0), broken(1)])  # 3 of 10 are allowed
    found.add([broken(2)])
    with pytest.raises(DataError, match="4 of 10 items"):
        found.add([broken(3)])
    assert len(listed(tmp_path)) == 4


def test_a_process_that_does_not_write_still_counts(tmp_path):
    found = quarantine(tmp_path, write=False)
    found.add(broken(number) for number in range(3))
    with pytest.raises(DataError, match="4 of 10"):
        found.add([broken(3)])
    assert listed(tmp_path) == []


def test_a_file_without_an_item_is_called_by_its_source():
    assert named(broken(1)).item == "bad1.wav"
    assert named(Quarantined("a", "b", "c", item="d")).item == "d"


@pytest.mark.parametrize("private", [False, True])
def test_the_list_beside_a_table_goes_when_nothing_is_left_out(tmp_path, private):
    path = tmp_path / "quarantine.jsonl"
    write_quarantine(path, [broken(0)], private=private)
    row = {"source": "bad0.wav", "expected": "sound", "found": "nothing", "item": "bad0.wav"}
    assert json.loads(path.read_text()) == row
    assert (stat.S_IMODE(path.stat().st_mode) == 0o600) == private
    write_quarantine(path, [], private=private)
    assert not path.exists()
