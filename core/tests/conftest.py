"""The toy plugin of these tests, visible to discovery as an installed distribution."""

import os
from pathlib import Path

import pytest

from unlabeled import discovery

VECTORS = Path(__file__).parent / "vectors"


@pytest.fixture
def vectors(monkeypatch):
    """The folder of the toy plugin `vectors`; in this process and in those it starts."""
    monkeypatch.syspath_prepend(VECTORS)
    monkeypatch.setenv("PYTHONPATH", f"{VECTORS}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    discovery.discover.cache_clear()
    yield VECTORS
    discovery.discover.cache_clear()
