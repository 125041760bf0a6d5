import re
import shlex
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
import torch

from unlabeled_remote_sensing.encoders import croma
from unlabeled_remote_sensing.encoders.croma_weights import to_official

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
COMMANDS = re.search(r"```\n(.*?)```", README, re.DOTALL)[1].splitlines()
WEIGHTS, SCENE = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the quick start was run as it stands, but for the installation."""
    try:
        distribution("bigearthnet-common")
    except PackageNotFoundError:
        pytest.skip("bigearthnet-common is not installed: it holds the pairs")
    folder = tmp_path_factory.mktemp("readme")
    installed, *commands = map(shlex.split, COMMANDS)
    assert installed[:2] == ["pip", "install"]
    for name, *arguments in commands:
        program = Path(sys.executable).parent / name
        subprocess.run([program, *arguments], cwd=folder, check=True, capture_output=True)
    return folder


def test_the_quick_start_leaves_a_run_and_embeddings(folder):
    assert (folder / "runs/pairs/encoder/model.safetensors").is_file()
    assert (folder / "pairs.parquet").is_file()


def test_scenes_are_embedded_as_shown(folder, monkeypatch):
    monkeypatch.chdir(folder)
    exec(compile(SCENE, "README.md", "exec"), {})
    assert len(list((folder / "maps").glob("*.tif"))) == 6


def test_official_weights_are_loaded_as_shown(tmp_path, monkeypatch, capsys):
    """In a small size: the file is what the encoder itself would write."""
    monkeypatch.chdir(tmp_path)
    small = {"width": 32, "depth": 2, "heads": 4}
    settings = croma.CROMASettings
    monkeypatch.setattr(croma, "CROMASettings", lambda **values: settings(**values, **small))
    code = WEIGHTS.replace(".eval()", ".eval()\nsave(encoder)")

    def save(encoder):
        torch.save(to_official(encoder), "CROMA_base.pt")

    exec(compile(code, "README.md", "exec"), {"save": save})
    assert capsys.readouterr().out.endswith(" () ()\n")


def test_every_recipe_is_in_the_table():
    from unlabeled_remote_sensing.plugin import plugin

    assert all(f"`remote_sensing/{name}`" in README for name in plugin.recipes)
