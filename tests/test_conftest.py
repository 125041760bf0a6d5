"""`make test` says how many tests it leaves out, by one process or several."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TESTS = """
import pytest

def test_quick(): ...

@pytest.mark.thorough
@pytest.mark.parametrize("n", range(3))
def test_slow(n): ...
"""


@pytest.mark.parametrize("processes", ["0", "2"])
def test_what_is_left_out_is_counted(tmp_path, processes):
    shutil.copy(ROOT / "conftest.py", tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = thorough: slow\n")
    (tmp_path / "test_some.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-n", processes, "-m", "not thorough"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "3 thorough tests left out; `make check-all` runs them" in ran.stdout


def test_the_makefile_leaves_out_what_the_conftest_counts():
    assert '-m "not thorough"' in (ROOT / "Makefile").read_text(encoding="utf-8")
