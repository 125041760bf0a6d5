"""Tables become one file for graph/blocks: the same graph, and what does not fit."""

import json

import pytest

from unlabeled.cli.main import run
from unlabeled.errors import DataError, UsageError
from unlabeled_graph.readers.blocks import Blocks
from unlabeled_graph.write_blocks import blocks


@pytest.fixture
def tables(tmp_path):
    (tmp_path / "e.csv").write_text("from,to\na,b\nb,c\nc,d\n")
    (tmp_path / "n.csv").write_text("name,x,y\nd,4,1.5\nc,3,1.5\nb,2,0.5\na,1,0.5\n")
    return tmp_path / "e.csv", tmp_path / "n.csv"


def test_the_file_holds_the_graph_of_the_tables(tables, tmp_path):
    out = tmp_path / "large.safetensors"
    done = blocks(*tables, out=out, source="from", target="to", node="name", direction="undirected")
    assert (done["nodes"], done["edges"], done["features"]) == (4, 6, 2)
    reader = Blocks(nodes=10)
    [item] = reader.index(out)
    names, graph = reader.node_names(item).tolist(), reader.read(item)
    found = {frozenset((names[a], names[b])) for a, b in graph.edge_index.T.tolist()}
    assert found == {frozenset("ab"), frozenset("bc"), frozenset("cd")}
    place = dict(zip("dcba", [[4, 1.5], [3, 1.5], [2, 0.5], [1, 0.5]], strict=True))
    assert graph.x.tolist() == [place[name] for name in names]


def test_the_command_and_its_errors(tables, tmp_path, capsys):
    words = ["graph", "blocks", *map(str, tables), "--out", str(tmp_path / "l.safetensors")]
    named = ["--source", "from", "--target", "to", "--node", "name", "--json"]
    assert run([*words, *named]) == 0
    assert json.loads(capsys.readouterr().out)["nodes"] == 4
    assert run(words) == DataError.exit_code
    assert "expected the columns source and target" in capsys.readouterr().err
    with pytest.raises(UsageError, match=r"ends in \.safetensors"):
        blocks(*tables, out=tmp_path / "l.pt")
    tables[1].write_text("name\na\nb\nc\nd\n")
    assert run([*words, *named]) == DataError.exit_code
    assert "as features" in capsys.readouterr().err
