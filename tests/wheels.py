"""Build every package, and try each plugin's wheel with the core alone: `make wheels`.

Each plugin gets a fresh environment with the core, the plugin and a path to the libraries that
are already here; what it must do there stands in `tests/alone.py`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

ALONE = Path(__file__).with_name("alone.py")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        dist = Path(folder) / "dist"
        for package in [ROOT / "core", *sorted((ROOT / "plugins").iterdir())]:
            build(package, dist)
        for plugin in sorted((ROOT / "plugins").iterdir()):
            try_alone(plugin.name, dist, Path(folder) / plugin.name)
            print(
                f"{plugin.name}: wheel and sdist built; alone it lists itself and trains two steps"
            )


def build(package: Path, dist: Path) -> list[Path]:
    """The wheel and the sdist, from a copy: what an earlier build left would be packed too."""
    with tempfile.TemporaryDirectory() as folder:
        source, made = Path(folder) / package.name, Path(folder) / "dist"
        shutil.copytree(package, source, ignore=shutil.ignore_patterns("*.egg-info", "build"))
        command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", made, source]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        dist.mkdir(parents=True, exist_ok=True)
        return [Path(shutil.copy(file, dist)) for file in sorted(made.iterdir())]


def try_alone(modality: str, dist: Path, home: Path) -> None:
    """`tests/alone.py` in a new environment: the two wheels, and a path to everybody's libraries.

    The packages of this repository do not come that way: their editable installs are undone by
    leaving out their `.pth` files, which are read for site directories alone.
    """
    venv.create(home, with_pip=False)
    site = next((home / "lib").glob("python*")) / "site-packages"
    (site / "shared.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    wheels = [next(dist.glob("unlabeled-0*.whl")), next(dist.glob(f"unlabeled_{modality}-*.whl"))]
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*install, "--target", str(site), *map(str, wheels)], check=True)
    command = [str(home / "bin" / "python"), str(ALONE), modality]
    subprocess.run(command, check=True, cwd=home, env=clean_environment())


def clean_environment() -> dict[str, str]:
    """Without the source trees that somebody may have put on the path."""
    return {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}


if __name__ == "__main__":
    main()
