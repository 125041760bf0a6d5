import numpy as np
import pytest
import torch
from torch.nn import functional

from unlabeled.errors import RecipeError
from unlabeled_tabular.encoders.resnet import ResNet, ResNetSettings
from unlabeled_tabular.pretexts.masked_cells import Hidden, MaskedCells, MaskedCellsSettings


def test_the_loss_is_the_mean_of_the_errors_of_hidden_cells(transformer, rows):
    method = MaskedCells(MaskedCellsSettings(), transformer).eval()
    hidden = torch.from_numpy(np.random.default_rng(1).random((60, 5)) < 0.4)
    cells = transformer.collate(rows)
    states = transformer.blocks(transformer.embed(cells, ~hidden))[:, 1:]
    errors = []
    for row, column in hidden.nonzero().tolist():
        state = states[row, column]
        if column < 3:
            if cells.numbers[row, column].isnan():
                continue
            found = state @ method.numbers[column] + method.offsets[column]
            errors.append((found - transformer.scores(cells)[row, column]).square())
        elif (code := cells.codes[row, column - 3]) >= 0:
            errors.append(functional.cross_entropy(method.categories[column - 3](state), code))
    loss = method(Hidden(cells, hidden))
    torch.testing.assert_close(loss.total, torch.stack(errors).mean())
    assert loss.count == len(errors)


def test_a_hidden_cell_cannot_be_seen(transformer, rows):
    cells = transformer.collate(rows[:4])
    hidden = torch.zeros(4, 5, dtype=torch.bool)
    hidden[:, 0] = True
    before = transformer.embed(cells, ~hidden)
    cells.numbers[:, 0] += 5
    torch.testing.assert_close(transformer.embed(cells, ~hidden), before)


def test_a_batch_in_which_nothing_is_hidden_has_no_loss(transformer, rows):
    method = MaskedCells(MaskedCellsSettings(), transformer)
    loss = method(Hidden(transformer.collate(rows), torch.zeros(60, 5, dtype=torch.bool)))
    loss.total.backward()
    assert (loss.total, loss.count) == (0, 0)


def test_another_encoder_is_refused():
    with pytest.raises(RecipeError, match="need tabular/ft_transformer"):
        MaskedCells(MaskedCellsSettings(), ResNet(ResNetSettings(numbers=("x",), categories={})))
