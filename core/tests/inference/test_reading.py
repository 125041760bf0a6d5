import tracemalloc

import numpy as np
import pytest

from unlabeled import memory
from unlabeled.data.items import Items, Quarantined
from unlabeled.data.quarantine import Limits
from unlabeled.errors import DataError, UnreadableItem
from unlabeled.inference.reading import Source


class Echo:
    """A reader whose samples are the sizes of the items; those of size 13 are broken."""

    def read(self, item, rng=None):
        if item.size == 13:
            raise UnreadableItem(item.source, "luck", "13")
        return item.size


def of(sizes, quarantine=()):
    names = [str(row) for row in range(len(sizes))]
    return Items.of({"id": names, "source": names, "size": sizes}, quarantine)


def test_batches_hold_items_of_similar_size_and_few_large_ones():
    sizes = [10] * 20 + [1, 2, 1000, 35, 45]
    batches = list(Source(of(sizes), Echo()).batches(range(len(sizes)), 8))
    assert sorted(row for rows, _ in batches for row in rows) == list(range(len(sizes)))
    assert all(samples == [sizes[row] for row in rows] for rows, samples in batches)
    assert max(len(rows) for rows, _ in batches) == 8
    assert all(len(s) * max(s) <= 80 or len(s) == 1 for _, s in batches)
    assert [1000] in [samples for _, samples in batches]


def test_a_broken_item_is_left_out_once_however_often_it_is_met():
    source = Source(of([1] * 19 + [13]), Echo())
    for _ in range(3):
        rows = [row for batch, _ in source.batches(range(20), 4) for row in batch]
        assert rows == list(range(19))
    assert list(source.quarantine.values()) == [Quarantined("19", "luck", "13", "19")]


def test_items_that_the_index_left_out_count_too():
    bad = Quarantined("x", "a file", "none")
    source = Source(of([1] * 18 + [13], [bad]), Echo())  # 2 of 20
    assert sum(len(rows) for rows, _ in source.batches(range(19), 4)) == 18
    source = Source(of([1] * 17 + [13], [bad, bad]), Echo())  # 3 of 20
    with pytest.raises(DataError, match=r"3 of 20 items cannot be used(.*)raise --max-skipped"):
        list(source.batches(range(18), 4))


def test_the_policy_stop_raises_at_the_first():
    with pytest.raises(UnreadableItem, match="expected luck, found 13"):
        list(Source(of([13] + [1] * 50), Echo(), Limits("stop")).batches(range(51), 4))


class Large:
    """A reader whose samples take a MiB for each unit of size."""

    def read(self, item, rng=None):
        return np.ones((item.size, 2**20), np.uint8)


def test_a_batch_is_closed_before_it_takes_too_many_bytes(monkeypatch):
    monkeypatch.setattr(memory, "BATCH_BYTES", 8 * 2**20)
    sizes = [2] * 9 + [3] * 3 + [20]
    batches = list(Source(of(sizes), Large()).batches(range(13), 16))
    assert [row for rows, _ in batches for row in rows] == list(range(13))
    assert [[len(sample) for sample in samples] for _, samples in batches] == [
        [2, 2, 2, 2],
        [2, 2, 2, 2],
        [2, 3],
        [3, 3],
        [20],
    ]


def test_small_items_are_read_in_the_batches_as_ever():
    sizes = [1, 2, 1, 3, 2, 2, 1, 1]
    found = [rows for rows, _ in Source(of(sizes), Echo()).batches(range(8), 3)]
    assert found == [[0, 2, 6], [7, 1], [4, 5], [3]]


def test_memory_is_bound_by_bytes_and_not_by_the_number_of_items(monkeypatch):
    """64 items of 4 MiB, and a batch size that would hold them all."""
    monkeypatch.setattr(memory, "BATCH_BYTES", 16 * 2**20)
    source = Source(of([4] * 64), Large())
    tracemalloc.start()
    try:
        count = sum(len(samples) for _, samples in source.batches(range(64), 64))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 64
    assert peak < 48 * 2**20
