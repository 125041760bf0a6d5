"""Balls in noise with their labels, and a small encoder of volumes."""

import numpy as np
import torch

from unlabeled_medical.assessments.dense_probe import Labelled
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
