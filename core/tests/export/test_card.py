"""The model card says origin, limits and how to load, and leaves no placeholder."""

import json

import pytest

from unlabeled.export.card import model_card

ORIGIN = {
    "pretext": "toy/contrast",
    "recipe": "toy/small",
    "steps": 1200,
    "of_steps": 0,
    "seed": 3,
    "items": 45678,
    "fingerprint": "0123456789abcdef",
    "batch_norm_of": "",
    "started_from": None,
    "kind": "representation",
}


def card(parameters=1234567, **origin):
    config = {
        "provenance": ORIGIN | origin,
        "encoder": {"name": "toy/cnn"},
        "reader": {"name": "toy/files", "rate": 8},
        "preprocessing": {"mean": [0.5]},
        "outputs": [
            {"name": "item", "kind": "vector", "width": 64},
            {"name": "frames", "kind": "tokens", "width": 32},
        ],
        "versions": {"unlabeled": "0.1.0", "torch": "2.0"},
    }
    return model_card(config, parameters)


def test_origin_and_sizes_are_said():
    text = card()
    assert text.startswith("# toy/cnn, pretrained with toy/contrast\n")
    assert "1,234,567 parameters" in text
    assert "`unlabeled pretrain toy/small`: 1,200 steps,\nseed 3, 45,678 items" in text
    assert "(fingerprint `0123456789ab`)." in text
    assert "| item | vector | 64 |\n| frames | tokens | 32 |" in text
    assert "unlabeled 0.1.0, torch 2.0" in text
    blocks = text.split("```json\n")[1:]
    found = [json.loads(block.partition("\n```")[0]) for block in blocks]
    assert found == [{"name": "toy/files", "rate": 8}, {"mean": [0.5]}]


def test_an_unfinished_run_says_of_how_many_steps():
    assert "120 of 1,200 steps" in card(steps=120, of_steps=1200)


def test_private_data_have_no_fingerprint():
    assert "fingerprint" not in card(fingerprint="")


def test_start_and_batch_norm_are_named():
    start = {"digest": "feedfacecafebeef", "recipe": "toy/large", "steps": 9000}
    text = card(started_from=start, batch_norm_of="c0ffeec0ffeec0ffee")
    assert "started from the encoder `feedfacecafe` of toy/large (9,000 steps)." in text
    assert "statistics are those of other items (`c0ffeec0ffee`)." in text


@pytest.mark.parametrize(
    ("kind", "command", "beside"),
    [
        ("representation", "unlabeled embed PATH DATA", "random encoders"),
        ("restoration", "unlabeled restore PATH DATA", "classical filter"),
    ],
)
def test_command_and_limits_are_those_of_its_kind(kind, command, beside):
    text = card(kind=kind)
    assert command in text
    assert beside in text.partition("## Limits")[2]
    code = text.partition("```python\n")[2].partition("```")[0]
    compile(code, "card", "exec")
