import importlib.util
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parent.parent / "docs" / "objectives.py"


def script():
    spec = importlib.util.spec_from_file_location("docs_objectives", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


ENTRIES = script().entries()


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_every_loss_has_source_formula_test_and_benchmark(entry):
    assert entry.lacks() == []


def test_no_loss_is_forgotten():
    names = {entry.name for entry in ENTRIES}
    builtin = importlib.import_module("unlabeled.builtin")
    assert set(builtin.OBJECTIVES) <= names
    assert {"masked_regression", "scaled_cosine_error", "patch_info_nce", "bce"} <= names


def test_the_page_is_up_to_date():
    module = script()
    assert module.PAGE.read_text(encoding="utf-8") == module.page()
