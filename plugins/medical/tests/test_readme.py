"""The README's Python, run as it stands; its commands, on synthetic heads."""

import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import unlabeled
from unlabeled.recipe import load_recipe
from unlabeled_medical.plugin import plugin
from unlabeled_medical.synthetic import write_heads

README = (Path(__file__).parents[1] / "README.md").read_text()


@pytest.mark.parametrize("code", re.findall(r"```python\n(.*?)```", README, re.DOTALL))
def test_python(code):
    found: dict[str, object] = {}
    exec(code, found)
    assert not found["matched"].missing


def test_every_recipe_is_listed():
    missing = [name for name in plugin.recipes if f"`medical/{name}`" not in README]
    assert not [name for name in missing if f"`{name}`" not in README]


def test_the_quick_start(tmp_path):
    data = tmp_path / "scans"
    data.mkdir()
    write_heads(data, count=8, seed=0)
    training = {"steps": 2, "batch_size": 4}
    recipe = load_recipe("medical/barlow_twins", {"training": training})
    run = unlabeled.pretrain(recipe, data, tmp_path / "run", quiet=True)
    unlabeled.embed(run.path, data, tmp_path / "embeddings.parquet")
    assert pq.read_table(tmp_path / "embeddings.parquet").num_rows == 8
