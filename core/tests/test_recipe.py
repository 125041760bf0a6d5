"""Recipes are checked as a whole, say what they set, and can be changed from outside."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from unlabeled_tides.plugin import plugin as tides

from unlabeled import discovery
from unlabeled.cli.overrides import flatten, parse_overrides
from unlabeled.errors import PluginError, RecipeError, UsageError
from unlabeled.recipe import load_recipe, merge, read_recipe


@pytest.fixture(autouse=True)
def _installed(monkeypatch):
    found = discovery.Found("tides", "unlabeled-tides", "0.3.0", plugin=tides)
    monkeypatch.setattr(discovery, "discover", lambda: (found,))


def sections(**changed):
    read = load_recipe("tides/barlow_twins").to_dict()
    return {**read, **changed}


@pytest.mark.parametrize("name", sorted(tides.recipes))
def test_written_out_and_read_again_it_is_the_same(name):
    recipe = load_recipe(f"tides/{name}")
    assert read_recipe(recipe.name, recipe.to_dict()) == recipe


def test_overrides_reach_the_setting():
    recipe = load_recipe("tides/next_level", parse_overrides(["--encoder.width", "5"]))
    assert recipe.encoder.settings.width == 5


def test_steps_given_from_outside_replace_epochs():
    assert merge({"training": {"epochs": 3}}, {"training": {"steps": 7}}) == {
        "training": {"steps": 7}
    }


def test_another_component_drops_the_settings_of_the_one_before():
    before = {"encoder": {"name": "a", "depth": 3}}
    assert merge(before, {"encoder": {"name": "b"}}) == {"encoder": {"name": "b"}}
    assert merge(before, {"encoder": {"depth": 4}}) == {"encoder": {"name": "a", "depth": 4}}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"encoders": {}}, "encoders: unknown section. Did you mean encoder?"),
        ({"encoder": {"width": 3}}, "encoder: expected a section with a name"),
        ({"encoder": {"name": "tides/recurrent", "wdith": 3}}, "Did you mean width?"),
        ({"objective": None}, "objective: the pretext needs this section; it is missing"),
        ({"views": 3}, "views: expected a list of views, found 3"),
        ({"views": [{"count": 0}]}, "views.0.count: expected at least 1, found 0."),
    ],
)
def test_what_is_wrong_is_named(changed, message):
    with pytest.raises(RecipeError) as caught:
        read_recipe("mine.yaml", sections(**changed))
    assert message in str(caught.value)
    assert "recipe mine.yaml" in str(caught.value)


def test_a_section_that_the_pretext_does_not_use_is_refused():
    unused = load_recipe("tides/next_level").to_dict() | {"objective": {"name": "barlow_twins"}}
    with pytest.raises(RecipeError, match="does not use it"):
        read_recipe("mine.yaml", unused)


def test_an_unknown_component_gets_the_nearest_name():
    with pytest.raises(PluginError, match="Did you mean tides/recurrent"):
        read_recipe("mine.yaml", sections(encoder={"name": "tides/recurent"}))


@pytest.mark.parametrize(
    ("content", "message"),
    [("a: [1", "cannot be read as YAML"), ("- 1", "expected sections"), (None, "no such file")],
)
def test_a_file_that_is_no_recipe(tmp_path, content, message):
    path = tmp_path / "mine.yaml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(RecipeError, match=message):
        load_recipe(str(path))


def test_facts_fill_what_is_open_and_contradict_what_is_not():
    choice = load_recipe("tides/next_level").encoder
    assert choice.with_facts({"unknown": 1}) == choice
    with pytest.raises(RecipeError, match="the data say 3, the recipe says 8"):
        choice.with_facts({"width": 3})


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        (["--ephocs", "3"], "Did you mean --epochs?"),
        (["loose"], "one argument too many"),
        (["--training.lr"], "expected a value after it"),
    ],
)
def test_flags_that_cannot_be_read(tokens, message):
    with pytest.raises(UsageError) as caught:
        parse_overrides(tokens, ["--epochs", "--steps"])
    assert message in str(caught.value)


keys = st.from_regex(r"[a-z]{1,5}", fullmatch=True)
trees = st.recursive(
    st.from_regex(r"[a-z]{1,6}", fullmatch=True).filter(lambda text: text not in ("null", "none")),
    lambda inner: st.dictionaries(keys, inner, min_size=1, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(keys, st.dictionaries(keys, trees, min_size=1), min_size=1))
def test_flattened_sections_read_back_as_flags(tree):
    tokens = [part for key, value in flatten(tree).items() for part in (f"--{key}", value)]
    assert parse_overrides(tokens) == tree


def test_a_component_named_by_a_flag_can_be_written_to_a_file():
    named = sections()["encoder"]["name"]
    recipe = load_recipe("tides/barlow_twins", parse_overrides(["--encoder.name", named], []))
    assert type(recipe.encoder.name) is str
    assert yaml.safe_load(yaml.safe_dump(recipe.to_dict()))["encoder"]["name"] == named
