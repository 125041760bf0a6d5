"""The contract's encoder looks at the output's name before anything is computed."""

import pytest
import torch

from unlabeled.contract import Encoder, Output
from unlabeled.errors import ShapeError
from unlabeled.settings import Settings


class Double(Encoder):
    settings_type = Settings

    def __init__(self):
        super().__init__(Settings())
        self.outputs = (Output("whole", "global", 2), Output("parts", "tokens", 2))
        self.asked = []

    def collate(self, samples):
        return torch.stack(samples)

    def _encode(self, batch, output):
        self.asked.append(output)
        return batch * 2


def test_an_output_that_there_is_not_is_refused_with_the_nearest_name():
    encoder = Double()
    with pytest.raises(ShapeError, match=r"Double has no output 'hole'. Did you mean whole\?"):
        encoder.encode(torch.ones(1, 2), "hole")
    assert encoder.asked == []


def test_forward_is_the_first_output():
    encoder = Double()
    assert torch.equal(encoder(torch.ones(1, 2)), torch.full((1, 2), 2.0))
    assert torch.equal(encoder.encode(torch.ones(1, 2), "parts"), torch.full((1, 2), 2.0))
    assert encoder.asked == ["whole", "parts"]
