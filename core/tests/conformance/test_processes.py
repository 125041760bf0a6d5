import os

import pytest
import torch

from unlabeled.conformance.check import Violation
from unlabeled.conformance.processes import on_two_processes
from unlabeled.distributed import all_reduce_sum, world_size


def share(rank, factor):
    return rank, world_size(), float(all_reduce_sum(torch.tensor(factor * (rank + 1))))


def fail_on_one(rank):
    if rank == 1:
        raise ValueError("the second has a headache")
    return float(all_reduce_sum(torch.ones(())))


def die_on_one(rank):
    if rank == 1:
        os._exit(3)
    return float(all_reduce_sum(torch.ones(())))


def test_both_answer_in_rank_order():
    assert on_two_processes(share, 2.0) == [(0, 2, 6.0), (1, 2, 6.0)]


@pytest.mark.parametrize(
    ("function", "seen"), [(fail_on_one, "rank 1.*headache"), (die_on_one, "rank 1.*died")]
)
def test_one_that_fails_ends_both_at_once(function, seen):
    with pytest.raises(Violation, match=f"(?s){seen}"):
        on_two_processes(function)
