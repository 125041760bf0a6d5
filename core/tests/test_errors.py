"""Every error has its exit code and survives the way from a data worker."""

import pickle

import pytest

from unlabeled import errors
from unlabeled.errors import CollapseError, DataError, NotFinite, ShapeError, UnlabeledError

KINDS = [
    each
    for each in vars(errors).values()
    if isinstance(each, type) and issubclass(each, UnlabeledError)
]


def made(kind):
    return kind("a.wav", "sound", "text") if kind is errors.UnreadableItem else kind("what, where")


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_crosses_a_process_border_whole(kind):
    error = made(kind)
    twin = pickle.loads(pickle.dumps(error))
    assert type(twin) is kind
    assert (str(twin), vars(twin), twin.exit_code) == (str(error), vars(error), error.exit_code)


def test_a_loss_that_is_not_finite_keeps_its_term_across_processes():
    twin = pickle.loads(pickle.dumps(NotFinite("a: found 1 NaN", term="vicreg")))
    assert (str(twin), twin.term) == ("a: found 1 NaN", "vicreg")


def test_exit_codes_tell_causes_apart():
    codes = {kind.__name__: kind.exit_code for kind in KINDS}
    assert codes == {
        "UnlabeledError": 1,
        "UsageError": 2,
        "RecipeError": 2,
        "DataError": 3,
        "UnreadableItem": 3,
        "PluginError": 4,
        "RunError": 5,
        "ShapeError": 1,
        "NotFinite": 1,
        "CollapseError": 6,
    }


def test_what_can_be_caught_as_what():
    error = errors.UnreadableItem("a.wav", "sound", "text")
    assert isinstance(error, DataError)
    assert str(error) == "a.wav: expected sound, found text"
    assert issubclass(ShapeError, ValueError)
    assert not issubclass(CollapseError, errors.RunError)
