import numpy as np
import pytest
import torch

from unlabeled.contract import Nodes, Output, Tokens
from unlabeled.errors import UsageError
from unlabeled.inference.encoding import choose_output, pieces

OUTPUTS = (Output("clip", "global", 4), Output("frames", "tokens", 4))


def test_the_first_output_is_the_default():
    assert choose_output(OUTPUTS, None).name == "clip"
    assert choose_output(OUTPUTS, "frames").name == "frames"
    with pytest.raises(UsageError, match=r"'frame'. There are: clip \(global\), frames \(tokens\)"):
        choose_output(OUTPUTS, "frame")


def test_absent_tokens_fall_out_and_positions_keep_their_precision():
    values = torch.arange(12.0).reshape(2, 3, 2)
    valid = torch.tensor([[True, False, True], [False, False, False]])
    position = torch.full((2, 3, 2), 512345.678901, dtype=torch.float64)
    first, second = pieces(Tokens(values, valid, position), 2)
    assert first.values.tolist() == [[0, 1], [4, 5]]
    assert first.position.tolist() == [[512345.678901] * 2] * 2
    assert second.values.shape == (0, 2)


def test_nodes_go_to_their_owners_in_any_order():
    nodes = Nodes(torch.arange(4.0)[:, None], torch.tensor([1, 0, 1, 2]), torch.arange(4))
    found = pieces(nodes, 4)
    assert [piece.values.ravel().tolist() for piece in found] == [[1], [0, 2], [3], []]
    assert found[1].node.tolist() == [0, 2]


def test_half_precision_becomes_float32():
    (piece,) = pieces(torch.ones(1, 3, dtype=torch.bfloat16), 1)
    assert piece.values.dtype == np.float32
