"""YAML that builds plain values of bounded size, and nothing else."""

import os

import pytest

from unlabeled.plain_yaml import LARGEST_FILE, NotPlain, parse_yaml, read_yaml


def bomb(levels):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, levels)]
    return "\n".join(lines)


def test_plain_values():
    text = "reader: {name: x, day: 2024-05-01, lr: 1.0e-3, none: null, some: [1, yes]}"
    assert parse_yaml(text) == {
        "reader": {"name": "x", "day": "2024-05-01", "lr": 1e-3, "none": None, "some": [1, True]}
    }
    assert parse_yaml("") is None


def test_aliases_and_merges_repeat_a_section():
    text = "one: &one {a: 1, b: 2}\ntwo: *one\nthree: {<<: *one, b: 3}"
    assert parse_yaml(text)["two"] == {"a": 1, "b": 2}
    assert parse_yaml(text)["three"] == {"a": 1, "b": 3}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (bomb(9), "more than 100000 values, aliases expanded"),
        ("a: &a [*a]", "an alias holds itself"),
        ("a: &a\n  b: *a", "an alias holds itself"),
        ("a: !!python/object/apply:os.getcwd []", r"tags are not allowed: !!python.*line 1"),
        ("a: !!binary aGVsbG8=", "tags are not allowed: !!binary"),
        ("a: !path /etc/passwd", "tags are not allowed: !path"),
        ("a: 1\nb: 2\na: 3", "the key 'a' stands twice"),
        ("[" * 3000, "nested too deeply"),
        ("{a: b", "expected"),
        ("a: 1\n---\nb: 2", "expected a single document"),
        ("a: \x00", "special characters"),
        ("{[a]: b, {c: d}: e}", "unhashable"),
    ],
)
def test_what_a_recipe_may_not_hold(text, why):
    with pytest.raises(NotPlain, match=why):
        parse_yaml(text)


def test_a_small_bomb_is_no_bomb():
    assert len(parse_yaml(bomb(3))["a2"]) == 9


def test_files_that_are_too_large_no_text_or_no_files(tmp_path):
    (tmp_path / "large.yaml").write_text("#" * (LARGEST_FILE + 1))
    (tmp_path / "latin.yaml").write_bytes(b"a: \xe9")
    os.mkfifo(tmp_path / "pipe.yaml")
    for name, why in (("large", "at most"), ("latin", "UTF-8"), ("pipe", "expected a file")):
        with pytest.raises(NotPlain, match=why):
            read_yaml(tmp_path / f"{name}.yaml")
    with pytest.raises(FileNotFoundError):
        read_yaml(tmp_path / "none.yaml")
