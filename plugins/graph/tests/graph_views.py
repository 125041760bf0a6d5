"""Random graphs whose edges come in both directions, to be augmented."""

import torch
from hypothesis import strategies as st
from torch_geometric.data import Data


def graph(size, edges, seed=0):
    generator = torch.Generator().manual_seed(seed)
    ends = torch.randint(size, (2, edges), generator=generator)
    edge_index = torch.cat([ends, ends.flip(0)], dim=1)
    return Data(
        x=torch.rand(size, 3, generator=generator) + 1,
        edge_index=edge_index,
        edge_attr=edge_index.sum(0, keepdim=True).T.float(),
    )


SAMPLES = st.builds(graph, st.integers(1, 12), st.integers(0, 30), st.integers(0, 99))


RATIOS = st.floats(0, 0.95)
