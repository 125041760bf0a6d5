"""LightGCN (He et al. 2020): a table of users and goods, smoothed over who bought what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from pydantic import Field
from torch import Tensor, nn

from unlabeled.contract import Encoder, Encoding, Nodes, Output
from unlabeled.errors import ShapeError
from unlabeled.settings import Settings


class LightGCNSettings(Settings):
    users: int | None = Field(None, description="from the data")
    goods: int | None = Field(None, description="from the data")
    width: int = Field(8, gt=0, description="size of an embedding")
    layers: int = Field(2, ge=0, description="propagations")


@dataclass
class Shops:
    """edges: (2, E), users and goods; owner: (E,), which of the shops; counted: (K,), one each."""

    edges: Tensor
    owner: Tensor
    counted: Tensor


class LightGCN(Encoder):
    """Its nodes are the users, then the goods."""

    settings_type = LightGCNSettings
    settings: LightGCNSettings

    def __init__(self, settings: LightGCNSettings) -> None:
        super().__init__(settings)
        self.outputs = (Output("nodes", "nodes", settings.width),)
        size = (settings.users or 1) + (settings.goods or 1)
        self.table = nn.Parameter(torch.randn(size, settings.width) * 0.1)

    def collate(self, samples: Sequence[dict]) -> Shops:
        edges = [torch.as_tensor(sample["edges"]) for sample in samples]
        owner = [torch.full((e.shape[1],), number) for number, e in enumerate(edges)]
        return Shops(torch.cat(edges, 1), torch.cat(owner), torch.arange(len(samples)))

    def smooth(self, batch: Shops) -> Tensor:
        """(K, users + goods, D)."""
        if batch.edges.shape[0] != 2:
            raise ShapeError(f"expected edges (2, E), found {tuple(batch.edges.shape)}")
        size, shops = len(self.table), len(batch.counted)
        user = batch.edges[0] + batch.owner * size
        good = batch.edges[1] + (self.settings.users or 1) + batch.owner * size
        here, there = torch.cat([user, good]), torch.cat([good, user])
        degree = torch.bincount(there, minlength=size * shops).clamp(min=1).to(self.table.dtype)
        weight = (degree[here] * degree[there]).rsqrt()[:, None]
        x = total = self.table.repeat(shops, 1)
        for _ in range(self.settings.layers):
            x = torch.zeros_like(x).index_add(0, there, x[here] * weight)
            total = total + x
        return (total / (self.settings.layers + 1)).view(shops, size, -1)

    def _encode(self, batch: Shops, output: str) -> Encoding:
        if output != "nodes":
            raise ShapeError(f"expected the output nodes, found {output}")
        x = self.smooth(batch)
        node = torch.arange(x.shape[1], device=x.device).repeat(len(x))
        return Nodes(x.flatten(0, 1), batch.counted.repeat_interleave(x.shape[1]), node)
