import torch
import torch.nn.functional as F

from unlabeled_graph.sparse_rows import SparseRows, split, worth_it


def mostly_zero(rows=30, columns=40):
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(rows, columns, generator=generator, dtype=torch.float64)
    return x * (torch.rand(rows, columns, generator=generator) < 0.05)


def dense(found: SparseRows):
    x = torch.zeros(found.shape, dtype=torch.float64)
    x[found.rows, found.columns] = found.values
    return x.index_copy(0, found.at, found.filled)


def test_what_is_split_is_the_matrix_with_the_rows_filled():
    x, at = mostly_zero(), torch.tensor([4, 20])
    filled = torch.rand(2, 40, dtype=torch.float64)

    assert torch.equal(dense(split(x, filled, at)), x.index_copy(0, at, filled))


def test_the_product_is_that_of_the_matrix_also_where_nothing_is_left():
    weight = torch.rand(7, 40, dtype=torch.float64)
    for x in (mostly_zero(), torch.zeros(3, 40, dtype=torch.float64)):
        found = split(x, torch.rand(1, 40, dtype=torch.float64), torch.tensor([1]))

        torch.testing.assert_close(found.linear(weight), F.linear(dense(found), weight))


def test_dropout_keeps_the_mean_and_drops_its_share():
    x, at = mostly_zero(300, 300), torch.tensor([1])
    found = split(x, torch.ones(1, 300, dtype=torch.float64), at)
    torch.manual_seed(0)

    dropped = found.dropout(0.2, training=True)

    assert 0.75 < float((dropped.values != 0).double().mean()) < 0.85
    torch.testing.assert_close(dropped.values.mean(), found.values.mean(), rtol=0.05, atol=0)
    assert found.dropout(0.2, training=False).values.equal(found.values)


def test_only_large_and_empty_matrices_are_worth_it():
    assert worth_it(mostly_zero(1000, 400))
    assert not worth_it(mostly_zero(100, 40))
    assert not worth_it(torch.ones(1000, 400))
