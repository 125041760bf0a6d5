"""The outsider's plugin `tests/lab`, installed by pip into a folder of this test run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from unlabeled import discovery

LAB = Path(__file__).parent / "lab"


@contextmanager
def installed(folder: Path) -> Iterator[Path]:
    """Inside, the plugin is on the path of this process and of those that it starts."""
    source, site = shutil.copytree(LAB, folder / "source"), folder / "site"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    command = [*install, "--no-build-isolation", "--target", str(site), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(site))
        patch.setenv("PYTHONPATH", f"{site}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
        discovery.discover.cache_clear()
        yield site
    discovery.discover.cache_clear()
