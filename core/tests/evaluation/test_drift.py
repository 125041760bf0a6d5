"""Drift: the stated share of false alarms, shifts found and named, measures equal to formulas."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.linalg import sqrtm
from scipy.spatial.distance import cdist

from unlabeled.errors import DataError, UsageError
from unlabeled.evaluation import drift as module
from unlabeled.evaluation.drift import drift

D = 16


def write(path, vectors, groups):
    ids = [f"{path.stem}{number}" for number in range(len(vectors))]
    column = pa.array(vectors.tolist(), pa.list_(pa.float32(), vectors.shape[1]))
    pq.write_table(pa.table({"id": ids, "group": groups, "vector": column}), path)
    return path


def drawn(rng, groups, each=5, shift=0.0, scale=1.0):
    """Items of a group are alike: the case in which tests over items raise false alarms."""
    centres = rng.normal(size=(groups, D)) + shift
    vectors = centres.repeat(each, 0) + scale * rng.normal(size=(groups * each, D))
    return vectors, [f"g{number}" for number in np.arange(groups).repeat(each)]


@pytest.fixture
def tables(tmp_path):
    def make(seed, *, groups=12, **changes):
        rng = np.random.default_rng(seed)
        reference = write(tmp_path / "old.parquet", *drawn(rng, 30))
        return reference, write(tmp_path / "new.parquet", *drawn(rng, groups, **changes))

    return make


def test_false_alarms_are_as_many_as_stated(tables):
    alarms = sum(drift(*tables(seed), level=0.1, resamples=19).drifted for seed in range(200))
    # Of 200 at a level of .1 the binomial's 99.9 % quantile is 34.
    assert alarms <= 34


@pytest.mark.parametrize("changes", [{"shift": 1.0}, {"scale": 3.0}, {"scale": 0.2}])
def test_a_change_is_found(tables, changes):
    assert all(drift(*tables(seed, **changes), resamples=99).drifted for seed in range(5))


def test_items_that_are_unlike_are_named_first(tmp_path):
    rng = np.random.default_rng(0)
    vectors, groups = drawn(rng, 12)
    vectors[7] += 30
    reference = write(tmp_path / "old.parquet", *drawn(rng, 30))
    found = drift(reference, write(tmp_path / "new.parquet", vectors, groups), count=3)
    assert len(found.unlike) == 3
    assert (found.unlike[0].id, found.unlike[0].group) == ("new7", "g1")
    assert found.unlike[0].distance > 2 * found.unlike[1].distance


def test_measures_equal_their_formulas(tables):
    one, other = (module.item_vectors(path) for path in tables(3))
    pair = module._Pair(one, other, 0)
    a, b = pair.values[: pair.split], pair.values[pair.split :]
    found = dict(zip(module.MEASURES, pair.observed(), strict=True))

    width = np.median(cdist(a, a)[np.triu_indices(len(a), 1)])
    kernel = lambda x, y: np.exp(-(cdist(x, y) ** 2) / (2 * width**2))  # noqa: E731
    off = lambda k: (k.sum() - np.trace(k)) / (len(k) * (len(k) - 1))  # noqa: E731
    expected = off(kernel(a, a)) + off(kernel(b, b)) - 2 * kernel(a, b).mean()
    assert found["mmd"] == pytest.approx(expected, rel=1e-10)

    first, second = np.cov(a.T), np.cov(b.T)
    gap = ((a.mean(0) - b.mean(0)) ** 2).sum()
    expected = gap + np.trace(first + second - 2 * sqrtm(first @ second).real)
    assert found["frechet"] == pytest.approx(expected, rel=1e-6)

    nearest = np.sort(cdist(b, a), axis=1)[:, module.NEAREST - 1]
    assert found["novelty"] == pytest.approx(np.log(nearest).mean(), rel=1e-10)
    assert 0 <= found["classifier"] <= 1


def test_equal_sets_differ_by_nothing(tmp_path):
    vectors, groups = drawn(np.random.default_rng(0), 20)
    old, new = (write(tmp_path / f"{n}.parquet", vectors, groups) for n in ("old", "new"))
    found = drift(old, new, resamples=50)
    assert not found.drifted
    assert {each.name: each.found for each in found.measures}["frechet"] == pytest.approx(
        0, abs=1e-6
    )


def test_too_few_groups_for_an_alarm_are_said(tmp_path):
    rng = np.random.default_rng(0)
    old = write(tmp_path / "old.parquet", *drawn(rng, 4, each=10))
    new = write(tmp_path / "new.parquet", *drawn(rng, 1, each=10, shift=50.0))
    found = drift(old, new)
    assert not found.drifted
    assert any("No alarm is possible at level 0.05" in note for note in found.notes)


def test_many_items_are_drawn_by_group_and_said(tables, monkeypatch):
    monkeypatch.setattr(module, "MOST", 50)
    found = drift(*tables(0), resamples=20)
    assert found.items == (150, 60)
    assert max(found.compared) <= 50
    assert sum("are compared" in note for note in found.notes) == 2


def test_tables_of_other_encoders_and_small_ones_are_refused(tmp_path, tables):
    old, _ = tables(0)
    wide = write(tmp_path / "wide.parquet", np.zeros((30, 3)), ["g"] * 30)
    with pytest.raises(UsageError, match=r"wide\.parquet: expected embeddings by the encoder"):
        drift(old, wide)
    with pytest.raises(DataError, match="at least 20 items of 2 groups"):
        drift(wide, wide)
