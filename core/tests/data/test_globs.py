"""What globs and patterns mean."""

import pytest

from unlabeled.data.globs import compile_pattern, fields_of, fits
from unlabeled.errors import RecipeError


@pytest.mark.parametrize(
    ("name", "glob", "expected"),
    [
        ("a/b.wav", "*.wav", True),  # without a slash: the name, wherever it lies
        ("a/b.wav", "a/*.wav", True),
        ("a/c/b.wav", "a/*.wav", False),
        ("a/c/b.wav", "a/**/*.wav", True),
        ("a/b.wav", "a/**/*.wav", True),
        ("a/c/b.wav", "a/**", True),
        ("b.wav", "**/*", True),
        ("a/c/b.wav", "a", True),  # a folder: all that lies in it
        ("x/a/b.wav", "a/", True),
        ("x/a/b.wav", "x/a", True),
        ("ab/b.wav", "a", False),
        ("a.wav", "?.wav", True),
        ("ab.wav", "?.wav", False),
        ("b.wav", "[ab].wav", True),
        ("c.wav", "[!ab].wav", True),
        ("a.wav", "[!ab].wav", False),
        ("a+b.wav", "a+b.wav", True),
        ("b.wav", "./b.wav", True),
        ("a/b.wav", "./b.wav", False),
        ("a.WAV", "*.wav", False),
        ("t[1].wav", "t[1].wav", False),
    ],
)
def test_globs(name, glob, expected):
    assert fits(name, glob) is expected


def test_a_pattern_names_fields_of_the_name_or_the_path():
    anywhere, path = (
        compile_pattern("{speaker}_{take}.wav"),
        compile_pattern("{site}/{a}_{b}.wav"),
    )
    assert anywhere.fullmatch("far/anna_1.wav").groupdict() == {"speaker": "anna", "take": "1"}
    assert path.fullmatch("far/anna_1.wav").groupdict() == {"site": "far", "a": "anna", "b": "1"}
    assert path.fullmatch("x/far/anna_1.wav") is None
    assert fields_of("{site}/{a}_{site}") == ("site", "a")


def test_a_field_that_stands_twice_has_one_value():
    pattern = compile_pattern("{region}/{region}_{scene}.tif")
    assert pattern.fullmatch("north/north_1.tif")
    assert pattern.fullmatch("north/south_1.tif") is None


def test_a_field_may_have_known_values():
    pattern = compile_pattern("{scene}_{sensor}.tif", {"sensor": ("S2", "S2B")})
    assert pattern.fullmatch("a_S2B.tif")["sensor"] == "S2B"
    assert pattern.fullmatch("a_S1.tif") is None


def test_a_field_without_a_name_is_refused():
    with pytest.raises(RecipeError, match="field without a name"):
        compile_pattern("{1}.wav")
