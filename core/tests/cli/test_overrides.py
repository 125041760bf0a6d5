"""Flags that set values of a recipe, and the dotted names that help prints."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unlabeled.cli.overrides import flatten, parse_overrides
from unlabeled.errors import UsageError

FLAGS = ("--epochs", "--out")
KEY = st.from_regex(r"[a-z][a-z_]{0,5}", fullmatch=True)


def test_values_stay_text_and_dashes_are_underscores():
    words = ["--pretext.mask-ratio", "0.6", "--encoder.norm.eps=1e-3", "--encoder.norm.name", "--x"]
    assert parse_overrides(words) == {
        "pretext": {"mask_ratio": "0.6"},
        "encoder": {"norm": {"eps": "1e-3", "name": "--x"}},
    }


def test_a_value_may_hold_an_equals_sign_or_be_empty():
    assert parse_overrides(["--a.b=x=y", "--a.c="]) == {"a": {"b": "x=y", "c": ""}}


def test_the_last_value_counts():
    assert parse_overrides(["--a.b", "1", "--a.b=2"]) == {"a": {"b": "2"}}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--epoch", "3"], "--epoch: unknown flag. Did you mean --epochs?"),
        (["--zzzzzz", "3"], "--zzzzzz: unknown flag. Recipe settings are --section.key value."),
        (["more"], "'more': one argument too many"),
        (["a.b", "1"], "'a.b': one argument too many"),
        (["--a.b"], "--a.b: expected a value after it, found nothing."),
        (["--a.b", "1", "--a.b.c", "2"], "--a.b.c: b is already set to '1'"),
    ],
)
def test_what_does_not_fit_is_named(words, message):
    with pytest.raises(UsageError) as raised:
        parse_overrides(words, FLAGS)
    assert message in str(raised.value)


def test_a_command_of_one_section_refuses_another():
    assert parse_overrides(["--reader.rate", "8"], section="reader") == {"reader": {"rate": "8"}}
    with pytest.raises(UsageError, match=r"--readers.rate: this command takes settings of --reade"):
        parse_overrides(["--readers.rate", "8"], section="reader")


@settings(max_examples=30)
@given(
    st.dictionaries(
        KEY, st.dictionaries(KEY, st.text(max_size=4), min_size=1, max_size=3), max_size=3
    )
)
def test_what_is_flattened_can_be_typed_back(sections):
    flat = flatten(sections)
    words = [f"--{key.replace('_', '-')}={value}" for key, value in flat.items()]
    assert parse_overrides(words) == sections


def test_lists_and_empty_sections_stay_whole():
    flat = flatten({"a": {"b": [{"c": 1}], "d": {}}, "e": 2})
    assert flat == {"a.b": [{"c": 1}], "a.d": {}, "e": 2}
