"""Every pretext of every plugin: batches that are accumulated equal one, or are refused by name."""

import importlib

import pytest
import torch

from unlabeled.conformance.comparison import as_type
from unlabeled.conformance.fixture import Fixture, without_dropout
from unlabeled.errors import RecipeError
from unlabeled.training.accumulation import require_mean

EQUAL = {
    "audio": {"audio/ssast", "audio/tera", "gmml", "masked_autoencoder", "masked_latent"},
    "graph": {"graph/dgi"},
    "medical": {"medical/uni4eye", "gmml", "masked_autoencoder", "masked_latent", "masked_tokens"},
    "remote_sensing": {"remote_sensing/merlin", "gmml", "masked_autoencoder", "masked_latent"},
}
"""Of these some, where a recipe uses them; every other one must be refused."""


def gradients(pretext, batches):
    pretext.zero_grad()
    losses = [pretext(batch) for batch in batches]
    counts = [float(loss.count) for loss in losses]
    for loss, count in zip(losses, counts, strict=True):
        (loss.total * count / sum(counts)).backward()
    return {n: p.grad.clone() for n, p in pretext.named_parameters() if p.grad is not None}


def is_equal(fixture, recipe):
    """Whether batches of 3 and 2 are accumulated; their gradient is that of one of 5 then."""
    pretext = without_dropout(fixture.pretext(recipe, torch.float64))
    examples = fixture.examples(recipe, pretext, range(5))
    whole, *parts = (
        as_type(pretext.collate(rows), torch.float64)
        for rows in (examples, examples[:3], examples[3:])
    )
    try:
        require_mean(pretext, pretext(whole))
    except RecipeError:
        return False
    expected, found = gradients(pretext, [whole]), gradients(pretext, parts)
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-9)
    return True


@pytest.mark.parametrize("modality", EQUAL)
def test_equal_or_refused(modality):
    fixture = Fixture(importlib.import_module(f"unlabeled_{modality}.plugin").plugin)
    smallest = {
        name: min(recipes, key=fixture.size_of)
        for name in fixture.pretext_names()
        if (recipes := fixture.recipes_with("pretext", name))
    }
    equal = {name for name, recipe in smallest.items() if is_equal(fixture, recipe)}
    assert equal == EQUAL[modality] & smallest.keys()
