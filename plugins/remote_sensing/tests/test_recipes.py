import pytest

from unlabeled.randomness import Draw
from unlabeled.recipe import build_pretext, load_recipe
from unlabeled_remote_sensing.plugin import plugin
from unlabeled_remote_sensing.synthetic import write_pairs, write_speckled


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    write_pairs(root / "remote_sensing" / "scenes", count=4, seed=0)
    write_speckled(root / "remote_sensing" / "complex_scenes", count=4, seed=0)
    return root


@pytest.mark.parametrize("name", [n for n in plugin.recipes if n.endswith("tiny")])
def test_tiny_recipes_take_two_steps(name, data):
    recipe = load_recipe(f"remote_sensing/{name}")
    reader = recipe.reader.settings
    items = reader.index(data / recipe.reader.name)
    method = build_pretext(recipe, reader.describe(items))
    for epoch in range(2):
        draws = [Draw(0, epoch, item.id) for item in items]
        examples = [
            method.example(reader.read(item, draw.rng("window")), draw)
            for item, draw in zip(items, draws, strict=True)
        ]
        loss = method(method.collate(examples))
        loss.total.backward()
        assert loss.total.isfinite()
    assert all(p.grad is not None for p in method.parameters() if p.requires_grad)


@pytest.mark.parametrize("name", plugin.recipes)
def test_recipes_are_complete(name):
    recipe = load_recipe(f"remote_sensing/{name}")
    assert recipe.reader.name.startswith("remote_sensing/")
