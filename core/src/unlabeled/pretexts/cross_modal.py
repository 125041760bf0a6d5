"""Cross-modal contrast: what several sensors saw of one sample shall have like embeddings.

Sources: Radford et al., ICML 2021, arXiv:2103.00020 (two modalities); Tian et al., ECCV 2020,
arXiv:1906.05849 (more than two). An encoder of several sensors gives one global output per sensor;
any paired objective compares them. Views, one chain for all sensors, keep them aligned.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from pydantic import Field
from torch import Tensor

from unlabeled.augmentations.views import Views
from unlabeled.contract import Encoder, Loss, Objective, Pretext, Sample
from unlabeled.errors import RecipeError
from unlabeled.pretexts.joint_embedding import Example, ExampleBatch
from unlabeled.pretexts.kin import NEGATIVES, Negatives, join_kin, kin
from unlabeled.randomness import Draw
from unlabeled.settings import Settings


class CrossModalSettings(Settings):
    outputs: tuple[str, ...] = Field(
        min_length=2, description="the encoder's global outputs that are compared"
    )
    negatives: Negatives = NEGATIVES


class CrossModal(Pretext):
    """One view → one output per sensor → objective."""

    settings_type = CrossModalSettings
    settings: CrossModalSettings
    uses = ("views", "objective")

    def __init__(
        self,
        settings: CrossModalSettings,
        encoder: Encoder,
        *,
        views: Views,
        objective: Objective,
    ) -> None:
        """Raises RecipeError if there is more than one view, or no such output."""
        super().__init__(settings, encoder)
        if len(views) != 1:
            raise RecipeError(f"views: cross-modal contrast takes 1 view; found {len(views)}")
        if objective.needs_teacher:
            raise RecipeError("objective: cross-modal contrast has no teacher; choose another")
        _require_outputs(settings.outputs, encoder)
        self.views = views
        self.objective = objective

    @property
    def smallest_batch(self) -> int:
        return self.objective.smallest_batch

    def example(self, sample: Sample, draw: Draw) -> Example:
        return Example(self.views.make(sample, draw), kin(draw, self.settings.negatives))

    def collate(self, examples: Sequence[Example]) -> ExampleBatch:
        views = self.views.collate([e.views for e in examples], self.encoder.collate)
        return ExampleBatch(views, join_kin([e.kin for e in examples]))

    def forward(self, batch: ExampleBatch) -> Loss:
        (view,) = self.views.apply(batch.views)
        embeddings = [
            cast(Tensor, self.encoder.encode(view, name)) for name in self.settings.outputs
        ]
        loss: Loss = self.objective(embeddings, groups=batch.kin)
        return loss

    def after_step(self, step: int, total_steps: int) -> None:
        self.objective.after_step(step, total_steps)


def _require_outputs(names: Sequence[str], encoder: Encoder) -> None:
    # The objective is built for the width of the default output.
    width = encoder.outputs[0].width
    fit = [o.name for o in encoder.outputs if o.kind == "global" and o.width == width]
    unfit = sorted(set(names) - set(fit))
    if unfit:
        raise RecipeError(
            f"pretext.outputs: expected global outputs of width {width}, {', '.join(fit)}; "
            f"found {', '.join(unfit)}"
        )
