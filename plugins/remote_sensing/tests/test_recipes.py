import pytest

from unlabeled.recipe import load_recipe
from unlabeled_remote_sensing.encoders.croma import CROMASettings
from unlabeled_remote_sensing.plugin import plugin


@pytest.mark.parametrize("name", plugin.recipes)
def test_recipes_are_complete(name):
    recipe = load_recipe(f"remote_sensing/{name}")
    assert recipe.reader.name.startswith("remote_sensing/")


def test_croma_base_has_the_published_sizes():
    """Those of the released weights, whose numbers the encoder's test counts one by one."""
    recipe = load_recipe("remote_sensing/croma_base")
    sizes = {"patch": 8, "width": 768, "depth": 12, "heads": 16}
    assert recipe.encoder.settings.model_dump(include=set(sizes)) == sizes
    assert CROMASettings().model_dump(include=set(sizes)) == sizes
    pretext = recipe.pretext.settings
    assert pretext.mask.ratio == 0.75
    assert pretext.decoder.model_dump() == {"width": 512, "depth": 1, "heads": 8}
    assert recipe.views[0].steps[0]["size"] == 120
