"""GraphMAE2: GraphMAE with several random re-masks of the codes, and prediction of a teacher's
codes.

Source: Hou et al., WWW 2023, arXiv:2304.04779, section 4.

    loss = Σ_k SCE_γ(decoder(codes re-masked for the k-th time), x) over the hidden nodes
         + λ · SCE_1(predictor(projector(codes)), teacher's projection) over the visible ones

Departs from the authors' code as GraphMAE does, and in the teacher, which has no dropout here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch_geometric.data import Data

from unlabeled.contract import Encoder, Loss, Nodes, Pretext
from unlabeled.objectives.scaled_cosine_error import scaled_cosine_error_loss
from unlabeled.randomness import Draw
from unlabeled.settings import Settings
from unlabeled.teachers import Teacher, TeacherSettings
from unlabeled_graph.encoders.body import graph_encoder
from unlabeled_graph.pretexts.node_masking import (
    MaskedGraph,
    MaskedGraphs,
    among,
    join_masked,
    mask,
    shown,
)

HIDDEN = 256
"""Width of the projector's hidden layer in the authors' code."""


class GraphMAE2Settings(Settings):
    """The paper's r, γ, λ, K and re-mask ratio."""

    mask_ratio: float = Field(0.5, gt=0, lt=1, description="share of a graph's nodes hidden")
    gamma: float = Field(3.0, ge=1, description="exponent of the scaled cosine error")
    latent: float = Field(1.0, ge=0, description="weight λ of the prediction of the teacher")
    remasks: int = Field(3, gt=0, description="times K that the codes are re-masked and decoded")
    remask_ratio: float = Field(0.5, gt=0, lt=1, description="share of the codes re-masked")
    teacher: TeacherSettings = Field(
        TeacherSettings(momentum=0.996, final_momentum=0.996), description="how it follows"
    )


@dataclass(slots=True)
class Example:
    """remasked: (K, N) bool, which codes are hidden from the decoder each time."""

    graph: MaskedGraph
    remasked: np.ndarray


@dataclass(slots=True)
class Examples:
    """remasked: (K, M) bool."""

    graphs: MaskedGraphs
    remasked: Tensor


class GraphMAE2(Pretext):
    """Masked nodes → encoder → K random re-masks → decoder; visible codes → the teacher's."""

    settings_type = GraphMAE2Settings
    settings: GraphMAE2Settings

    def __init__(self, settings: GraphMAE2Settings, encoder: Encoder) -> None:
        """Raises RecipeError if the encoder is not of this plugin."""
        super().__init__(settings, encoder)
        graph = graph_encoder(encoder)
        features, width = graph.body.features, graph.body.settings.width
        self.body = (graph.body,)  # in a tuple: an attribute would register it a second time
        self.token = nn.Parameter(torch.empty(1, features))
        self.decoder_token = nn.Parameter(torch.empty(1, width))
        self.to_decoder = nn.Linear(width, width, bias=False)
        for parameter, gain in ((self.token, 1.0), (self.decoder_token, 1.0)):
            nn.init.xavier_normal_(parameter, gain)
        nn.init.xavier_normal_(self.to_decoder.weight, gain=2**0.5)
        self.decoder = graph.layer(width, features)
        self.projector = nn.Sequential(
            nn.Linear(width, HIDDEN), nn.PReLU(), nn.Linear(HIDDEN, width)
        )
        self.predictor = nn.Sequential(nn.PReLU(), nn.Linear(width, width))
        self.teacher = Teacher(settings.teacher, encoder, self.projector)

    def example(self, sample: Data, draw: Draw) -> Example:
        graph, rng = mask(sample, draw, self.settings.mask_ratio, 0.0, 0.0), draw.rng("remask")
        count = int(self.settings.remask_ratio * len(sample.x))
        order = rng.random((self.settings.remasks, len(sample.x))).argsort(axis=1)
        return Example(graph, order < count)

    def collate(self, examples: Sequence[Example]) -> Examples:
        graphs = join_masked(self.encoder, [example.graph for example in examples])
        remasked = np.concatenate([example.remasked for example in examples], axis=1)
        return Examples(graphs, torch.from_numpy(remasked))

    def forward(self, batch: Examples) -> Loss:
        masked, [body] = batch.graphs, self.body
        codes = body.states(masked.graphs, shown(masked, self.token, body, borrow=False))[-1]
        hidden = masked.graphs.x.index_select(0, masked.masked)
        parts = {
            "features": torch.stack(
                [
                    scaled_cosine_error_loss(reconstructed, hidden, gamma=self.settings.gamma)
                    for reconstructed in self._decode(codes, batch)
                ]
            ).sum(),
            "latent": self.settings.latent * self._latent(codes, masked),
        }
        return Loss(parts["features"] + parts["latent"], parts)

    def after_step(self, step: int, total_steps: int) -> None:
        self.teacher.update(step, total_steps)

    def _decode(self, codes: Tensor, batch: Examples) -> list[Tensor]:
        """The hidden nodes, (P, F), once for each re-mask."""
        masked, [body] = batch.graphs, self.body
        mapped, reconstructed = self.to_decoder(codes), []
        for hidden in batch.remasked:
            token = self.decoder_token.to(mapped.dtype)
            seen = body.drop(torch.where(hidden.unsqueeze(1), token, mapped))
            reconstructed.append(
                body.pass_messages(self.decoder, seen, masked.graphs, at=masked.masked)
            )
        return reconstructed

    def _latent(self, codes: Tensor, masked: MaskedGraphs) -> Tensor:
        """The distance of the visible nodes' predictions from the teacher's codes of the whole
        graph."""
        visible = (~among(codes, masked.masked)).nonzero().flatten()
        predicted = self.predictor(self.projector(codes.index_select(0, visible)))
        taught = self.teacher.encode(masked.graphs, "nodes")
        assert isinstance(taught, Nodes)
        with torch.no_grad():
            target = self.teacher.projector(taught.values.index_select(0, visible))
        return scaled_cosine_error_loss(predicted, target, gamma=1.0)
