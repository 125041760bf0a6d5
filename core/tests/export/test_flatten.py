from dataclasses import dataclass, field

import torch

from unlabeled.contract import Nodes, Tokens
from unlabeled.export.flatten import named, tensors_in, unflatten


@dataclass
class Inner:
    values: torch.Tensor
    rate: int


@dataclass
class Outer:
    first: Inner
    rest: tuple
    extra: dict
    absent: None = None


def batch():
    inner = Inner(torch.zeros(2), 8000)
    return Outer(inner, (torch.ones(1), [torch.ones(3)]), {"mask": torch.zeros(4)})


def test_tensors_are_found_by_place_in_order():
    found = tensors_in(batch())
    assert list(found) == ["first_values", "rest_0", "rest_1_0", "extra_mask"]
    assert [len(tensor) for tensor in found.values()] == [2, 1, 3, 4]
    assert list(tensors_in(torch.zeros(1))) == ["input"]


def test_a_rebuilt_batch_has_the_other_tensors_and_everything_else():
    original = batch()
    others = [torch.full_like(tensor, 7) for tensor in tensors_in(original).values()]
    again = unflatten(original, iter(others))
    assert (again.first.rate, again.absent) == (8000, None)
    assert all(torch.equal(a, b) for a, b in zip(tensors_in(again).values(), others, strict=True))
    assert original.first.values.sum() == 0


def test_outputs_are_named_by_kind():
    one = torch.zeros(1)
    assert list(named(one)) == ["embedding"]
    tokens = ["embedding", "embedding_valid", "embedding_position"]
    assert list(named(Tokens(one, one, one))) == tokens
    assert list(named(Nodes(one, one, one))) == ["embedding", "embedding_owner", "embedding_id"]


def test_what_a_constructor_does_not_take_is_derived_again():
    @dataclass
    class Derived:
        values: torch.Tensor
        cache: torch.Tensor | None = field(default=None, init=False)

    original = Derived(torch.zeros(2))
    original.cache = torch.ones(2)
    assert list(tensors_in(original)) == ["values"]
    assert unflatten(original, iter([torch.ones(2)])).cache is None
