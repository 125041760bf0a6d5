"""Clause P9: absent sensors of a sample do not influence the loss."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from unlabeled import discovery
from unlabeled.conformance.check import Check, Clause, checks_of, require
from unlabeled.conformance.comparison import as_type
from unlabeled.conformance.fixture import Fixture, without_dropout
from unlabeled.contract import Batch, Encoder, Encoding, Loss, Nodes, PatchEncoder, Tokens
from unlabeled.recipe import Recipe

ABSENT = Clause(
    "P9",
    "absent",
    "Where an encoder implements `present`, each output is hidden for one sample in turn: loss and "
    "gradients do not depend on the values in its row.",
    "a pretext that does not ask `encoder.present`, so that absent sensors become positives and "
    "negatives; select the rows that have it, or weight the others by 0",
)


def checks(fixture: Fixture) -> Iterator[Check]:
    """The check of every pretext that a recipe uses with such an encoder."""
    for name in fixture.pretext_names():
        if _recipes(fixture, name):
            place = f"pretexts/{fixture.short(name)}"
            yield from checks_of(place, {ABSENT: _absent}, fixture, name)


def _recipes(fixture: Fixture, name: str) -> list[Recipe]:
    return [
        recipe
        for recipe in fixture.recipes_with("pretext", name)
        if discovery.load("encoders", recipe.encoder.name).present is not Encoder.present
    ]


def _absent(fixture: Fixture, name: str) -> None:
    recipe = min(_recipes(fixture, name), key=fixture.size_of)
    for output in fixture.encoder(recipe).outputs:
        (one, first), (other, second) = (_loss(fixture, recipe, output.name, s) for s in (0, 1))
        seen = f"{output.name!r} hidden of one sample: the loss is {one} or {other}, by its row"
        require(_close(one, other), seen)
        differ = [name for name in first if not _close(first[name], second[name])]
        seen = f"{output.name!r} hidden of one sample: its row changes the gradient of"
        require(not differ, f"{seen} {', '.join(differ[:5])}")


def _close(one: Tensor, other: Tensor) -> bool:
    return torch.allclose(one, other, rtol=1e-9, atol=1e-9)


def _loss(
    fixture: Fixture, recipe: Recipe, output: str, seed: int
) -> tuple[Tensor, dict[str, Tensor]]:
    """And its gradients by name, with other numbers, drawn by `seed`, in the row of the sample that
    lacks an output."""
    pretext = without_dropout(fixture.pretext(recipe, torch.float64))
    # One more than the fewest, as one takes no part.
    batch = fixture.batch(recipe, pretext, range(fixture.size(pretext) + 1))
    # Teachers and second networks make rows of it as well.
    for encoder in [module for module in pretext.modules() if isinstance(module, Encoder)]:
        _hide(encoder, output, seed)
    torch.manual_seed(0)
    loss: Loss = pretext(as_type(batch, torch.float64))
    torch.autograd.backward(loss.total)
    gradients = {n: p.grad for n, p in pretext.named_parameters() if p.grad is not None}
    return loss.total.detach(), gradients


def _hide(encoder: Encoder, output: str, seed: int) -> None:
    """Let the first sample lack this output, and fill its row with noise."""
    present, encode = encoder.present, encoder.encode

    def without_first(batch: Batch, name: str) -> Tensor | None:
        found = present(batch, name)
        if name != output or found is None:
            return found
        first = torch.arange(len(found), device=found.device) == 0
        return found & ~first

    def with_noise(batch: Batch, name: str) -> Encoding:
        found = encode(batch, name)
        return _filled(found, seed) if name == output else found

    encoder.present = without_first  # type: ignore[method-assign, assignment]
    encoder.encode = with_noise  # type: ignore[method-assign, assignment]
    if isinstance(encoder, PatchEncoder) and output == encoder.outputs[0].name:
        visible = encoder.encode_visible

        def tokens_with_noise(batch: Batch, places: Tensor, source: Tensor | None = None) -> Tensor:
            found = _filled(visible(batch, places, source), seed)
            assert isinstance(found, Tensor)
            return found

        encoder.encode_visible = tokens_with_noise  # type: ignore[method-assign, assignment]


def _filled(encoding: Encoding, seed: int) -> Encoding:
    """Noise in place of the values of the first sample."""
    values = encoding if isinstance(encoding, Tensor) else encoding.values
    draw = torch.Generator().manual_seed(seed)
    noise = torch.randn(values.shape, generator=draw, dtype=torch.float64).to(values)
    owner = torch.arange(len(values), device=values.device)
    if isinstance(encoding, Nodes):
        owner = encoding.owner
    first = (owner == 0).view(-1, *[1] * (values.ndim - 1))
    filled = torch.where(first, noise, values)
    if isinstance(encoding, Tokens | Nodes):
        return replace(encoding, values=filled)
    return filled
