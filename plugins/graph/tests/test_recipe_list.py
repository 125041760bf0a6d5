"""The list of recipes and the folder of recipes are the same."""

from pathlib import Path

import unlabeled_graph
from unlabeled_graph.recipe_list import RECIPES


def test_every_recipe_of_the_folder_is_listed_under_its_own_name():
    folder = Path(unlabeled_graph.__file__).parent / "recipes"
    files = {file.stem: f"unlabeled_graph:recipes/{file.name}" for file in folder.glob("*.yaml")}
    assert {name: component.target for name, component in RECIPES.items()} == files
