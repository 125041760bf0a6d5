import pytest
import torch

from unlabeled.pretexts.negative_groups import join_negative_groups, negative_group
from unlabeled.randomness import Draw


@pytest.mark.parametrize(
    ("negatives", "groups", "items", "same"),
    [
        ("other_groups", "abb", "xyz", [(1, 2)]),
        ("other_items", "abb", "xyx", [(0, 2)]),
        ("other_groups", ["", "", "b"], "xyz", []),
        ("other_groups", ["", "", "b"], "xxz", [(0, 1)]),
    ],
)
def test_who_is_kin(negatives, groups, items, same):
    draws = [Draw(0, 0, item, 0, group) for item, group in zip(items, groups, strict=True)]
    numbers = join_negative_groups([negative_group(draw, negatives) for draw in draws])
    pairs = [(i, j) for i in range(3) for j in range(i + 1, 3) if numbers[i] == numbers[j]]
    assert numbers.dtype == torch.int64
    assert pairs == same


def test_with_all_as_negatives_there_are_no_numbers():
    assert (
        join_negative_groups([negative_group(Draw(0, 0, item, 0, ""), "all") for item in "xx"])
        is None
    )
