from dataclasses import dataclass

import pytest
import torch
from processes import run_on
from torch import Tensor, nn

from unlabeled.augmentations.views import Views, ViewSettings
from unlabeled.contract import Encoder, Output
from unlabeled.errors import RecipeError, ShapeError
from unlabeled.objectives.mixed_barlow_twins import (
    MixedBarlowTwins as Objective,
)
from unlabeled.objectives.mixed_barlow_twins import (
    MixedBarlowTwinsSettings as ObjectiveSettings,
)
from unlabeled.objectives.mixed_barlow_twins import (
    mixed_barlow_twins_loss,
)
from unlabeled.objectives.vicreg import VICReg, VICRegSettings
from unlabeled.pretexts.mixed_barlow_twins import (
    MixedBarlowTwins,
    MixedBarlowTwinsSettings,
    mixed,
    partners,
)
from unlabeled.randomness import Draw
from unlabeled.settings import Settings


class Line(Encoder):
    settings_type = Settings

    def __init__(self):
        super().__init__(Settings())
        self.outputs = (Output("embedding", "global", 3),)
        self.linear = nn.Linear(2, 3)

    def collate(self, samples):
        return torch.stack(list(samples))

    def _encode(self, batch, output):
        return self.linear(batch)


def method(views=2, objective=None):
    torch.manual_seed(0)
    return MixedBarlowTwins(
        MixedBarlowTwinsSettings(),
        Line(),
        views=Views([ViewSettings(count=views)]),
        objective=objective or Objective(ObjectiveSettings(projector=(4,)), 3),
    ).double()


def batch(pretext, numbers):
    rows = torch.randn(6, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    made = [pretext.example(rows[n], Draw(0, 0, str(n), 0, "")) for n in numbers]
    return pretext.collate(made)


def test_the_third_view_is_the_mix_that_the_objective_is_told():
    pretext = method()
    made = batch(pretext, range(6))
    x, share = made.views[0].batch, made.plans[:, :1].float().double()
    order = made.plans[:, 1].argsort().tolist()
    partner = torch.tensor([order[(order.index(n) + 1) % 6] for n in range(6)])
    third = share * x + (1 - share) * x[partner]
    a, mix = (pretext.objective.projector(pretext.encoder.linear(view)) for view in (x, third))
    expected = mixed_barlow_twins_loss(a, a, mix, share=share[:, 0], partner=partner)
    torch.testing.assert_close(pretext(made).total, expected.total, rtol=1e-10, atol=1e-10)


def test_nobody_is_mixed_with_itself_and_everybody_is_a_partner():
    places = torch.rand(9, generator=torch.Generator().manual_seed(1))
    partner = partners(places)
    assert sorted(partner.tolist()) == list(range(9))
    assert (partner != torch.arange(9)).all()
    # Whoever stands on the circle keeps its partner, in whatever order the batch comes.
    order = torch.randperm(9, generator=torch.Generator().manual_seed(2))
    again = order[partners(places[order])]
    assert torch.equal(again, partner[order])


@dataclass
class Clips:
    values: dict[str, Tensor]
    valid: Tensor
    length: Tensor


class Gapped(Line):
    """A sample of zeros has no data."""

    def present(self, batch, output):
        return (batch != 0).any(1)


def test_samples_without_data_are_mixed_into_nobody_and_count_nowhere():
    pretext = method()
    gapped = Gapped()
    gapped.load_state_dict(pretext.encoder.state_dict())
    pretext.encoder = gapped.double()
    whole = batch(pretext, range(6))
    rows = torch.tensor([0, 2, 3, 5])
    alone = batch(pretext, rows.tolist())
    for view in whole.views:
        view.batch[[1, 4]] = 0
    expected, found = pretext(alone), pretext(whole)
    torch.testing.assert_close(found.total, expected.total)
    assert found.parts["absent"] == 2
    for view in whole.views:
        view.batch[rows] = 0
    assert pretext(whole).count == 0
    given = partners(torch.tensor([0.1, 0.2, 0.3]), torch.tensor([True, False, True]))
    assert given.tolist() == [2, 1, 0]


def test_every_kind_of_tensor_is_mixed_in_its_own_way():
    a = Clips({"x": torch.tensor([[1.0], [3.0]])}, torch.tensor([True, True]), torch.tensor([4, 2]))
    b = Clips(
        {"x": torch.tensor([[5.0], [7.0]])}, torch.tensor([True, False]), torch.tensor([1, 9])
    )
    mix = mixed(a, b, torch.tensor([0.25, 1.0]), torch.tensor([1, 0]))
    assert mix.values["x"].tolist() == [[0.25 * 1 + 0.75 * 7], [3.0]]
    assert mix.valid.tolist() == [False, True]
    assert mix.length.tolist() == [4, 1]


def test_rows_that_are_no_samples_are_refused():
    nodes = torch.rand(5, 3)  # of two graphs
    with pytest.raises(ShapeError, match=r"\(5, 3\) for 2 samples. Graphs"):
        mixed(nodes, nodes, torch.rand(2), torch.tensor([1, 0]))


def test_views_of_different_size_are_refused():
    with pytest.raises(ShapeError, match=r"found \(2, 3\) and \(2, 4\)"):
        mixed(torch.ones(2, 3), torch.ones(2, 4), torch.ones(2), torch.tensor([1, 0]))


def test_batches_that_cannot_be_mixed_are_refused():
    with pytest.raises(ShapeError, match="found list"):
        mixed([1], [2], torch.ones(1), torch.tensor([0]))


def test_three_views_are_refused():
    with pytest.raises(RecipeError, match="takes 2 views; found 3"):
        method(views=3)


def test_another_objective_is_refused():
    with pytest.raises(RecipeError, match="needs mixed_barlow_twins"):
        method(objective=VICReg(VICRegSettings(), 3))


def _gradient(rank, parts):
    pretext = method()
    loss = pretext(batch(pretext, parts[rank])).total
    loss.backward()
    return loss.detach(), torch.cat([p.grad.flatten() for p in pretext.parameters()])


def test_two_processes_equal_one():
    loss, gradient = _gradient(0, [range(6)])
    ranks = run_on(2, _gradient, [[0, 1], [2, 3, 4, 5]])
    for value, _ in ranks:
        torch.testing.assert_close(value, loss, rtol=1e-9, atol=1e-9)
    mean = sum(g for _, g in ranks) / 2
    torch.testing.assert_close(mean, gradient, rtol=1e-9, atol=1e-9)


PADDED = torch.tensor([[1.0, 2, 3, 4], [5, 6, 7, 8], [1, 1, 0, 0], [2, 2, 0, 0]])


def _mixed_of_rank(rank, rows, width):
    own = PADDED[rows[rank], : width[rank]]
    partner = torch.tensor([3, 2, 1, 0])[rows[rank]]
    return mixed(own, own, torch.full((len(own),), 0.5), partner)


def test_processes_may_have_padded_to_different_lengths():
    joint = _mixed_of_rank(0, [slice(0, 4)], [4])
    long, short = run_on(2, _mixed_of_rank, [slice(0, 2), slice(2, 4)], [4, 2])
    torch.testing.assert_close(long, joint[:2])
    torch.testing.assert_close(short, joint[2:, :2])
