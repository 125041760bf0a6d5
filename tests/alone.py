"""One plugin with the core alone: `python tests/alone.py MODALITY`.

The other domains' libraries and plugins are blocked, so a plugin that leans on its neighbours
fails. It must be the only healthy one, everything that its manifest lists must be importable, and
its smallest recipe must train two steps on its own synthetic data.
"""

from __future__ import annotations

import importlib.abc
import sys
import tempfile
from pathlib import Path

LIBRARIES = {
    "audio": ("soundfile", "torchaudio"),
    "graph": ("torch_geometric", "rdkit"),
    "medical": ("monai", "nibabel", "pydicom"),
    "remote_sensing": ("rasterio",),
    "tabular": (),
}


class Blocker(importlib.abc.MetaPathFinder):
    """Finds nothing that belongs to another domain than `modality`."""

    def __init__(self, modality: str) -> None:
        self.own = f"unlabeled_{modality}"
        others = (libraries for name, libraries in LIBRARIES.items() if name != modality)
        self.foreign = {library for libraries in others for library in libraries}

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        top = name.partition(".")[0]
        if top in self.foreign or (top.startswith("unlabeled_") and top != self.own):
            raise ModuleNotFoundError(f"{name} belongs to another domain", name=name)


def main(modality: str) -> None:
    sys.meta_path.insert(0, Blocker(modality))
    from unlabeled import discovery

    healthy = [record.modality for record in discovery.discover() if record.healthy]
    assert healthy == [modality], healthy
    everything_imports(modality)
    trains(modality)


def everything_imports(modality: str) -> None:
    from unlabeled.conformance.check import Check
    from unlabeled.conformance.fixture import Fixture
    from unlabeled.conformance.manifests import checks

    asked: list[Check] = list(checks(Fixture(plugin_of(modality))))
    for check in asked:
        check.run()
    print(f"{modality}: {len(asked)} checks of the manifest hold")


def trains(modality: str) -> None:
    from unlabeled import discovery
    from unlabeled.cli.main import run
    from unlabeled.conformance.fixture import Fixture

    plugin = plugin_of(modality)
    recipe = Fixture(plugin).smallest()
    with tempfile.TemporaryDirectory() as folder:
        data, out = Path(folder) / "data", Path(folder) / "run"
        data.mkdir()
        write = discovery.resolve(plugin.synthetic[recipe.reader.name.rpartition("/")[2]].target)
        write(data, count=12, seed=0)
        few = ["--steps", "2", "--batch-size", "4"]
        code = run(["pretrain", recipe.name, str(data), "--out", str(out), *few])
        assert code == 0, f"{recipe.name}: exit code {code}"
        assert (out / "encoder" / "model.safetensors").is_file()


def plugin_of(modality: str):
    from unlabeled import discovery

    return discovery.usable(modality).plugin


if __name__ == "__main__":
    main(sys.argv[1])
