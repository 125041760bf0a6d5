"""Where the column comes from: a table, the index, the recipe's labels; and what does not fit."""

import pytest
from toy_runs import MEMORY, recipe

from unlabeled.data.items import Items
from unlabeled.errors import DataError, UsageError
from unlabeled.recipe import merge
from unlabeled.training.batch_column import BatchColumn, batch_column


@pytest.fixture
def items(vectors):
    names = ["a.json", "b.json", "c.json", "d.json"]
    return Items.of({"id": names, "source": names, "size": [1] * 4, "site": ["y", "x", None, "y"]})


def found(items, path, **batches):
    return batch_column(recipe(MEMORY, batches={"form": "apart", **batches}), items, path)


def test_of_the_index_with_those_that_have_none(items, tmp_path):
    column = found(items, tmp_path, by="site")
    assert column.values == ("", "x", "y")
    assert column.codes.tolist() == [2, 1, 0, 2]
    assert column.without == 1


def test_of_a_table_by_id_whatever_its_order(items, tmp_path):
    table = tmp_path / "clusters.csv"
    table.write_text("item,cluster\nd.json,7\nb.json,2\na.json,2\nelsewhere.json,9\n")
    column = found(items, tmp_path, by="cluster", table=str(table))
    assert column.values == ("", "2", "7")
    assert column.codes.tolist() == [1, 1, 0, 2]


def test_a_recipe_without_batches_has_none(items, tmp_path):
    assert batch_column(recipe(merge(MEMORY, {})), items, tmp_path) is None


def test_what_does_not_fit_is_said(items, tmp_path):
    with pytest.raises(UsageError, match=r"index has no column 'kind'. It has: id, source.*site"):
        found(items, tmp_path, by="kind")
    table = tmp_path / "t.csv"
    table.write_text("item,cluster\nx.json,1\n")
    with pytest.raises(UsageError, match=r"t\.csv has no column 'kind'. It has: item, cluster"):
        found(items, tmp_path, by="kind", table=str(table))
    with pytest.raises(
        DataError, match=r"batches\.table: none of 1 rows belongs to one of 4 items"
    ):
        found(items, tmp_path, by="cluster", table=str(table))
    table.write_text("item,cluster\na.json,1\na.json,2\n")
    with pytest.raises(DataError, match=r"rows 2 and 3: two labels of one item, 'a\.json'"):
        found(items, tmp_path, by="cluster", table=str(table))


def test_the_digest_follows_the_division_and_not_the_names(items, tmp_path):
    one = found(items, tmp_path, by="site")
    renamed = BatchColumn("kind", one.codes, ("", "p", "q"))
    other = BatchColumn("site", one.codes[::-1].copy(), one.values)
    assert one.digest() == renamed.digest() != other.digest()
