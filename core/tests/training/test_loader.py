"""What is trained on does not depend on who fetches it."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unlabeled.data.items import Items
from unlabeled.errors import DataError, UnreadableItem
from unlabeled.randomness import keyed_rng
from unlabeled.training.loader import (
    ATTEMPTS,
    BatchSampler,
    Examples,
    RankBatches,
    load,
    sample_batches,
)
from unlabeled.training.settings import TrainingSettings


def training(**changes):
    return TrainingSettings(**{"epochs": 1, "batch_size": 4, **changes})


def items(count):
    names = [f"item{number}" for number in range(count)]
    return Items.of({"id": names, "source": names, "size": list(range(count))})


class Lists:
    """Reads an item's number; some items are broken. Stands for reader and pretext."""

    def __init__(self, broken=()):
        self.broken = set(broken)

    def read(self, item, rng=None):
        number = int(item.id.removeprefix("item"))
        if number in self.broken:
            raise UnreadableItem(item.source, "a number", "nothing")
        return number, rng.random()

    def example(self, sample, draw):
        return (*sample, draw.rng(0).random())

    def collate(self, examples):
        return list(examples)


def examples(count=20, broken=(), **changes):
    lists = Lists(broken)
    return Examples(items(count), lists, lists, training(**changes))


def order(count, **changes):
    return BatchSampler(np.arange(count), training(**changes))


sizes = st.integers(1, 60)


@given(sizes, st.integers(1, 20), st.integers(1, 3), st.sampled_from(["shuffled", "by_size"]))
def test_every_epoch_visits_everything_once_but_for_the_last_batch(count, size, times, batching):
    plan = order(count, batch_size=size, samples_per_item=times, batching=batching)
    epochs = []
    for epoch in range(2):
        first = epoch * plan.batches_per_epoch
        batches = [plan.batch(first + index) for index in range(plan.batches_per_epoch)]
        visits = [visit for batch in batches for visit in batch]
        assert {visit.epoch for visit in visits} == {epoch}
        assert [visit.place for visit in visits] == list(range(len(visits)))
        drawn = [(visit.item, visit.number) for visit in visits]
        assert len(set(drawn)) == len(drawn) > count * times - min(size, count * times)
        assert all(item < count and number < times for item, number in drawn)
        epochs.append(drawn)
    if batching == "shuffled" and count * times > 10:
        assert epochs[0] != epochs[1]


@given(sizes, st.integers(1, 20), st.integers(1, 4), st.integers(0, 5))
def test_the_slices_of_all_processes_are_the_joint_batch(count, size, processes, start):
    plan = order(count, batch_size=size)
    slices = [
        list(RankBatches(plan, start, start + 3, rank=rank, processes=processes))
        for rank in range(processes)
    ]
    for number, parts in enumerate(zip(*slices, strict=True)):
        assert [visit for part in parts for visit in part] == plan.batch(start + number)
        lengths = [len(part) for part in parts]
        assert max(lengths) - min(lengths) <= 1


def test_replicated_processes_all_take_the_joint_batch():
    plan = order(30, batch_size=7, distributed="replicated")
    for rank in range(3):
        [batch] = RankBatches(plan, 2, 3, rank=rank, processes=3)
        assert batch == plan.batch(2)


def test_an_order_can_be_entered_anywhere():
    forwards = [order(30).batch(number) for number in range(15)]
    plan = order(30)
    assert [plan.batch(number) for number in reversed(range(15))] == forwards[::-1]
    assert order(30, seed=1).batch(0) != forwards[0]


def test_batches_by_size_need_little_padding():
    extents = np.random.default_rng(0).integers(1, 1000, 4000)

    def padding(batching):
        plan = BatchSampler(extents, training(batch_size=20, batching=batching))
        batches = [extents[[v.item for v in plan.batch(n)]] for n in range(200)]
        return sum(batch.max() * 20 - batch.sum() for batch in batches)

    assert padding("by_size") < 0.05 * padding("shuffled")


