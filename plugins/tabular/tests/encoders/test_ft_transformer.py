import torch


def test_tokens_are_the_published_products_and_sums(transformer, rows):
    batch = transformer.collate(rows)
    tokens = transformer.embed(batch)
    scores = transformer.scores(batch)
    torch.testing.assert_close(tokens[:, 0], transformer.learned.expand(60, -1))
    number = scores[:, 0, None] * transformer.number[0] + transformer.column[0]
    torch.testing.assert_close(tokens[:, 1], number)
    table = transformer.tables[0].weight[batch.codes[:, 0]] + transformer.column[3]
    torch.testing.assert_close(tokens[:, 4], table)
    empty = transformer.empty[2] + transformer.column[2]
    torch.testing.assert_close(tokens[0, 3], empty)


def test_outputs_are_one_run_seen_in_three_ways(transformer, rows):
    batch = transformer.collate(rows[:4])
    states = transformer.run(transformer.embed(batch))
    torch.testing.assert_close(transformer.encode(batch, "row"), states.mean(1))
    torch.testing.assert_close(transformer.encode(batch, "cells"), states[:, 1:].flatten(1))
    tokens = transformer.encode(batch, "tokens")
    torch.testing.assert_close(tokens.values, states[:, 1:])
    assert tokens.position[0, :, 0].tolist() == [0, 1, 2, 3, 4]


def test_chosen_tokens_see_one_another_only(transformer, rows):
    batch = transformer.collate(rows[:3])
    tokens = transformer.embed(batch)
    chosen = torch.tensor([[0, 2, 5], [0, 1, -1], [0, 4, 3]])
    states = transformer.run(tokens, chosen)
    alone = transformer.blocks(tokens[1:2, [0, 1]])
    torch.testing.assert_close(states[1:2, :2], alone)
    tokens[:, 1:2] += 100  # not chosen in the first and third
    again = transformer.run(tokens, chosen)
    torch.testing.assert_close(again[[0, 2]], states[[0, 2]])


def test_a_cell_that_is_not_shown_looks_empty(transformer, rows):
    batch = transformer.collate(rows[:2])
    shown = torch.ones(2, 5, dtype=torch.bool)
    shown[:, 0] = False
    tokens = transformer.embed(batch, shown)
    torch.testing.assert_close(tokens[0, 1], transformer.empty[0] + transformer.column[0])
