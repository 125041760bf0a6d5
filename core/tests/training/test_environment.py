"""What must be equal for equal bits is recorded, compared and put back."""

import pytest
import torch

from unlabeled.errors import RecipeError
from unlabeled.training.environment import default_dtype, deterministic, differences


def test_differences_are_named_by_their_path():
    then = {"threads": 1, "versions": {"torch": "1", "numpy": "2"}, "same": [1]}
    now = {"threads": 2, "versions": {"torch": "1", "scipy": "3"}, "same": [1]}
    assert differences(then, now) == [
        "threads: 1 then, 2 now",
        "versions.numpy: 2 then, nothing now",
        "versions.scipy: nothing then, 3 now",
    ]
    assert differences(then, then) == []


@pytest.mark.parametrize("wanted", [True, False])
@pytest.mark.parametrize("before", [True, False])
def test_the_caller_gets_its_algorithms_back(wanted, before):
    torch.use_deterministic_algorithms(before)
    try:
        with deterministic(wanted):
            assert torch.are_deterministic_algorithms_enabled() is wanted
        assert torch.are_deterministic_algorithms_enabled() is before
    finally:
        torch.use_deterministic_algorithms(False)


def refuse():
    with deterministic(True):
        raise RuntimeError("cumsum_cuda does not have a deterministic implementation, but …\nmore")


def test_an_operation_without_a_deterministic_form_names_the_way_out():
    with pytest.raises(
        RecipeError, match=r"cumsum_cuda .* Train with --training.deterministic false"
    ):
        refuse()
    assert not torch.are_deterministic_algorithms_enabled()


def fail():
    with deterministic(True):
        raise RuntimeError("something else")


def test_other_errors_pass():
    with pytest.raises(RuntimeError, match=r"^something else$"):
        fail()


def test_float64_ends_with_the_block():
    with default_dtype("64"):
        assert torch.ones(1).dtype is torch.float64
    with default_dtype("32"):
        assert torch.ones(1).dtype is torch.float32
    assert torch.get_default_dtype() is torch.float32
