import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unlabeled.data.items import Items
from unlabeled.errors import DataError
from unlabeled.training.clusters import (
    cluster_items,
    deal_apart,
    keep_together,
    pseudo_labels,
    refine,
    whole_batches,
)
from unlabeled.training.loader import Order
from unlabeled.training.settings import ClusterSettings, TrainingSettings

labelled = st.lists(st.integers(0, 5), min_size=2, max_size=80).map(np.array)


def pairs(counts):
    return sum(c * (c - 1) // 2 for c in counts)


@settings(max_examples=60, deadline=None)
@given(labelled, st.integers(1, 12), st.integers(0, 100))
def test_apart_takes_each_item_once_with_as_few_pairs_as_can_be(labels, size, seed):
    size = min(size, len(labels))
    batches = deal_apart(labels, size, np.random.default_rng(seed))
    assert batches.shape == (len(labels) // size, size)
    assert len(np.unique(batches)) == batches.size
    found = sum(pairs(np.unique(labels[row], return_counts=True)[1]) for row in batches)
    fewest = 0
    for count in np.unique(labels[batches], return_counts=True)[1]:
        share, more = divmod(int(count), len(batches))
        fewest += pairs([share + 1] * more + [share] * (len(batches) - more))
    assert found == fewest


def test_apart_gives_every_cluster_once_when_clusters_are_equal():
    labels = np.repeat(np.arange(8), 5)
    one, two = (deal_apart(labels, 8, np.random.default_rng(seed)) for seed in (0, 1))
    assert all(len(set(labels[row])) == 8 for row in one)
    assert {frozenset(row) for row in one.tolist()} != {frozenset(row) for row in two.tolist()}


@settings(max_examples=60, deadline=None)
@given(labelled, st.integers(1, 6), st.integers(0, 100))
def test_together_gives_pure_batches_as_many_as_there_are(labels, size, seed):
    counts = np.bincount(labels)
    if not (counts // size).sum():
        with pytest.raises(DataError, match=f"largest cluster has {counts.max()} items"):
            whole_batches(labels, size)
        return
    batches = keep_together(labels, size, np.random.default_rng(seed))
    assert batches.shape == (whole_batches(labels, size), size)
    assert len(np.unique(batches)) == batches.size
    assert all(len(set(labels[row])) == 1 for row in batches)


def test_stages_refine_one_another():
    first, second = np.array([0, 0, 1, 1, 0]), np.array([0, 1, 0, 0, 0])
    labels = refine([first, second])
    assert len(set(labels)) == 3
    assert labels[2] == labels[3]
    assert labels[0] == labels[4]


def test_pseudo_labels_find_directions_whatever_their_length():
    rng = np.random.default_rng(0)
    truth = np.repeat([0, 1, 2], 40)
    vectors = np.eye(3)[truth] + 0.05 * rng.normal(size=(120, 3))
    vectors *= rng.uniform(0.1, 10, size=(120, 1))
    labels = pseudo_labels(vectors, 3, seed=0)
    assert len({(a, b) for a, b in zip(truth, labels, strict=True)}) == 3
    assert (labels == pseudo_labels(vectors, 3, seed=0)).all()


def test_more_clusters_than_items_are_refused():
    with pytest.raises(DataError, match="at most the number of items, 3, found 4"):
        pseudo_labels(np.eye(3), 4, seed=0)


@pytest.fixture
def table(tmp_path):
    """Embeddings of items 5 to 0, of two kinds; item 6 is missing."""
    path = tmp_path / "embeddings.parquet"
    vectors = [[1.0, 0.1 * n] if n % 2 else [0.1 * n, -1.0] for n in range(5, -1, -1)]
    column = pa.array(vectors, pa.list_(pa.float32(), 2))
    pq.write_table(pa.table({"id": [f"i{n}" for n in range(5, -1, -1)], "vector": column}), path)
    return str(path)


def items(count=7, prefix="i"):
    names = [f"{prefix}{n}" for n in range(count)]
    return Items.of({"id": names, "source": names, "size": [1] * count})


def test_items_are_clustered_by_id_and_missing_ones_apart(table):
    chosen = ClusterSettings(embeddings=[table], count=2, batches="together")
    labels = cluster_items(items(), chosen, seed=0)
    assert labels[0] == labels[2] == labels[4] != labels[1]
    assert labels[1] == labels[3] == labels[5]
    assert labels[6] not in labels[:6]


def test_embeddings_of_other_items_are_refused_showing_both(table):
    chosen = ClusterSettings(embeddings=[table], count=2, batches="together")
    with pytest.raises(DataError, match="first item is 'x0', its first is 'i5'"):
        cluster_items(items(prefix="x"), chosen, seed=0)


def test_a_file_that_is_no_table_is_refused(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("item,label\n")
    chosen = ClusterSettings(embeddings=[str(path)], count=2, batches="apart")
    with pytest.raises(DataError, match=r"labels\.csv cannot be read as a table"):
        cluster_items(items(), chosen, seed=0)


@pytest.mark.parametrize("batches", ["apart", "together"])
def test_the_order_of_a_run_follows_the_clusters(batches):
    labels = np.repeat([0, 1], 6)
    chosen = TrainingSettings(
        steps=10,
        batch_size=4,
        samples_per_item=2,
        clusters=ClusterSettings(embeddings=["-"], batches=batches),
    )
    order = Order(np.ones(12, dtype=int), chosen, labels)
    assert order.batches_per_epoch == 6
    seen = set()
    for number in range(6):
        visits = order.batch(number)
        share = np.mean([labels[visit.item] for visit in visits])
        assert share == 0.5 if batches == "apart" else share in (0, 1)
        seen |= {(visit.item, visit.number) for visit in visits}
    assert len(seen) == 24
