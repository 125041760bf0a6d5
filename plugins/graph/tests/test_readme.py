"""The README's commands and Python run as they stand, on molecules of rdkit and small graphs."""

import json
import re
import runpy
import shlex
from itertools import islice
from pathlib import Path

import pytest
import torch
from torch_geometric.data import Batch, Data
from torch_geometric.nn import TAGConv
from torch_geometric.utils import barabasi_albert_graph

from unlabeled import load_encoder
from unlabeled.cli.main import run
from unlabeled.randomness import Draw
from unlabeled_graph.encoders.sage import SAGESettings
from unlabeled_graph.graph_files import read_directory, save_graphs
from unlabeled_graph.pretexts.graphmae import GraphMAE, GraphMAESettings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language):
    found = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    return [text for kind, text in found if kind == language]


def commands(block):
    lines = [shlex.split(line)[1:] for line in block.splitlines() if line.startswith("unlabeled ")]
    return [line if line[0] != "pretrain" else [*line, "--training.steps", "2"] for line in lines]


def graph(nodes):
    edges = barabasi_albert_graph(nodes, 2)
    return Data(torch.rand(nodes, 6), edges, y=torch.arange(nodes) % 2)


MOLECULES, NODES, LARGE = (commands(block) for block in blocks(""))
SAVE, EMBED, ENCODE, LAYER = blocks("python")


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_all(lines, capsys):
    for line in lines:
        assert run(line) == 0, capsys.readouterr().err


def test_the_quick_start_and_the_encoder_in_plain_pyg(home, capsys):
    config = pytest.importorskip("rdkit.RDConfig", reason="rdkit holds the molecules")
    with Path(config.RDDataDir, "NCI", "first_5K.smi").open() as file:
        some = list(islice(file, 60))
    for name in ("molecules", "labelled"):
        Path(f"{name}.smi").write_text("".join(some))
    labels = [f"labelled.smi#{line},{line % 2}" for line in range(1, len(some) + 1)]
    Path("labels.csv").write_text("\n".join(["item,label", *labels]) + "\n")
    run_all(MOLECULES, capsys)
    assert Path("molecules.parquet").is_file()

    reader = load_encoder("runs/molecules").settings
    molecules = [graph(5) for _ in range(3)]
    for molecule in molecules:
        molecule.x = torch.rand(5, reader.node_features)
        molecule.edge_attr = torch.rand(molecule.num_edges, reader.edge_features)
    scope = {"molecules": molecules}
    exec(ENCODE, scope)
    assert len(scope["vectors"]) == 3
    for molecule in molecules:
        alone = scope["encoder"].encode(Batch.from_data_list([molecule]), "nodes").values
        torch.testing.assert_close(molecule.embedding, alone)


def test_graphs_from_python(home):
    Path("graphs").mkdir()
    exec(SAVE, {"dataset": [graph(5), graph(7)]})
    assert read_directory(Path("graphs/all.safetensors")).nodes.tolist() == [5, 7]


def test_nodes_of_one_graph_are_probed(home, capsys):
    save_graphs([graph(60)], "cora.safetensors")
    parts = ["train", "test", "train"]
    rows = [f"cora.safetensors#0#{node},{node % 2},{parts[node % 3]}" for node in range(60)]
    Path("labels.csv").write_text("\n".join(["item,label,split", *rows]) + "\n")
    run_all(NODES, capsys)


def test_a_large_graph_is_embedded_layer_by_layer(home, capsys):
    large = graph(300)
    rows = [f"{node},{','.join(map(str, x))}" for node, x in enumerate(large.x.tolist())]
    Path("nodes.csv").write_text("\n".join(["node,a,b,c,d,e,f", *rows]) + "\n")
    edges = [f"{a},{b}" for a, b in large.edge_index.T.tolist()]
    Path("edges.csv").write_text("\n".join(["source,target", *edges]) + "\n")
    run_all(LARGE, capsys)
    scope = {"load_encoder": load_encoder, "Path": Path}
    exec(EMBED, scope)
    assert len(scope["nodes"]) == 300


def test_a_layer_of_ones_own_is_pretrained():
    scope = {"MyConv": TAGConv}
    exec(LAYER, scope)
    encoder = scope["Convolution"](SAGESettings(node_features=6, width=8, depth=2))
    assert [type(layer) for layer in encoder.body.layers] == [TAGConv, TAGConv]
    pretext = GraphMAE(GraphMAESettings(), encoder)
    examples = [pretext.example(graph(9), Draw(0, 0, name, 0, "")) for name in "ab"]
    pretext(pretext.collate(examples)).total.backward()
    assert all(weight.grad.any() for weight in encoder.body.layers[0].parameters())
    assert isinstance(pretext.decoder, TAGConv)
    assert encoder(encoder.collate([graph(9), graph(4)])).shape == (2, 8)


@pytest.mark.parametrize(("script", "part"), [("graph.py", "scores"), ("graph_table.py", None)])
def test_tables_are_what_the_benchmarks_recorded(script, part):
    benchmark = runpy.run_path(str(ROOT / "benchmarks" / script))
    found = json.loads(benchmark["RESULTS"].read_text())
    rows = benchmark["table"](found[part] if part else found).splitlines()
    assert len(rows) > 2
    assert not [row for row in rows if f"{row}\n" not in README]
