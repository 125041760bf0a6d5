import pytest
import torch
from torch import nn

from unlabeled.augmentations.views import Views, ViewSettings
from unlabeled.contract import Encoder, Output
from unlabeled.errors import RecipeError
from unlabeled.objectives.byol import BYOL, BYOLSettings
from unlabeled.objectives.info_nce import InfoNCE, InfoNCESettings, info_nce_loss
from unlabeled.pretexts.cross_modal import CrossModal, CrossModalSettings
from unlabeled.randomness import Draw
from unlabeled.settings import Settings


class TwoSensors(Encoder):
    settings_type = Settings

    def __init__(self):
        super().__init__(Settings())
        self.outputs = (
            Output("radar", "global", 3),
            Output("optical", "global", 3),
            Output("tokens", "tokens", 3),
            Output("wide", "global", 5),
        )
        self.radar, self.optical = nn.Linear(2, 3), nn.Linear(4, 3)

    def collate(self, samples):
        return torch.stack(list(samples))

    def encode(self, batch, output):
        return self.radar(batch[:, :2]) if output == "radar" else self.optical(batch[:, 2:])


def pretext(views=1, objective=None, **settings):
    torch.manual_seed(0)
    return CrossModal(
        CrossModalSettings(**{"outputs": ["radar", "optical"], **settings}),
        TwoSensors(),
        views=Views([ViewSettings(count=views)]),
        objective=objective or InfoNCE(InfoNCESettings(projector=(4,)), 3),
    )


def batch(method, groups="aab"):
    samples = torch.randn(3, 6, generator=torch.Generator().manual_seed(0))
    draws = [Draw(0, 0, str(n), 0, group) for n, group in enumerate(groups)]
    return method.collate([method.example(s, d) for s, d in zip(samples, draws, strict=True)])


@pytest.mark.parametrize("negatives", ["all", "other_groups"])
def test_the_objective_compares_the_sensors(negatives):
    method = pretext(negatives=negatives)
    made = batch(method)
    groups = torch.tensor([0, 0, 1]) if negatives == "other_groups" else None
    seen = made.views[0].batch
    outputs = [method.encoder.radar(seen[:, :2]), method.encoder.optical(seen[:, 2:])]
    expected = info_nce_loss([method.objective.projector(o) for o in outputs], groups=groups)
    loss = method(made)
    torch.testing.assert_close(loss.total, expected.total)
    loss.total.backward()
    assert all(p.grad.abs().sum() > 0 for p in method.parameters())


def test_steps_reach_the_objective():
    method = pretext(objective=InfoNCE(InfoNCESettings(projector=(4,), queue=5), 3))
    method(batch(method))
    method.after_step(0, 10)
    assert int(method.objective.queued) == 3


def test_two_views_are_refused():
    with pytest.raises(RecipeError, match="takes 1 view; found 2"):
        pretext(views=2)


def test_an_objective_with_a_teacher_is_refused():
    with pytest.raises(RecipeError, match="has no teacher"):
        pretext(objective=BYOL(BYOLSettings(), 3))


def test_outputs_that_cannot_be_compared_are_refused_naming_those_that_can():
    with pytest.raises(RecipeError, match="width 3, radar, optical; found tokens, wide"):
        pretext(outputs=["radar", "tokens", "wide"])
