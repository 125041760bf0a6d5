"""Samples without data take no part in a loss, whatever stands in their rows."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from processes import run_on
from torch import nn
from waves import Waves, signals

from unlabeled.augmentations.views import Views, ViewSettings
from unlabeled.contract import Encoder, Nodes, Output
from unlabeled.errors import ShapeError
from unlabeled.objectives.barlow_twins import BarlowTwins, BarlowTwinsSettings
from unlabeled.objectives.byol import BYOL, BYOLSettings
from unlabeled.objectives.dino import DINO, DINOSettings
from unlabeled.objectives.info_nce import InfoNCE, InfoNCESettings
from unlabeled.pretexts.joint_embedding import JointEmbedding, JointEmbeddingSettings
from unlabeled.pretexts.masked_autoencoder import MaskedAutoencoder, MaskedAutoencoderSettings
from unlabeled.pretexts.masked_latent import MaskedLatent, MaskedLatentSettings
from unlabeled.pretexts.presence import ABSENT, Presence, in_all
from unlabeled.pretexts.self_distillation import SelfDistillation, SelfDistillationSettings
from unlabeled.randomness import Draw
from unlabeled.settings import Settings

GONE = 1000.0
"""An input that is no data: so large that it would show in any loss."""

HEAD = {"prototypes": 6, "projector": (8,)}
OBJECTIVES = {
    "info_nce": lambda: InfoNCE(InfoNCESettings(projector=(4,)), 3),
    "barlow_twins": lambda: BarlowTwins(BarlowTwinsSettings(projector=(4,)), 3),
    "byol": lambda: BYOL(BYOLSettings(projector=(4,), predictor=5), 3),
    "dino": lambda: DINO(DINOSettings(prototypes=6, projector=(4,)), 3),
}


class Line(Encoder):
    settings_type = Settings

    def __init__(self, kind="global"):
        super().__init__(Settings())
        self.outputs = (Output("embedding", kind, 3),)
        self.linear = nn.Linear(2, 3)

    def collate(self, samples):
        return torch.stack(list(samples))

    def _encode(self, batch, output):
        if self.outputs[0].kind == "global":
            return self.linear(batch)
        owner = torch.arange(len(batch)).repeat_interleave(2)
        return Nodes(self.linear(batch[owner]), owner, torch.arange(len(owner)))

    def present(self, batch, output):
        return (batch < GONE).all(dim=1)


def joint(name="info_nce", kind="global", **given):
    torch.manual_seed(0)
    views, objective = Views([ViewSettings(count=2)]), OBJECTIVES[name]()
    chosen = JointEmbeddingSettings(**given)
    return JointEmbedding(chosen, Line(kind), views=views, objective=objective).double()


def samples(count=6):
    drawn = torch.Generator().manual_seed(1)
    return torch.randn(count, 2, generator=drawn, dtype=torch.float64)


def loss_of(method, rows):
    draws = [Draw(0, 0, str(n), 0, f"g{n % 2}") for n in range(len(rows))]
    return method(method.collate([method.example(*pair) for pair in zip(rows, draws, strict=True)]))


def with_gradients(method, rows):
    method.zero_grad()
    loss = loss_of(method, rows)
    loss.total.backward()
    return loss, [p.grad for p in method.parameters() if p.grad is not None]


def close(one, other):
    torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", OBJECTIVES)
@settings(max_examples=15, deadline=None)
@given(values=st.lists(st.floats(GONE, 1e12), min_size=4, max_size=4))
def test_what_stands_in_absent_samples_changes_neither_loss_nor_gradients(name, values):
    rows = samples()
    rows[[0, 3]] = torch.tensor(values, dtype=torch.float64).view(2, 2)
    one, first = with_gradients(joint(name), rows)
    rows[[0, 3]] = 2 * GONE
    other, second = with_gradients(joint(name), rows)
    close(one.total, other.total)
    close(first, second)
    assert one.parts[ABSENT] == 2


@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_loss_is_that_of_the_samples_with_data(name):
    rows = samples()
    rows[[0, 3]] = GONE
    found, gradients = with_gradients(joint(name), rows)
    alone, expected = with_gradients(joint(name), rows[[1, 2, 4, 5]])
    close(found.total, alone.total)
    close(gradients, expected)


def test_nodes_of_an_absent_graph_are_left_out():
    rows = samples()
    rows[2] = GONE
    found, _ = with_gradients(joint(kind="nodes"), rows)
    alone, _ = with_gradients(joint(kind="nodes"), rows[[0, 1, 3, 4, 5]])
    close(found.total, alone.total)


def test_groups_of_negatives_are_those_of_the_samples_with_data():
    rows = samples()
    rows[0] = GONE
    method = joint(negatives="other_groups")
    draws = [Draw(0, 0, str(n), 0, f"g{n % 2}") for n in range(6)]
    made = [method.example(*pair) for pair in zip(rows, draws, strict=True)]
    close(method(method.collate(made)).total, method(method.collate(made[1:])).total)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_too_few_samples_with_data_give_no_loss_and_leave_the_objective_as_it_is(name):
    method, rows = joint(name), samples()
    rows[1:] = GONE
    before = [value.clone() for value in method.objective.buffers()]
    loss, gradients = with_gradients(method, rows)
    method.after_step(0, 10)
    assert loss.total == 0
    assert loss.parts[ABSENT] == 5
    assert all(not gradient.any() for gradient in gradients)
    assert len(gradients) == len([p for p in method.parameters() if p.requires_grad])
    close(list(method.objective.buffers()), before)


def share(rank, counts, name):
    method, rows = joint(name), samples()
    rows[[0, 1, 4]] = GONE
    first = sum(counts[:rank])
    loss, gradients = with_gradients(method, rows[first : first + counts[rank]])
    return loss.total.detach(), loss.parts[ABSENT], gradients


@pytest.mark.parametrize("name", ["info_nce", "dino"])
@pytest.mark.parametrize("counts", [(3, 3), (2, 4)])
def test_absent_samples_are_counted_over_all_processes(name, counts):
    """With (2, 4) the first process has no sample with data."""
    total, absent, gradients = share(0, (6,), name)
    found = run_on(2, share, counts, name)
    for loss, count, _ in found:
        close(loss, total)
        assert count == absent == 3
    for one, two, whole in zip(found[0][2], found[1][2], gradients, strict=True):
        close((one + two) / 2, whole)


class Gauged(Waves):
    """A signal that begins with a large value was not measured, though it has values."""

    def present(self, batch, output):
        return batch[:, 0, 0] < GONE


def distillation():
    torch.manual_seed(0)
    return SelfDistillation(
        SelfDistillationSettings(tokens=HEAD, mask={"ratio": 0.4}),
        Gauged(),
        views=Views([ViewSettings(count=3)]),
        objective=DINO(DINOSettings(**HEAD), 12),
    ).double()


def masked(kind, chosen):
    torch.manual_seed(0)
    return kind(chosen, Gauged()).double()


MASKED = {
    "self_distillation": distillation,
    "masked_autoencoder": lambda: masked(MaskedAutoencoder, MaskedAutoencoderSettings()),
    "masked_latent": lambda: masked(MaskedLatent, MaskedLatentSettings()),
}


@pytest.mark.parametrize("name", MASKED)
def test_masked_methods_leave_absent_samples_out_too(name):
    def measured(scale):
        found = signals(40, 40, 40, 40)
        found[2] = scale * found[2]
        found[2][0] = GONE * scale
        return found

    (one, first), (other, second) = (with_gradients(MASKED[name](), measured(s)) for s in (1, 7))
    close(one.total, other.total)
    close(first, second)
    assert one.total != 0


def test_self_distillation_with_too_few_samples_has_no_loss():
    found = signals(40, 40, 40)
    for each in found:
        each[0] = GONE
    loss, gradients = with_gradients(distillation(), found)
    assert loss.total == 0
    assert all(not gradient.any() for gradient in gradients)


def test_a_batch_that_is_too_small_is_refused_whatever_it_lacks():
    method = distillation()
    assert method.smallest_batch == 2
    with pytest.raises(ShapeError):
        with_gradients(method, signals(40))


def test_presence_in_all_and_in_any():
    one, two = torch.tensor([True, True, False]), torch.tensor([True, False, False])
    assert in_all([one, None, two]).tolist() == [True, False, False]
    assert in_all([None, None]) is None
    assert Presence.in_any([one, two]).rows.tolist() == [True, True, False]
    assert Presence.in_any([one, None]).rows is None
    assert Presence.of_rows(one).enough(2)
    assert not Presence.of_rows(one).enough(3)
    assert Presence().enough(99)
