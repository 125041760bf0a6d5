import pytest
import torch
from processes import run_on
from torch import nn

from unlabeled.augmentations.views import Views, ViewSettings
from unlabeled.contract import Encoder, Output
from unlabeled.errors import RecipeError
from unlabeled.objectives.barlow_twins import BarlowTwins, BarlowTwinsSettings
from unlabeled.objectives.byol import BYOL, BYOLSettings
from unlabeled.objectives.info_nce import InfoNCE, InfoNCESettings, info_nce_loss
from unlabeled.objectives.vicreg import VICReg, VICRegSettings
from unlabeled.pretexts.cross_modal import CrossModal, CrossModalSettings
from unlabeled.randomness import Draw
from unlabeled.settings import Settings

PARTS = {"radar": slice(0, 2), "optical": slice(2, 6), "thermal": slice(6, 9)}

LARGE = 1000.0


class ThreeSensors(Encoder):
    """A sensor that a sample lacks holds nothing but large numbers, of which none may count."""

    settings_type = Settings

    def __init__(self):
        super().__init__(Settings())
        self.outputs = (
            *(Output(name, "global", 3) for name in PARTS),
            Output("tokens", "tokens", 3),
            Output("wide", "global", 5),
        )
        self.radar, self.optical, self.thermal = nn.Linear(2, 3), nn.Linear(4, 3), nn.Linear(3, 3)

    def collate(self, samples):
        return torch.stack(list(samples))

    def _encode(self, batch, output):
        return getattr(self, output)(batch[:, PARTS[output]])

    def present(self, batch, output):
        return (batch[:, PARTS[output]] < LARGE).all(dim=1)


def pretext(views=1, objective=None, **settings):
    torch.manual_seed(0)
    return CrossModal(
        CrossModalSettings(**{"outputs": ["radar", "optical"], **settings}),
        ThreeSensors(),
        views=Views([ViewSettings(count=views)]),
        objective=objective or InfoNCE(InfoNCESettings(projector=(4,)), 3),
    )


def batch(method, groups="aab"):
    samples = torch.randn(3, 9, generator=torch.Generator().manual_seed(0))
    draws = [Draw(0, 0, str(n), 0, group) for n, group in enumerate(groups)]
    return method.collate([method.example(s, d) for s, d in zip(samples, draws, strict=True)])


@pytest.mark.parametrize("negatives", ["all", "other_groups"])
def test_the_objective_compares_the_sensors(negatives):
    method = pretext(negatives=negatives)
    made = batch(method)
    groups = torch.tensor([0, 0, 1]) if negatives == "other_groups" else None
    seen = made.views[0].batch
    outputs = [method.encoder.radar(seen[:, :2]), method.encoder.optical(seen[:, 2:6])]
    [objective] = method.objectives
    expected = info_nce_loss([objective.projector(o) for o in outputs], groups=groups)
    loss = method(made)
    torch.testing.assert_close(loss.total, expected.total)
    loss.total.backward()
    unused = {id(p) for p in method.encoder.thermal.parameters()}
    assert all(p.grad.abs().sum() > 0 for p in method.parameters() if id(p) not in unused)


def test_steps_reach_the_objective():
    method = pretext(objective=InfoNCE(InfoNCESettings(projector=(4,), queue=5), 3))
    method(batch(method))
    method.after_step(0, 10)
    assert int(method.objectives[0].queued) == 3


ALL = {"outputs": list(PARTS)}


def samples(count=6, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, 9, generator=generator, dtype=torch.float64)


def lacking(rows, sensor, found):
    """`found` without a sensor in some rows."""
    changed = found.clone()
    changed[rows, PARTS[sensor]] = LARGE
    return changed


def loss_of(method, rows):
    draws = [Draw(0, 0, str(n), 0, "") for n in range(len(rows))]
    return method(method.collate([method.example(*pair) for pair in zip(rows, draws, strict=True)]))


def make(name):
    torch.manual_seed(0)
    objectives = {
        "info_nce": InfoNCE(InfoNCESettings(projector=(4,)), 3),
        "vicreg": VICReg(VICRegSettings(projector=(4,)), 3),
        "barlow_twins": BarlowTwins(BarlowTwinsSettings(projector=(4,)), 3),
    }
    return pretext(objective=objectives[name], **ALL).double()


