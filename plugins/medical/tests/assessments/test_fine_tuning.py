import numpy as np
import torch

from unlabeled_medical.assessments.dense_probe import Labelled, score
from unlabeled_medical.assessments.fine_tuning import FineTuning
from unlabeled_medical.encoders.residual import Residual, ResidualSettings
from unlabeled_medical.volume import Volume


def ball(seed, size=(12, 13, 11)):
    """A bright ball in noise, labelled 1, its upper half 2."""
    rng = np.random.default_rng(seed)
    centre = np.array(size) / 2 + rng.uniform(-1.5, 1.5, 3)
    place = np.stack(np.meshgrid(*map(np.arange, size), indexing="ij"), -1)
    inside = np.square(place - centre).sum(-1) < 9
    values = torch.from_numpy((inside * 2 + rng.normal(0, 0.3, size)).astype(np.float32))[None]
    mask = inside * np.where(place[..., 2] > centre[2], 2, 1)
    return Labelled(Volume(values, np.diag([1.0, 2, 1, 1]), torch.ones(1, dtype=torch.bool)), mask)


def encoder_of():
    torch.manual_seed(0)
    return Residual(ResidualSettings(rank=3, channels=1, widths=(8, 16)))


def test_fine_tuning_learns_a_copy():
    encoder = encoder_of()
    before = {k: v.clone() for k, v in encoder.state_dict().items()}
    predict = FineTuning(steps=40, lr=5e-3).fit(encoder, [ball(0), ball(1)], classes=3)
    assert score(predict, ball(0), classes=3).dice > 0.5
    assert all(torch.equal(v, before[k]) for k, v in encoder.state_dict().items())
