"""Text from the command line is what its setting takes."""

from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from unlabeled.errors import RecipeError
from unlabeled.flag_text import FlagText
from unlabeled.masks.planner import Mask
from unlabeled.recipe import merge
from unlabeled.settings import Settings
from unlabeled.validation import validate


class Many(Settings):
    text: str = ""
    perhaps_text: str | None = "x"
    path: Path | None = None
    globs: str | tuple[str, ...] = ()
    norm: Literal["batch", "none"] = "batch"
    seed: Annotated[int | None, Field(ge=0)] = 1
    pair: tuple[int, int] = (1, 1)
    table: dict[str, int] = {}
    anything: dict[str, Any] = {}
    mask: Mask = Field({}, validate_default=True)
    flag: bool = False


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("text", "{label}_{speaker}.wav", "{label}_{speaker}.wav"),
        ("text", "[ab]*.wav", "[ab]*.wav"),
        ("text", "{a: 1}", "{a: 1}"),
        ("text", "none", "none"),
        ("text", "1e3", "1e3"),
        ("text", "yes", "yes"),
        ("perhaps_text", "{label}.wav", "{label}.wav"),
        ("perhaps_text", "null", None),
        ("perhaps_text", "none", None),
        ("path", "{x}/y", Path("{x}/y")),
        ("globs", "[a.wav, b.wav]", ("a.wav", "b.wav")),
        ("globs", "[ab]*.wav", "[ab]*.wav"),
        ("globs", "*.wav", "*.wav"),
        ("norm", "none", "none"),
        ("seed", "none", None),
        ("seed", "3", 3),
        ("pair", "[2, 3]", (2, 3)),
        ("table", "{a: 1}", {"a": 1}),
        ("flag", "true", True),
    ],
)
def test_the_setting_says_what_text_is(key, text, value):
    found = validate(Many, {key: FlagText(text)}, "here")
    assert getattr(found, key) == value
    assert type(getattr(found, key)) is type(value)


def test_sections_within_sections():
    found = validate(Many, {"mask": {"name": FlagText("blocks"), "ratio": FlagText("0.7")}}, "here")
    assert found.mask.ratio == 0.7
    found = validate(Many, {"mask": FlagText("{name: blocks, ratio: 0.6}")}, "here")
    assert (found.mask.name, found.mask.ratio) == ("blocks", 0.6)


def test_a_section_is_laid_over_the_one_below():
    merged = merge({"mask": {"name": "blocks", "ratio": 0.5}}, {"mask": FlagText("{ratio: 0.6}")})
    assert merged["mask"] == {"name": "blocks", "ratio": 0.6}


@pytest.mark.parametrize(
    ("key", "text", "found"),
    [
        ("pair", "[2, 3", r"expected a list, found '\[2, 3'"),
        ("seed", "many", "expected a whole number, found 'many'"),
        ("flag", "none", "expected true or false, found 'none'"),
        ("table", "{a: !!python/name:os.system }", "expected a section"),
        ("unknown", "[1]", "unknown key"),
    ],
)
def test_what_the_setting_does_not_take(key, text, found):
    with pytest.raises(RecipeError, match=found):
        validate(Many, {key: FlagText(text)}, "here")
