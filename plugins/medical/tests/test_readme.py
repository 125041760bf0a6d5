"""The README's commands and Python, run as they stand, on the brain that ships inside nilearn."""

import csv
import importlib.util
import re
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from unlabeled.cli.main import run
from unlabeled_medical.plugin import plugin
from unlabeled_medical.synthetic import write_heads

README = (Path(__file__).parents[1] / "README.md").read_text()
COMMANDS, *_ = re.findall(r"^```\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
BUNDLE = "unlabeled_medical.export.bundle"


def blocks(*, with_run):
    found = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    return [code for code in found if (BUNDLE in code) == with_run]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """MNI152 as ~/scans; synthetic heads as ~/labelled."""
    home = tmp_path_factory.mktemp("home")
    nilearn = importlib.util.find_spec("nilearn")
    (data,) = nilearn.submodule_search_locations
    (home / "scans").mkdir()
    (brain,) = Path(data, "datasets", "data").glob("mni_icbm152_t1_*.nii.gz")
    shutil.copy(brain, home / "scans")
    (home / "labelled").mkdir()
    write_heads(home / "labelled", count=24, seed=0)
    with (home / "labelled" / "labels.csv").open() as file:
        rows = [(row["item"], row["label"], row["group"]) for row in csv.DictReader(file)]
    with (home / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("item", "label", "group"), *rows])
    return home


def test_the_quick_start_on_a_real_brain(home, monkeypatch, capsys):
    monkeypatch.chdir(home)
    lines = [line for line in COMMANDS.splitlines() if line.startswith("unlabeled ")]
    assert [line.split()[1] for line in lines] == ["inspect", "pretrain", "embed", "evaluate"]
    for line in lines:
        arguments = line.replace("~/", f"{home}/").split()[1:]
        short = ["--training.steps", "1", "--training.batch-size", "2"]
        short += ["--training.samples-per-item", "2"]  # there is only one brain
        extra = short if arguments[0] == "pretrain" else []
        assert run([*arguments, *extra]) == 0, capsys.readouterr().err
    assert pq.read_table("embeddings.parquet").num_rows == 1
    for code in blocks(with_run=True):
        exec(code, {})
    assert Path("bundle", "models", "model.pt").is_file()


@pytest.mark.parametrize("code", blocks(with_run=False))
def test_python(code):
    found: dict[str, object] = {}
    exec(code, found)
    assert not found["matched"].missing


def test_every_recipe_is_listed():
    missing = [name for name in plugin.recipes if f"`medical/{name}`" not in README]
    assert not [name for name in missing if f"`{name}`" not in README]
