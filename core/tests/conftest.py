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


@pytest.fixture
def save_mixer(vectors, tmp_path):
    """Save an encoder of the toy plugin as a run would, and return the run's folder."""
    from unlabeled.export.encoder import Provenance, save_encoder
    from unlabeled.recipe import read_choice

    def save(encoder, name="run", **origin):
        folder = tmp_path / name
        save_encoder(
            encoder,
            encoder_name="vectors/mixer",
            reader=read_choice("readers", {"name": "vectors/json"}, "here"),
            folder=folder / "encoder",
            provenance=Provenance(recipe="vectors/tiny", pretext="vectors/pretext", **origin),
        )
        return folder

    return save
