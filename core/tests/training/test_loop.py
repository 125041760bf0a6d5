"""The loop does what a handful of plain lines would do."""

import pytest
import torch
from lightning_fabric import Fabric
from torch import nn

from unlabeled.contract import Loss
from unlabeled.training.environment import default_dtype
from unlabeled.training.loop import Trainer
from unlabeled.training.optimisers import build_optimiser, build_schedule
from unlabeled.training.settings import TrainingSettings


class Squares(nn.Module):
    """A regression that notes what is called after each step."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Linear(3, 1)
        self.stepped = []

    def forward(self, batch):
        error = self.layer(batch).square().mean()
        return Loss(error, {"error": error, "constant": torch.tensor(2.0)}, count=len(batch))

    def after_step(self, step, total_steps):
        self.stepped.append((step, total_steps))


@pytest.fixture(autouse=True)
def float64():
    with default_dtype("64"):
        yield


def trainer(total=4, **changes):
    settings = TrainingSettings(steps=total, optimiser={"name": "sgd"}, **changes)
    fabric = Fabric(accelerator="cpu", devices=1, precision="64-true")
    method = Squares()
    wrapped = fabric.setup(method, build_optimiser(settings.optimiser, method))
    rate = build_schedule(settings.schedule, total)
    return Trainer(fabric, *wrapped, rate, total, settings.accumulate, settings.clip)


BATCHES = torch.randn(8, 6, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def plain_weights(batches, clip=None):
    method = Squares().double()
    settings = TrainingSettings(steps=len(batches), optimiser={"name": "sgd"})
    optimiser = build_optimiser(settings.optimiser, method)
    rate = build_schedule(settings.schedule, len(batches))
    norms = []
    for step, batch in enumerate(batches):
        for group in optimiser.param_groups:
            group["lr"] = 0.1 * rate(step)
        method(batch).total.backward()
        norm = torch.cat([p.grad.ravel() for p in method.parameters()]).norm()
        norms.append(float(norm))
        if clip is not None and norm > clip:
            for parameter in method.parameters():
                parameter.grad *= clip / norm
        optimiser.step()
        optimiser.zero_grad()
    return method.layer.weight.detach(), norms


@pytest.mark.parametrize("clip", [None, 0.05, 100.0])
def test_it_equals_plain_lines(clip):
    expected, norms = plain_weights(BATCHES, clip)
    ours = trainer(8, clip=clip)
    seen = []
    done = ours.fit(iter(BATCHES), after_step=lambda *row: seen.append(row))
    assert done == 8
    assert ours.pretext.stepped == [(step, 8) for step in range(8)]
    assert [row[0] for row in seen] == list(range(1, 9))
    # Clipping divides by the norm plus 1e-6.
    tolerance = 1e-5 if clip == 0.05 else 1e-12
    assert [float(row[2]) for row in seen] == pytest.approx(norms, rel=tolerance)
    torch.testing.assert_close(ours.pretext.layer.weight.detach(), expected, atol=tolerance, rtol=0)


def test_accumulated_batches_equal_one_large_batch():
    expected, _ = plain_weights(BATCHES.reshape(4, 12, 3))
    ours = trainer(4, accumulate=2)
    losses = []
    ours.fit(iter(BATCHES), after_step=lambda _, loss, __: losses.append(loss))
    torch.testing.assert_close(ours.pretext.layer.weight.detach(), expected, atol=1e-12, rtol=0)
    first = Squares().double()(BATCHES.reshape(4, 12, 3)[0])
    torch.testing.assert_close(losses[0].total, first.total.detach(), atol=1e-12, rtol=0)
    torch.testing.assert_close(losses[0].parts["constant"], torch.tensor(2.0))


def test_it_starts_and_stops_where_it_is_told():
    ours = trainer(8)
    done = ours.fit(iter(BATCHES), start=3, after_step=lambda step, *_: step == 5)
    assert done == 5
    assert ours.pretext.stepped == [(3, 8), (4, 8)]


def test_without_anybody_watching_no_norm_is_taken():
    loss, norm = trainer().step(0, iter(BATCHES), measure=False)
    assert norm is None
    assert loss.total.isfinite()