@pytest.mark.parametrize("name", ["info_nce", "vicreg", "barlow_twins"])
def test_pairs_are_made_of_the_samples_that_have_both(name):
    """Each sensor is hidden once and compared with its rows left out."""
    method, whole = make(name), samples()
    for sensor in PARTS:
        found = loss_of(method, lacking([0, 2], sensor, whole)).parts
        left_out = loss_of(method, whole[[1, 3, 4, 5]]).parts
        untouched = loss_of(method, whole).parts
        for pair, value in found.items():
            expected = left_out if sensor in pair else untouched
            torch.testing.assert_close(value, expected[pair], rtol=1e-9, atol=1e-9)


def test_absent_sensors_have_no_gradient_and_no_part_in_it():
    method, whole = make("info_nce"), samples()
    loss_of(method, lacking(slice(3), "radar", whole)).total.backward()
    assert all(p.grad.isfinite().all() for p in method.parameters())
    alone = method.encoder.radar.weight.grad.clone()
    method.zero_grad()
    parts = loss_of(method, whole[3:]).parts
    ((parts["radar-optical"] + parts["radar-thermal"]) / 3).backward()
    torch.testing.assert_close(method.encoder.radar.weight.grad, alone)


def test_a_pair_that_too_few_samples_have_is_left_out_of_the_mean():
    method = make("info_nce")
    rows = lacking(slice(5), "radar", samples())
    loss = loss_of(method, rows)
    assert loss.parts["radar-optical"] == loss.parts["radar-thermal"] == 0
    torch.testing.assert_close(loss.total, loss.parts["optical-thermal"])
    loss.total.backward()
    assert all(p.grad is not None for p in method.parameters())


def test_the_mean_over_pairs_of_three_whole_sensors():
    method, whole = make("info_nce"), samples()
    projector = method.objectives[0].projector
    rows = [projector(method.encoder.encode(whole, name)) for name in PARTS]
    pairs = [info_nce_loss([rows[i], rows[j]]).total for i, j in ((0, 1), (0, 2), (1, 2))]
    torch.testing.assert_close(loss_of(method, whole).total, sum(pairs) / 3)


def test_pairs_share_the_projector_and_nothing_else():
    method = pretext(
        objective=InfoNCE(InfoNCESettings(projector=(4,), queue=9, learn_temperature=True), 3),
        **ALL,
    )
    one, two, _ = method.objectives
    assert one.projector is two.projector
    assert one.log_scale is not two.log_scale
    loss_of(method, lacking(slice(2), "radar", samples().float()))
    method.after_step(0, 10)
    assert [int(each.queued) for each in method.objectives] == [4, 4, 6]


def share(rank, counts):
    method = make("info_nce")
    rows = lacking([0, 1, 4], "radar", samples())
    first = sum(counts[:rank])
    loss = loss_of(method, rows[first : first + counts[rank]])
    loss.total.backward()
    return loss.total.detach(), [p.grad for p in method.parameters()]


@pytest.mark.parametrize("counts", [(3, 3), (2, 4)])
def test_pairs_are_those_of_the_joint_batch(counts):
    """With (2, 4) the first process has no radar at all."""
    total, gradients = share(0, (6,))
    totals, shares = zip(*run_on(2, share, counts), strict=True)
    for found in totals:
        torch.testing.assert_close(found, total, rtol=1e-9, atol=1e-9)
    for one, two, whole in zip(*shares, gradients, strict=True):
        torch.testing.assert_close((one + two) / 2, whole, rtol=1e-9, atol=1e-9)


def test_two_views_are_refused():
    with pytest.raises(RecipeError, match="takes 1 view; found 2"):
        pretext(views=2)


def test_an_objective_with_a_teacher_is_refused():
    with pytest.raises(RecipeError, match="has no teacher"):
        pretext(objective=BYOL(BYOLSettings(), 3))


def test_outputs_that_cannot_be_compared_are_refused_naming_those_that_can():
    with pytest.raises(RecipeError, match="width 3, radar, optical, thermal; found tokens, wide"):
        pretext(outputs=["radar", "tokens", "wide"])
