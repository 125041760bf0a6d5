"""Clauses E: an encoder returns what it declares, sees one sample at a time, and can be saved."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import torch
from lightning_fabric.plugins import MixedPrecision
from torch import Tensor

from unlabeled.conformance.check import Check, Clause, Violation, checks_of, require
from unlabeled.conformance.comparison import as_type
from unlabeled.conformance.fixture import Fixture
from unlabeled.contract import Encoder, Encoding, Nodes, Sample, Tokens
from unlabeled.errors import ShapeError
from unlabeled.export.encoder import Provenance, load_encoder, save_encoder
from unlabeled.recipe import Recipe

UNKNOWN = "no such output"

RECIPE = Clause(
    "E0",
    "recipe",
    "Some recipe uses the encoder.",
    "an encoder that no recipe names is not checked",
)
OUTPUTS = Clause(
    "E1",
    "outputs",
    "Every declared output has its kind, its width and one entry per sample, and `present` is "
    "(N,) bool or None; `forward` is the first.",
    "a width that was not updated, or `outputs` in another order than `forward`",
)
ALONE = Clause(
    "E2",
    "alone",
    "In eval mode a sample's embedding depends neither on its neighbours, nor on their order, nor "
    "on padding.",
    "batch statistics in eval mode, padding that attention or pooling can see, or an offset that "
    "was not added to indices",
)
HALF = Clause(
    "E3",
    "half",
    "In mixed precision, with a batch rounded to bf16, embeddings are finite.",
    "a mask filled with the smallest float32, a logarithm of zero, or whole numbers kept as floats",
)
SAVED = Clause(
    "E4",
    "saved",
    "Saved and loaded again, an encoder gives the same embedding, bit by bit.",
    "state that is not a parameter or a registered buffer, or settings that do not build it again",
)
NAMES = Clause(
    "E5",
    "names",
    "An output that the encoder does not declare is refused with a ShapeError.",
    "`encode` was replaced; an encoder implements `_encode`, and core looks at the name",
)


def checks(fixture: Fixture) -> Iterator[Check]:
    """The checks of every encoder in the manifest."""
    runs = {OUTPUTS: _outputs, ALONE: _alone, HALF: _half, SAVED: _saved, NAMES: _names}
    on_subject = {clause: partial(_on_subject, run) for clause, run in runs.items()}
    for name in fixture.plugin.encoders:
        full = fixture.full(name)
        yield from checks_of(f"encoders/{name}", {RECIPE: _has_recipe}, fixture, full)
        if fixture.recipes_with("encoder", full):
            yield from checks_of(f"encoders/{name}", on_subject, fixture, full)


@dataclass(frozen=True)
class Subject:
    """An encoder as its smallest recipe sets it up, with samples."""

    fixture: Fixture
    recipe: Recipe

    @classmethod
    def of(cls, fixture: Fixture, name: str) -> Subject:
        return cls(fixture, fixture.smallest_recipe("encoder", name))

    def ready(self) -> tuple[Encoder, list[Sample]]:
        samples = self.fixture.samples(self.recipe.reader)
        return self.fixture.encoder(self.recipe), samples


def _on_subject(run: Callable[[Subject], None], fixture: Fixture, name: str) -> None:
    run(Subject.of(fixture, name))


def _has_recipe(fixture: Fixture, name: str) -> None:
    require(fixture.recipes_with("encoder", name), "no recipe uses it")


@torch.no_grad()
def _outputs(subject: Subject) -> None:
    encoder, samples = subject.ready()
    batch = encoder.collate(samples)
    for output in encoder.outputs:
        found = encoder.encode(batch, output.name)
        wanted = {"global": Tensor, "tokens": Tokens, "nodes": Nodes}[output.kind]
        place = f"output {output.name!r}"
        require(isinstance(found, wanted), f"{place} is a {type(found).__name__}")
        values = _values(found)
        require(values.shape[-1] == output.width, f"{place}: width {values.shape[-1]}")
        require(_samples_in(found) == len(samples), f"{place}: not one entry per sample")
        has = encoder.present(batch, output.name)
        fits = has is None or (has.dtype == torch.bool and has.shape == (len(samples),))
        require(fits, f"{place}: `present` gives no (N,) bool")
    first = encoder.encode(batch, encoder.outputs[0].name)
    same = torch.equal(_values(encoder(batch)), _values(first))
    require(same, "forward is not the first output")


@torch.no_grad()
def _alone(subject: Subject) -> None:
    encoder, samples = subject.ready()
    encoder = encoder.double()
    for output in encoder.outputs:
        together = _per_sample(_encode(encoder, samples, output.name))
        backwards = _per_sample(_encode(encoder, samples[::-1], output.name))[::-1]
        for index, sample in enumerate(samples):
            [alone] = _per_sample(_encode(encoder, [sample], output.name))
            for other in (together[index], backwards[index]):
                require(alone.shape == other.shape, f"{output.name}: {alone.shape}, {other.shape}")
                far = float((alone - other).abs().max()) if alone.numel() else 0.0
                scale = max(float(alone.abs().max()), 1.0) if alone.numel() else 1.0
                require(far <= 1e-6 * scale, f"{output.name}: sample {index} moves by {far:.2g}")


@torch.no_grad()
def _half(subject: Subject) -> None:
    encoder, samples = subject.ready()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        for output in encoder.outputs:
            # Training rounds every float of a batch too, for health and batch norms as well.
            batch = MixedPrecision("bf16-mixed", "cpu").convert_input(encoder.collate(samples))
            values = _values(encoder.encode(batch, output.name))
            require(torch.isfinite(values).all(), f"output {output.name!r} is not finite")


@torch.no_grad()
def _saved(subject: Subject) -> None:
    encoder, samples = subject.ready()
    folder = subject.fixture.scratch(f"saved-{subject.recipe.encoder.name}") / "encoder"
    save_encoder(
        encoder,
        encoder_name=subject.recipe.encoder.name,
        reader=subject.recipe.reader,
        folder=folder,
        provenance=Provenance(recipe=subject.recipe.name, pretext=subject.recipe.pretext.name),
    )
    batch = encoder.collate(samples)
    same = torch.equal(_values(encoder(batch)), _values(load_encoder(folder)(batch)))
    require(same, "the loaded encoder gives another embedding")


@torch.no_grad()
def _names(subject: Subject) -> None:
    encoder, samples = subject.ready()
    try:
        found = encoder.encode(encoder.collate(samples), UNKNOWN)
    except ShapeError:
        return
    raise Violation(f"encode returns a {type(found).__name__} as output {UNKNOWN!r}")


def _encode(encoder: Encoder, samples: list[Sample], output: str) -> Encoding:
    return encoder.encode(as_type(encoder.collate(samples), torch.float64), output)


def _values(encoding: Encoding) -> Tensor:
    return encoding if isinstance(encoding, Tensor) else encoding.values


def _samples_in(encoding: Encoding) -> int:
    if isinstance(encoding, Nodes):
        return int(encoding.owner.max()) + 1 if len(encoding.owner) else 0
    return len(_values(encoding))


def _per_sample(encoding: Encoding) -> list[Tensor]:
    """One tensor per sample: its vector, its valid tokens, or its nodes."""
    if isinstance(encoding, Tensor):
        return list(encoding)
    if isinstance(encoding, Tokens):
        return [v[ok] for v, ok in zip(encoding.values, encoding.valid, strict=True)]
    count = int(encoding.owner.max()) + 1
    return [encoding.values[encoding.owner == index] for index in range(count)]
