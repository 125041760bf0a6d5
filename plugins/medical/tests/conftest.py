"""A cache of its own for every test, the real data where there is any."""

import os
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("UNLABELED_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def medical_data():
    root = os.environ.get("UNLABELED_DATA")
    if not root or not (Path(root) / "medical").is_dir():
        pytest.skip("UNLABELED_DATA is not set to a folder with medical/")
    return Path(root) / "medical"
