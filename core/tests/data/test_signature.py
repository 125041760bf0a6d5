"""A changed file is told from one that was only touched, with as little reading as may be."""

import os
import time

import pytest

from unlabeled.data import signature
from unlabeled.data.signature import content_of, same, sealed, signatures_of
from unlabeled.data.sources import source_of


def of(source) -> str:
    return signatures_of([str(source)])[0]


def kept(source) -> str:
    return sealed(str(source), of(source))


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"one")
    return path


@pytest.fixture
def count(monkeypatch):
    """How many times content was read."""
    reads = []
    original = signature._pieces
    monkeypatch.setattr(signature, "_pieces", lambda *a: reads.append(a) or original(*a))
    return reads


def long_ago(file):
    """As if it had not changed for long: the change time cannot be set, so the clock moves on."""
    return time.time_ns() + 3_600 * 10**9


def test_an_untouched_file_is_not_read_again(file, count, monkeypatch):
    later = long_ago(file)
    monkeypatch.setattr(time, "time_ns", lambda: later)
    before = kept(file)
    count.clear()
    assert same(before, str(file), of(file))
    assert not count


def test_a_file_that_changed_just_now_is_read_again(file, count):
    before = kept(file)
    signature._content.cache_clear()
    count.clear()
    assert same(before, str(file), of(file))
    assert count


def test_other_content_of_the_same_length_is_told(file):
    before = kept(file)
    file.write_bytes(b"two")
    assert not same(before, str(file), of(file))


def test_also_if_its_time_is_set_back(file):
    before, was = kept(file), file.stat()
    file.write_bytes(b"two")
    os.utime(file, ns=(was.st_atime_ns, was.st_mtime_ns))
    assert not same(before, str(file), of(file))


def test_also_by_another_file_that_is_as_old(file, tmp_path):
    before, was = kept(file), file.stat()
    (tmp_path / "b").write_bytes(b"two")
    os.utime(tmp_path / "b", ns=(was.st_atime_ns, was.st_mtime_ns))
    (tmp_path / "b").replace(file)
    assert not same(before, str(file), of(file))


def test_a_copy_is_the_same(file, tmp_path):
    before = kept(file)
    (tmp_path / "b.bin").write_bytes(b"one")
    assert same(before, str(tmp_path / "b.bin"), of(tmp_path / "b.bin"))


def test_another_length_is_told_without_reading(file, count):
    before = kept(file)
    file.write_bytes(b"three")
    count.clear()
    assert not same(before, str(file), of(file))
    assert not count


def test_a_vanished_file_has_no_signature(file):
    before = kept(file)
    file.unlink()
    assert of(file) == ""
    assert not same(before, str(file), "")


def test_files_that_change_while_they_are_hashed_are_not_known(file):
    was = of(file)
    file.write_bytes(b"two")
    assert sealed(str(file), was) == ""
    assert not same("", str(file), of(file))


def test_all_files_of_an_item_count(tmp_path):
    files = [tmp_path / "a", tmp_path / "b"]
    for each in files:
        each.write_bytes(b"one")
    source = source_of(files)
    before = kept(source)
    assert same(before, source, of(source))
    files[1].write_bytes(b"two")
    assert not same(before, source, of(source))


def test_a_folder_is_all_that_lies_in_it(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a").write_bytes(b"one")
    before = kept(tmp_path)
    (tmp_path / "in" / "a").write_bytes(b"two")
    assert not same(before, str(tmp_path), of(tmp_path))


def test_large_files_are_hashed_by_samples(tmp_path, monkeypatch):
    monkeypatch.setattr(signature, "WHOLE", 64)
    file = tmp_path / "a"
    file.write_bytes(bytes(1000))
    before = kept(file)
    assert "sampled" in before
    pieces = list(signature._pieces(file, 1000))
    assert sum(map(len, pieces)) == 64
    file.write_bytes(bytes(999) + b"x")  # the last byte is among the samples
    assert not same(before, str(file), of(file))
    # A change between the samples is told by its time.
    file.write_bytes(bytes(1000))
    before = kept(file)
    changed = bytearray(1000)
    changed[10] = 1
    time.sleep(0.02)
    file.write_bytes(bytes(changed))
    assert not same(before, str(file), of(file))


def test_a_part_of_a_file_has_its_own_content():
    assert content_of("CCO", 1) == content_of("CCO", 1) != content_of("CCN", 1)
    row = content_of("CCO")
    assert sealed("table.csv", row) == row
    assert same(row, "table.csv", row)
    assert not same(row, "table.csv", content_of("CCN"))
