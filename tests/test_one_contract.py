"""One contract, shown: the core's objectives, unchanged, train every modality."""

from __future__ import annotations

import math
from functools import cache
from importlib import import_module

import pytest
import torch

from unlabeled.conformance.fixture import Fixture
from unlabeled.recipe import load_recipe

JOINT_EMBEDDING = {
    "audio": "byol_a",
    "graph": "vicreg_graphs",
    "medical": "vicreg",
    "remote_sensing": "vicreg",
    "tabular": "scarf",
}
MASKED = {"audio": "mae", "graph": "", "medical": "mae", "remote_sensing": "mae"}
NO_GRID = (
    "a graph has no grid of patches that could be left out: its nodes are hidden inside message "
    "passing, by methods of its own (graphmae, graphmae2, maskgae)"
)

OBJECTIVES = ("barlow_twins", "vicreg", "nt_xent", "dcl", "byol", "ssl_ey")
STEPS = 6


@cache
def fixture(modality):
    return Fixture(import_module(f"unlabeled_{modality}.plugin").plugin)


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("modality", JOINT_EMBEDDING)
def test_an_objective_trains_any_modality(modality, objective):
    learns(
        modality,
        JOINT_EMBEDDING[modality],
        {"objective": {"name": objective, "projector": [32, 32]}},
    )


@pytest.mark.parametrize("modality", MASKED)
def test_the_masked_autoencoder_trains_any_grid(modality):
    if not MASKED[modality]:
        pytest.skip(NO_GRID)
    learns(modality, MASKED[modality], {})


def learns(modality, name, overrides):
    """A few steps on one batch: finite, falling, and the encoder is another one."""
    torch.manual_seed(0)
    recipe = load_recipe(f"{modality}/{name}", overrides)
    pretext = fixture(modality).pretext(recipe)
    batch = fixture(modality).batch(recipe, pretext, range(6))
    before = {key: value.clone() for key, value in pretext.encoder.named_parameters()}
    optimiser = torch.optim.AdamW([p for p in pretext.parameters() if p.requires_grad], lr=1e-3)
    losses = []
    for step in range(STEPS):
        optimiser.zero_grad()
        loss = pretext(batch).total
        loss.backward()
        optimiser.step()
        pretext.after_step(step, STEPS)
        losses.append(loss.item())
    assert all(map(math.isfinite, losses)), losses
    assert losses[-1] < losses[0], losses
    changed = dict(pretext.encoder.named_parameters())
    assert any(not torch.equal(value, changed[key]) for key, value in before.items())
