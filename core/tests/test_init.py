"""`import unlabeled` is light, and every public name is there when it is asked for."""

from __future__ import annotations

import subprocess
import sys

import pytest

import unlabeled


@pytest.mark.parametrize("name", unlabeled.__all__)
def test_every_public_name_loads(name):
    assert callable(getattr(unlabeled, name))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="pretrian"):
        unlabeled.pretrian  # noqa: B018


def test_importing_is_light():
    code = "import sys, unlabeled; print({'torch', 'numpy', 'pydantic'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
