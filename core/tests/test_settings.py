"""Settings are strict: nothing unknown, nothing out of range, nothing changed afterwards."""

import math

import pytest
from pydantic import Field, ValidationError

from unlabeled.settings import Settings, settings_type


class Toy(Settings):
    rate: float = Field(0.5, gt=0)
    name: str = "toy"


class Component:
    settings_type = Toy


@pytest.mark.parametrize(
    ("values", "where"),
    [
        ({"rat": 1}, "rat"),
        ({"rate": 0}, "rate"),
        ({"rate": math.nan}, "rate"),
        ({"rate": math.inf}, "rate"),
        ({"rate": "fast"}, "rate"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_key(values, where):
    with pytest.raises(ValidationError) as raised:
        Toy(**values)
    assert [error["loc"] for error in raised.value.errors()] == [(where,)]


def test_settings_do_not_change():
    toy = Toy(rate=1)
    with pytest.raises(ValidationError, match="frozen"):
        toy.rate = 2.0
    assert toy.rate == 1.0


def test_a_default_out_of_range_is_refused_too():
    class Wrong(Settings):
        rate: float = Field(0, gt=0)

    with pytest.raises(ValidationError, match="greater than 0"):
        Wrong()


def test_a_model_is_its_own_settings_type():
    assert settings_type(Component) is Toy
    assert settings_type(Toy) is Toy
