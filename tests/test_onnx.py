"""The default encoder of every shipped recipe as ONNX, run by another program on other inputs."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from unlabeled import discovery
from unlabeled.export.encoder import Provenance, save_encoder
from unlabeled.export.flatten import named, tensors_in
from unlabeled.export.onnx import export_onnx
from unlabeled.recipe import Recipe, build_encoder, build_reader, load_recipe
from unlabeled_audio.waveform import Waveform
from unlabeled_medical.volume import Volume
from unlabeled_remote_sensing.raster import Raster

onnxruntime = pytest.importorskip("onnxruntime")

OWN_SIZE = ("medical/swin",)
"""Shifted windows are laid out while the graph is traced, for volumes up to the example's size."""


def smallest_recipes() -> Iterator[str]:
    """One recipe per encoder and rank of its data; those in the size of a paper are left out."""
    seen = set()
    for modality in ("audio", "graph", "medical", "remote_sensing", "tabular"):
        for name in discovery.usable(modality).plugin.recipes:
            recipe = load_recipe(f"{modality}/{name}")
            restores = discovery.load("pretexts", recipe.pretext.name).kind == "restoration"
            key = (recipe.encoder.name, recipe.reader.name.endswith("images"))
            if key not in seen and not restores and name.rpartition("_")[2] not in SIZES:
                seen.add(key)
                yield f"{modality}/{name}"


SIZES = ("base", "small", "48")


def untrained(recipe: Recipe, folder: Path):
    modality, _, reader_name = recipe.reader.name.partition("/")
    synthetic = discovery.usable(modality).plugin.synthetic[reader_name]
    (folder / "data").mkdir(parents=True)
    discovery.resolve(synthetic.target)(folder / "data", count=6, seed=3)
    reader = build_reader(recipe.reader)
    items = reader.index(folder / "data")
    torch.manual_seed(0)
    encoder = build_encoder(recipe.encoder.with_facts(reader.describe(items))).eval()
    samples = [reader.read(items[row]) for row in range(len(items))]
    encoder.calibrate([encoder.collate(samples[:2])])
    save_encoder(
        encoder,
        encoder_name=recipe.encoder.name,
        reader=recipe.reader,
        folder=folder / "run" / "encoder",
        provenance=Provenance(recipe=recipe.name, pretext=recipe.pretext.name),
    )
    return encoder, samples


QUICK = (
    "audio/byol_a",
    "graph/graphmae2",
    "medical/vicreg_fmri",
    "remote_sensing/mae",
    "tabular/t_jepa",
)
"""One encoder per plugin, the quickest to trace."""

RECIPES = [
    pytest.param(name, marks=[pytest.mark.thorough] * (name not in QUICK))
    for name in smallest_recipes()
]


def test_every_quick_one_is_among_them():
    assert set(QUICK) <= set(smallest_recipes())


@pytest.mark.parametrize("name", RECIPES)
def test_the_encoder_of_a_recipe_takes_any_number_of_other_items(name, tmp_path):
    recipe = load_recipe(name)
    encoder, samples = untrained(recipe, tmp_path)
    done = export_onnx(tmp_path / "run", tmp_path / "encoder.onnx")
    assert done.sizes.startswith("any number of items of any size"), done.refused
    session = onnxruntime.InferenceSession(str(tmp_path / "encoder.onnx"))
    taken = [each.name for each in session.get_inputs()]
    larger = samples[0] if recipe.encoder.name in OWN_SIZE else enlarged(samples[0])
    for group in ([samples[-1]], samples[-3:], [larger, samples[1]]):
        batch = encoder.collate(group)
        given = {key: t.numpy() for key, t in tensors_in(batch).items() if key in taken}
        with torch.no_grad():
            expected = next(iter(named(encoder.encode(batch, done.output)).values())).numpy()
        found = session.run(None, given)[0]
        assert np.abs(found - expected).max() < 1e-3 * np.abs(expected).max()


def enlarged(sample):
    """The sample with its first axis in space or time doubled; graphs are of many sizes anyway."""
    if isinstance(sample, Raster):
        return sample.rearranged(lambda a: np.concatenate([a, a], axis=-2), (1, 0, 0, 0, 1, 0))
    if isinstance(sample, Waveform):
        return sample.with_values(torch.cat([sample.values, sample.values], dim=1))
    if isinstance(sample, Volume):
        return replace(sample, values=torch.cat([sample.values, sample.values], dim=1))
    if isinstance(sample, tuple):
        return sample + sample
    return sample
