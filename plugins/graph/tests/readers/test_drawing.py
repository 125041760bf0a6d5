from xml.etree import ElementTree

import numpy as np
import torch
from scipy.sparse import csr_matrix
from torch_geometric.data import Data

from unlabeled_graph.readers.drawing import MOST, drawing_of, layout

SVG = "{http://www.w3.org/2000/svg}"


def ring(count):
    nodes = torch.arange(count)
    edges = torch.stack([nodes, (nodes + 1) % count])
    return Data(x=torch.eye(count), edge_index=torch.cat([edges, edges.flip(0)], dim=1))


def test_every_node_and_edge_is_drawn_once():
    (shown,) = drawing_of(ring(8))
    root = ElementTree.fromstring(shown.content)
    assert len(root.findall(f"{SVG}circle")) == 8
    assert len(root.findall(f"{SVG}line")) == 8
    assert shown.caption.startswith("8 nodes, 8 edges; colour")
    assert drawing_of(ring(8)) == [shown]


def test_of_a_large_graph_a_part_is_drawn_and_the_caption_says_so():
    (shown,) = drawing_of(ring(500))
    assert len(ElementTree.fromstring(shown.content).findall(f"{SVG}circle")) == MOST
    assert shown.caption.startswith("500 nodes, 500 edges, 60 shown around")


def test_neighbours_lie_closer_than_others():
    line = csr_matrix(np.diag(np.ones(9), 1) + np.diag(np.ones(9), -1))
    places = layout(line)
    assert places.shape == (10, 2)
    assert np.linalg.norm(places[0] - places[1]) < np.linalg.norm(places[0] - places[9])


def test_graphs_without_edges_features_or_nodes():
    assert len(drawing_of(Data(x=torch.ones(1, 2)))) == 1
    assert len(drawing_of(Data(num_nodes=3))) == 1
    assert drawing_of(Data(x=torch.zeros(0, 2))) == []
