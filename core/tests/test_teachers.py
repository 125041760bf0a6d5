import copy

import pytest
import torch
from torch import nn

from unlabeled.contract import Encoder, Output
from unlabeled.heads import mlp
from unlabeled.settings import Settings
from unlabeled.teachers import Teacher, TeacherSettings


class Small(Encoder):
    settings_type = Settings

    def __init__(self) -> None:
        super().__init__(Settings())
        self.outputs = (Output("global", "global", 4),)
        self.register_buffer("scale", torch.ones(()))
        self.net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5))

    def collate(self, samples):
        return torch.stack(list(samples))

    def _encode(self, batch, output):
        return self.net(batch * self.scale)


def build(**settings):
    torch.manual_seed(0)
    encoder, projector = Small(), mlp((4, 5, 2))
    return encoder, projector, Teacher(TeacherSettings(**settings), encoder, projector)


def move(*modules):
    with torch.no_grad():
        for module in modules:
            for parameter in module.parameters():
                parameter.add_(torch.randn_like(parameter))


def test_it_is_a_copy_that_never_gets_a_gradient():
    encoder, projector, teacher = build()
    assert not any(parameter.requires_grad for parameter in teacher.parameters())
    assert all(parameter.requires_grad for parameter in encoder.parameters())
    target = teacher(torch.randn(6, 3))
    assert not target.requires_grad
    assert target.shape == (6, 2)
    keys = [f"encoder.{k}" for k in encoder.state_dict()]
    keys += [f"projector.{k}" for k in projector.state_dict()]
    assert list(teacher.state_dict()) == keys  # the student is not registered a second time


@pytest.mark.parametrize("step", [0, 3, 9])
def test_an_update_is_the_moving_average(step):
    encoder, projector, teacher = build(momentum=0.9, final_momentum=1.0)
    before = [p.clone() for p in teacher.parameters()]
    move(encoder, projector)
    teacher.update(step, 10)
    m = 1 - 0.1 * (1 + torch.cos(torch.tensor(torch.pi * step / 9))) / 2
    assert teacher.momentum(step, 10) == pytest.approx(m.item())
    student = [*encoder.parameters(), *projector.parameters()]
    for old, theirs, new in zip(before, student, teacher.parameters(), strict=True):
        torch.testing.assert_close(new, m * old + (1 - m) * theirs.detach())


def test_momentum_one_is_frozen_and_zero_copies():
    for momentum in (1.0, 0.0):
        encoder, projector, teacher = build(momentum=momentum, final_momentum=momentum)
        before = copy.deepcopy(list(teacher.parameters()))
        move(encoder, projector)
        teacher.update(0, 10)
        student = [*encoder.parameters(), *projector.parameters()]
        expected = before if momentum else student
        for mine, theirs in zip(teacher.parameters(), expected, strict=True):
            assert torch.equal(mine, theirs)


def test_buffers_are_those_of_the_student():
    encoder, _, teacher = build(batch_norm="running")
    x = torch.randn(6, 3)
    before = teacher(x)
    encoder.scale.fill_(3.0)
    encoder.net[1].running_mean.fill_(2.0)
    after = teacher(x)
    assert not torch.allclose(before, after)
    assert teacher.encoder.scale == 3.0
    assert torch.equal(teacher.encoder.net[1].running_mean, encoder.net[1].running_mean)


@pytest.mark.parametrize("batch_norm", ["batch", "running"])
def test_it_has_no_dropout_and_the_batch_norm_that_was_asked_for(batch_norm):
    _, _, teacher = build(batch_norm=batch_norm)
    holder = nn.ModuleList([teacher]).train()
    x = torch.randn(6, 3)
    assert torch.equal(teacher(x), teacher(x))
    depends_on_the_batch = not torch.allclose(teacher(x)[:3], teacher(x[:3]), atol=1e-4)
    assert depends_on_the_batch == (batch_norm == "batch")
    holder.eval()
    assert torch.allclose(teacher(x)[:3], teacher(x[:3]), atol=1e-5)


def test_a_deep_copy_follows_its_own_student():
    encoder, projector, teacher = build(momentum=0.0, final_momentum=0.0)
    together = nn.ModuleList([encoder, projector, teacher])
    twin = copy.deepcopy(together)
    move(twin[0], twin[1])
    twin[2].update(0, 1)
    assert torch.equal(twin[2].encoder.net[0].weight, twin[0].net[0].weight)
    assert not torch.equal(twin[2].encoder.net[0].weight, encoder.net[0].weight)