@settings(max_examples=20)
@given(st.sets(st.integers(0, 19), max_size=10), st.integers(1, 3))
def test_a_broken_item_is_replaced_the_same_way_on_any_number_of_processes(broken, processes):
    fetch = examples(broken=broken, batch_size=6)
    plan = BatchSampler(np.ones(20, int), fetch.settings)
    joint = fetch[plan.batch(1)]
    parts = [
        fetch[next(iter(RankBatches(plan, 1, 2, rank=rank, processes=processes)))]
        for rank in range(processes)
    ]
    assert [row for part in parts for row in part.batch] == joint.batch
    assert [bad for part in parts for bad in part.skipped] == list(joint.skipped)
    assert len(joint.batch) == 6
    assert not {row[0] for row in joint.batch} & broken
    assert {bad.item for bad in joint.skipped} <= {f"item{number}" for number in broken}


def test_a_substitute_is_drawn_afresh():
    """Where it stands beside its regular visit, the two examples differ."""
    fetch = examples(count=3, broken=[0], batch_size=3)
    rows = fetch[BatchSampler(np.ones(3, int), fetch.settings).batch(0)].batch
    assert len({row[0] for row in rows}) == 2
    assert len({row[2] for row in rows}) == 3


def test_a_draw_carries_the_group_of_the_item_that_was_read():
    """Of a substitute too: with `negatives: other_groups` it repels another patient's scans."""

    class Groups(Lists):
        def example(self, sample, draw):
            return sample[0], draw.item, draw.group

    reader, settings = Groups(broken=[2]), training(batch_size=6)
    columns = items(6).table.to_pydict()
    grouped = Items.of({**columns, "group": [f"patient{number // 2}" for number in range(6)]})
    fetched = Examples(grouped, reader, reader, settings)[
        BatchSampler(np.ones(6, int), settings).batch(0)
    ]
    assert fetched.skipped
    for number, item, group in fetched.batch:
        assert (item, group) == (f"item{number}", f"patient{number // 2}")


def test_the_policy_stop_hands_over_the_error():
    fetch = examples(broken=range(20), unreadable="stop")
    fetched = fetch[BatchSampler(np.ones(20, int), fetch.settings).batch(0)]
    assert fetched.batch is None
    assert isinstance(fetched.error, UnreadableItem)
    assert len(fetched.skipped) == 1


def test_it_gives_up_when_nothing_can_be_read():
    fetch = examples(broken=range(20))
    fetched = fetch[BatchSampler(np.ones(20, int), fetch.settings).batch(0)]
    assert isinstance(fetched.error, DataError)
    assert len(fetched.skipped) == ATTEMPTS
    assert f"{ATTEMPTS} items in a row cannot be read" in str(fetched.error)


def test_workers_fetch_the_same_and_draw_nothing():
    def fetched(workers):
        fetch = examples(broken=[3, 7], workers=workers)
        plan = BatchSampler(np.ones(20, int), fetch.settings)
        return list(load(fetch, RankBatches(plan, 0, 8, rank=0, processes=1), pin=False))

    torch.manual_seed(0)
    before = torch.get_rng_state()
    assert fetched(0) == fetched(2)
    assert torch.equal(torch.get_rng_state(), before)


def test_an_error_of_a_worker_keeps_its_message():
    fetch = examples(broken=range(20), unreadable="stop", workers=1)
    plan = BatchSampler(np.ones(20, int), fetch.settings)
    fetched = next(load(fetch, RankBatches(plan, 0, 1, rank=0, processes=1), pin=False))
    assert str(fetched.error).endswith("expected a number, found nothing")


def test_a_sample_is_drawn_by_seed_without_what_is_broken():
    def sample(seed, broken=()):
        lists = Lists(broken)
        return list(sample_batches(items(50), lists, lists, seed=seed, count=10, size=4))

    assert [len(batch) for batch in sample(0)] == [4, 4, 2]
    assert sample(0) == sample(0) != sample(1)
    numbers = {row[0] for batch in sample(0) for row in batch}
    dropped = min(numbers)
    assert {row[0] for batch in sample(0, [dropped]) for row in batch} == numbers - {dropped}


def test_a_sample_comes_in_the_order_drawn_and_a_lone_one_joins_the_batch_before():
    lists = Lists(())
    batches = list(sample_batches(items(50), lists, lists, seed=0, count=9, size=4))
    assert [len(batch) for batch in batches] == [4, 5]
    numbers = [row[0] for batch in batches for row in batch]
    assert numbers == keyed_rng(0, "sample").permutation(50)[:9].tolist()
