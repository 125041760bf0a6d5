"""Batches by a column: what each form promises, over many columns and seeds, and within a run."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_runs import at_call, recipe, rows, same_state, send
from toy_runs import write_data as write

from unlabeled.errors import DataError, RunError, UsageError
from unlabeled.run_folder import RunFolder
from unlabeled.training.batch_column import BatchColumn
from unlabeled.training.batches import Apart, Shares, Together, apportion, cycle, form_of
from unlabeled.training.loader import BatchSampler, RankBatches
from unlabeled.training.pretrain import pretrain, resume
from unlabeled.training.settings import BatchSettings, TrainingSettings
from unlabeled.training.signals import Stopped

columns = st.lists(st.integers(0, 5), min_size=2, max_size=80).map(
    lambda found: np.unique(found, return_inverse=True)[1]
)


def generator(seed):
    return np.random.default_rng(seed)


def pairs(counts):
    return sum(c * (c - 1) // 2 for c in counts)


def column_of(codes, values=None):
    return BatchColumn("kind", np.asarray(codes), values or tuple(map(str, range(max(codes) + 1))))


@settings(max_examples=60, deadline=None)
@given(columns, st.integers(1, 12), st.integers(0, 100))
def test_apart_takes_each_item_once_with_as_few_pairs_as_can_be(codes, size, seed):
    size = min(size, len(codes))
    form = Apart(codes, size)
    batches = form.deal(generator(seed))
    assert batches.shape == (len(codes) // size, size) == (form.batches, size)
    assert len(np.unique(batches)) == batches.size
    found = sum(pairs(np.unique(codes[row], return_counts=True)[1]) for row in batches)
    fewest = 0
    for count in np.unique(codes[batches], return_counts=True)[1]:
        share, more = divmod(int(count), len(batches))
        fewest += pairs([share + 1] * more + [share] * (len(batches) - more))
    assert found == fewest


def test_apart_gives_every_value_once_when_values_are_equally_many():
    codes = np.repeat(np.arange(8), 5)
    one, two = (Apart(codes, 8).deal(generator(seed)) for seed in (0, 1))
    assert all(len(set(codes[row])) == 8 for row in one)
    assert {frozenset(row) for row in one.tolist()} != {frozenset(row) for row in two.tolist()}
    assert Apart(codes, 8).note == "all of different values"


def test_apart_says_how_many_of_one_value_a_batch_has():
    codes = np.array([0] * 30 + [1] * 10)
    form = Apart(codes, 10)
    most = max(np.bincount(codes[row]).max() for row in form.deal(generator(0)))
    assert form.note.endswith(f"of one value up to {most}")
    assert most == 8


@settings(max_examples=60, deadline=None)
@given(columns, st.integers(1, 6), st.integers(0, 100))
def test_together_gives_pure_batches_as_many_as_there_are(codes, size, seed):
    counts = np.bincount(codes)
    if not (counts // size).sum():
        with pytest.raises(DataError, match=f"the largest has {counts.max()} items"):
            Together(codes, size)
        return
    form = Together(codes, size)
    batches = form.deal(generator(seed))
    assert batches.shape == (form.batches, size)
    assert len(np.unique(batches)) == batches.size
    assert all(len(set(codes[row])) == 1 for row in batches)


def test_together_says_who_is_left_out():
    form = Together(np.array([0] * 9 + [1] * 3), 4)
    assert "3 of 12 are never in a batch" in form.note
    assert "1 others are left out of each epoch" in form.note


@settings(max_examples=60, deadline=None)
@given(columns, st.integers(6, 12), st.integers(0, 100))
def test_shares_are_the_same_in_every_batch(codes, size, seed):
    size, count = min(size, len(codes)), codes.max() + 1
    if size < count:
        return
    form = Shares(codes, size, np.ones(count))
    batches = form.deal(generator(seed))
    assert batches.shape == (len(codes) // size, size)
    for row in batches:
        assert np.bincount(codes[row], minlength=count).tolist() == form.counts.tolist()
    assert form.counts.max() - form.counts.min() <= 1
    for code in range(count):
        times = np.bincount(batches[codes[batches] == code], minlength=len(codes))
        times = times[codes == code]
        assert times.max() - times.min() <= 1  # all of a value before one comes again


def test_shares_are_those_that_the_recipe_gives():
    chosen = BatchSettings(by="kind", form="shares", shares={"labelled": 1, "none": 7})
    column = column_of([0] * 60 + [1] * 20, ("", "labelled"))
    form = form_of(chosen, column, 1, 16)
    assert form.counts.tolist() == [14, 2]
    assert "2 to 14 of a value; an item is drawn 0.5 to 1.2 times an epoch" in form.note
    other = BatchSettings(by="kind", form="shares", shares={"labelled": 1})
    with pytest.raises(UsageError, match=r"one of each value of kind.*none, labelled; found"):
        form_of(other, column, 1, 16)
    with pytest.raises(DataError, match="batch of 3 cannot hold each of 2 values"):
        form_of(chosen, column, 1, 3)


def test_remainders_go_to_the_largest_and_add_up():
    assert apportion(10, np.array([1.0, 1.0, 1.0])).tolist() == [4, 3, 3]
    assert apportion(7, np.array([0.1, 0.6, 0.3])).tolist() == [1, 4, 2]


def test_none_is_twice_in_a_batch_where_a_round_ends():
    for seed in range(20):
        dealt = cycle(np.arange(5), 10, 4, generator(seed))
        assert all(len(set(row)) == 4 for row in dealt.tolist())
    assert len(cycle(np.arange(2), 3, 5, generator(0))[0]) == 5


def order_of(form, codes, **more):
    chosen = TrainingSettings(steps=10, batches=BatchSettings(by="kind", form=form), **more)
    return BatchSampler(np.ones(len(codes), dtype=int), chosen, column_of(codes))


@pytest.mark.parametrize("form", ["apart", "together", "shares"])
def test_the_order_of_a_run_follows_the_column(form):
    codes = np.repeat([0, 1], 6)
    order = order_of(form, codes, batch_size=4, samples_per_item=2)
    assert order.batches_per_epoch == 6
    seen = set()
    for number in range(6):
        visits = order.batch(number)
        share = np.mean([codes[visit.item] for visit in visits])
        assert share in (0, 1) if form == "together" else share == 0.5
        seen |= {(visit.item, visit.number) for visit in visits}
    assert len(seen) == 24


def test_an_item_that_comes_again_is_drawn_anew():
    """Item 0 alone has its value, and fills half of each batch."""
    order = order_of("shares", [0] + [1] * 15, batch_size=4)
    visits = [visit for number in range(order.batches_per_epoch) for visit in order.batch(number)]
    alone = [visit.number for visit in visits if visit.item == 0]
    assert len(alone) == len(set(alone)) == 8


def test_processes_share_the_batches_of_one():
    order = order_of("apart", np.repeat(np.arange(5), 6), batch_size=5)
    parts = [list(RankBatches(order, 0, 12, rank=rank, processes=2)) for rank in (0, 1)]
    joined = [[*one, *two] for one, two in zip(*parts, strict=True)]
    assert joined == [order.batch(number) for number in range(12)]


@pytest.fixture
def data(vectors, tmp_path):
    return write(tmp_path / "data")


@pytest.mark.parametrize("form", ["together", "apart", "shares"])
def test_a_run_resumed_is_the_run_never_stopped(data, tmp_path, form, monkeypatch):
    from unlabeled_vectors.method import Memory

    batches = {"by": "site", "form": form}
    training = {"batch_size": 4, "checkpoint": {"every_steps": 3}, "batches": batches}
    pretrain(recipe(**training), data, tmp_path / "whole", quiet=True)
    with monkeypatch.context() as patch:
        patch.setattr(Memory, "forward", at_call(8, send(15), Memory))
        with pytest.raises(Stopped):
            pretrain(recipe(**training), data, tmp_path / "broken", quiet=True)
    resume(tmp_path / "broken", quiet=True)
    assert rows(tmp_path / "whole") == rows(tmp_path / "broken")
    assert same_state(tmp_path / "whole", tmp_path / "broken")


def test_a_column_that_changed_is_no_exact_resume(data, tmp_path, monkeypatch):
    """The table is found from another folder as well."""
    monkeypatch.chdir(tmp_path)
    table = Path("kinds.csv")
    names = [f"{number:04}.json" for number in range(30)]
    table.write_text("item,kind\n" + "".join(f"{name},{int(name[3]) % 2}\n" for name in names))
    asked = recipe(batch_size=4, batches={"by": "kind", "form": "apart", "table": str(table)})
    pretrain(asked, data, tmp_path / "run", quiet=True)
    kept = RunFolder(tmp_path / "run").read().data.columns
    monkeypatch.chdir("/")
    table = tmp_path / table
    resume(tmp_path / "run", quiet=True)
    assert "training.batches" in kept
    table.write_text(table.read_text().replace("0003.json,1", "0003.json,0"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RunError, match=r"differ in training\.batches"):
        pretrain(asked, data, tmp_path / "run", quiet=True)
