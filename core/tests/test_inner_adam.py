"""A part of a method that takes steps of its own."""

import copy

import pytest
import torch
from processes import run_on
from torch import nn

from unlabeled.distributed import global_mean
from unlabeled.inner_adam import InnerAdam


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)).double()


def rows(step, count=6):
    return torch.randn(count, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(step))


def test_its_steps_are_those_of_adam():
    plain = network()
    inner = InnerAdam(copy.deepcopy(plain), lr=0.01).double()
    adam = torch.optim.Adam(plain.parameters(), lr=0.01)
    for step in range(5):
        adam.zero_grad()
        plain(rows(step)).square().mean().backward()
        adam.step()
        inner.step(inner(rows(step)).square().mean())
    for one, other in zip(plain.parameters(), inner.module.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=0)


def test_nothing_but_a_step_moves_it():
    inner = InnerAdam(network(), lr=0.01)
    assert not [p for p in inner.parameters() if p.requires_grad]
    loss = inner(rows(0)).square().mean()
    loss.backward()
    assert not [p for p in inner.parameters() if p.grad is not None]


def test_what_it_remembers_is_saved():
    one = InnerAdam(network(), lr=0.01)
    one.step(one(rows(0)).square().mean())
    other = InnerAdam(network(), lr=0.01)
    other.load_state_dict(one.state_dict())
    for inner in (one, other):
        inner.step(inner(rows(1)).square().mean())
    for name, value in one.state_dict().items():
        assert torch.equal(value, other.state_dict()[name]), name


def test_gradients_of_several_calls_add_up():
    plain = network()
    inner = InnerAdam(copy.deepcopy(plain), lr=0.01)
    found = inner(rows(0)).mean() + inner(rows(1)).mean()
    inner.step(found)
    joint = InnerAdam(plain, lr=0.01)
    joint.step(joint(torch.cat([rows(0), rows(1)])).mean() * 2)
    for one, other in zip(inner.module.parameters(), joint.module.parameters(), strict=True):
        torch.testing.assert_close(one, other)


def test_a_step_before_the_first_call_is_refused():
    inner = InnerAdam(network(), lr=0.01)
    with torch.no_grad():
        inner(rows(0))
    with pytest.raises(RuntimeError, match="gradients enabled"):
        inner.step(torch.zeros(()))


def stepped(rank, count=2):
    """The weights after two steps on this process's share of six rows."""
    inner = InnerAdam(network(), lr=0.01)
    for step in range(2):
        mine = rows(step)[rank::count]
        inner.step(global_mean(inner(mine).square()))
    return [weight.detach() for weight in inner.module.parameters()]


def test_two_processes_take_the_same_step_as_one():
    alone = stepped(0, 1)
    for found in run_on(2, stepped):
        for one, other in zip(alone, found, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)
