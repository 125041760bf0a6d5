"""Build every package, and try each plugin's wheel with the core alone: `make wheels`.

Each plugin gets a fresh environment with the core, the plugin and a path to the libraries that
are already here; the other domains' libraries are blocked, so a plugin that leans on its
neighbours fails. It must be listed as healthy and train two steps on its own synthetic data.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

DOMAIN_LIBRARIES = {
    "audio": ("soundfile", "torchaudio"),
    "graph": ("torch_geometric", "rdkit"),
    "medical": ("monai", "nibabel", "pydicom"),
    "remote_sensing": ("rasterio",),
}

STEPS = """
import sys, tempfile
from pathlib import Path
from unlabeled import discovery
from unlabeled.recipe import load_recipe
from unlabeled.cli.main import run

plugin = discovery.usable({modality!r}).plugin
assert [r.modality for r in discovery.discover() if r.healthy] == [{modality!r}]
recipe = load_recipe({recipe!r})
data = Path(tempfile.mkdtemp())
write = discovery.resolve(plugin.synthetic[recipe.reader.name.rpartition("/")[2]].target)
write(data, count=12, seed=0)
out = Path(tempfile.mkdtemp()) / "run"
sys.exit(run(["pretrain", {recipe!r}, str(data), "--out", str(out), "--steps", "2",
              "--batch-size", "4"]))
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        dist = Path(folder) / "dist"
        for package in [ROOT / "core", *sorted((ROOT / "plugins").iterdir())]:
            build(package, dist)
        for name, recipe in smallest_recipes().items():
            try_alone(name, recipe, dist, Path(folder) / name)
            print(f"{name}: wheel and sdist built; alone it lists itself and trains two steps")


def build(package: Path, dist: Path) -> None:
    source = dist.parent / "source" / package.name
    shutil.copytree(package, source, ignore=shutil.ignore_patterns("*.egg-info", "build"))
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(dist), str(source)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def smallest_recipes() -> dict[str, str]:
    """Each plugin's recipe with the fewest encoder parameters."""
    from unlabeled import discovery
    from unlabeled.conformance.fixture import Fixture

    plugins = [record.plugin for record in discovery.discover() if record.plugin]
    return {plugin.modality: Fixture(plugin).smallest().name for plugin in plugins}


def try_alone(modality: str, recipe: str, dist: Path, home: Path) -> None:
    venv.create(home, with_pip=False)
    site = next((home / "lib").glob("python*")) / "site-packages"
    others = [lib for m, libs in DOMAIN_LIBRARIES.items() if m != modality for lib in libs]
    # Libraries come from the environment that runs this; the packages themselves do not.
    shared = sysconfig.get_path("purelib")
    (site / "shared.pth").write_text(f"import blocked_domains\n{shared}\n")
    (site / "blocked_domains.py").write_text(BLOCKER.format(blocked=set(others), modality=modality))
    wheels = [next(dist.glob("unlabeled-0*.whl")), next(dist.glob(f"unlabeled_{modality}-*.whl"))]
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*install, "--target", str(site), *map(str, wheels)], check=True)
    code = STEPS.format(modality=modality, recipe=recipe)
    subprocess.run([str(home / "bin" / "python"), "-c", code], check=True, cwd=home)


BLOCKER = """
import importlib.abc
import sys


class Blocker(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        foreign = top.startswith("unlabeled_") and top != "unlabeled_{modality}"
        if top in {blocked!r} or foreign or top.startswith("__editable__"):
            raise ModuleNotFoundError(name + " belongs to another domain", name=name)


sys.meta_path.insert(0, Blocker())
"""


if __name__ == "__main__":
    main()
