import pytest

from unlabeled.contract import Encoder, Objective, Pretext
from unlabeled.settings import Settings


@pytest.mark.parametrize("base", [Encoder, Objective, Pretext])
def test_a_class_that_names_no_settings_says_so_when_it_is_defined(base):
    with pytest.raises(TypeError, match="Nameless: set the class attribute settings_type"):
        type("Nameless", (base,), {})


def test_settings_are_inherited():
    named = type("Named", (Encoder,), {"settings_type": Settings})
    assert type("Child", (named,), {}).settings_type is Settings
