import math

import pytest
import torch
import torch.nn.functional as F

from unlabeled.encoders.positions import (
    LearnedPositions,
    extents,
    grid_positions,
    sine_positions,
)


def test_sine_code_is_that_of_the_formula():
    code = sine_positions((2, 3), 12)[0]
    for token, (row, column) in enumerate(grid_positions((2, 3)).tolist()):
        for axis, place in enumerate((row, column)):
            for k in range(3):
                angle = place / 10_000 ** (k / 3)
                assert code[token, 6 * axis + k] == pytest.approx(math.sin(angle), abs=1e-6)
                assert code[token, 6 * axis + 3 + k] == pytest.approx(math.cos(angle), abs=1e-6)


def test_sine_code_of_a_place_does_not_depend_on_the_grid():
    small, large = sine_positions((4,), 8)[0], sine_positions((9,), 8)[0]
    assert torch.equal(large[:4], small)


def test_width_that_does_not_divide_is_filled_with_zeros():
    code = sine_positions((2, 2, 2), 16)[0]
    assert (code[:, 12:] == 0).all()


@pytest.mark.parametrize("mode", ["linear", "bilinear", "trilinear"])
def test_larger_inputs_stretch_the_table_as_torch_interpolates(mode):
    rank = ("linear", "bilinear", "trilinear").index(mode) + 1
    learned, wanted = (3, 2, 4)[:rank], (7, 5, 4)[:rank]
    positions = LearnedPositions(learned, 6)
    stretched = positions(wanted, torch.tensor([wanted]))
    table = positions.table.movedim(-1, 0).unsqueeze(0)
    expected = F.interpolate(table, wanted, mode=mode).flatten(2).transpose(1, 2)
    torch.testing.assert_close(stretched, expected)


def test_smaller_inputs_take_the_first_places():
    positions = LearnedPositions((3, 4), 5)
    few = positions((2, 3), torch.tensor([[2, 3]]))
    assert torch.equal(few[0], positions.table[:2, :3].reshape(6, 5))


def test_each_sample_is_stretched_by_its_own_extent():
    positions = LearnedPositions((3,), 5)
    both = positions((6,), torch.tensor([[6], [4]]))
    torch.testing.assert_close(both[:1], positions((6,), torch.tensor([[6]])))
    torch.testing.assert_close(both[1, :4], positions((4,), torch.tensor([[4]]))[0])


def test_extents_reach_to_the_last_valid_token():
    valid = torch.zeros(2, 2, 3, dtype=torch.bool)
    valid[0, 0, 1] = valid[1, 1, 2] = valid[1, 0, 0] = True
    assert extents(valid.flatten(1), (2, 3)).tolist() == [[1, 2], [2, 3]]
