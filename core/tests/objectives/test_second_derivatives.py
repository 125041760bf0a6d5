"""Backward passes written by hand know no second derivative: they refuse it, as a wrong one would
be taken for the right one."""

import importlib
import pkgutil

import pytest
import torch
from losses import total
from processes import run_on
from torch.autograd import Function

import unlabeled.distributed
import unlabeled.objectives
from unlabeled.distributed import all_reduce_sum, gather_rows
from unlabeled.objectives.barlow_twins import barlow_twins_loss
from unlabeled.objectives.byol import byol_loss
from unlabeled.objectives.cosine import unit_rows
from unlabeled.objectives.info_nce import info_nce_loss
from unlabeled.objectives.nt_xent import nt_xent_loss
from unlabeled.objectives.soft_cross_entropy import TINY, soft_cross_entropy

TARGET = torch.softmax(torch.randn(2, TINY), dim=1)

USES = {
    "_UnitRows": lambda x: unit_rows(x).pow(2).sum(dim=1)[0],
    "_Cosines": lambda x: byol_loss(x, x.roll(1, 0)),
    "_SumOfExcesses": lambda x: nt_xent_loss(x, x + 1),
    "_BothWays": lambda x: info_nce_loss([x, x + 1]),
    "_GramEnergy": lambda x: barlow_twins_loss(x, x + 1),
    "_SoftCrossEntropy": lambda x: soft_cross_entropy(x, TARGET, 0.1).sum(),
}
SHAPES = {"_SoftCrossEntropy": (2, TINY), "_GramEnergy": (4, 64)}
TOGETHER = {"_GatherRows": gather_rows, "_AllReduceSum": all_reduce_sum}


def twice(function, shape):
    x = torch.randn(shape, requires_grad=True)
    (gradient,) = torch.autograd.grad(total(function(x)), x, create_graph=True)
    with pytest.raises(RuntimeError, match="found a second one"):
        gradient.square().sum().backward()


@pytest.mark.parametrize("name", USES)
def test_it_refuses_a_second_derivative(name):
    twice(USES[name], SHAPES.get(name, (4, 3)))


def twice_together(rank):
    for function in TOGETHER.values():
        twice(lambda x, function=function: function(x).square().sum(), (2, 3))
    return rank


def test_what_joins_processes_refuses_it():
    assert run_on(2, twice_together) == [0, 1]


def test_none_is_forgotten():
    folder = unlabeled.objectives
    names = [f"{folder.__name__}.{each.name}" for each in pkgutil.iter_modules(folder.__path__)]
    modules = [*map(importlib.import_module, names), unlabeled.distributed]
    written = {
        name
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, Function) and value is not Function
    }
    assert written == USES.keys() | TOGETHER.keys()
