import pytest
from reported import a_run

from unlabeled.errors import CollapseError, DataError, RunError
from unlabeled.training.failure import failure_noted


def failing(folder, error, *, write=True):
    with pytest.raises(type(error)), failure_noted(folder, write=write):
        raise error
    return folder.read()


def test_what_stopped_a_run_is_in_its_manifest_without_its_folder(tmp_path):
    folder = a_run(tmp_path / "run")
    found = failing(folder, RunError(f"step 3: the loss is not finite; see {folder.path}/x"))
    assert (found.status, found.failed) == ("stopped", "step 3: the loss is not finite; see RUN/x")
    assert found.ended
    assert failing(folder, CollapseError("step 9: collapsed")).failed == "step 9: collapsed"


def test_what_is_wrong_with_data_may_name_a_person_and_is_not_kept(tmp_path):
    folder = a_run(tmp_path / "run")
    assert failing(folder, DataError("smith.dcm: broken")).failed == ""


def test_only_one_process_writes(tmp_path):
    assert failing(a_run(tmp_path / "run"), RunError("no"), write=False).failed == ""
