import pytest

from unlabeled.data.labels import read_labels
from unlabeled.data.mask_files import mask_files
from unlabeled.errors import DataError


@pytest.fixture
def labels(tmp_path):
    (tmp_path / "masks").mkdir()
    for name in "ab":
        (tmp_path / f"masks/{name}.png").touch()

    def write(*values):
        rows = "\n".join(f"{n},{value}" for n, value in enumerate(values))
        (tmp_path / "labels.csv").write_text(f"item,mask\n{rows}\n")
        return mask_files(read_labels(tmp_path / "labels.csv"), "mask", tmp_path)

    return write


def test_names_of_files_are_found_beside_the_table(labels, tmp_path):
    paths = [tmp_path / "masks/a.png", None, tmp_path / "masks/b.png"]
    assert labels("masks/a.png", "", "masks/b.png") == paths


@pytest.mark.parametrize("values", [("cat", "dog"), (1, 2), (0.5, 2.5), ("x.png", "y.png")])
def test_other_values_are_no_masks(labels, values):
    assert labels(*values) is None


def test_a_file_that_is_not_there_is_named(labels):
    with pytest.raises(DataError, match=r"labels.csv, row 3, .* 'masks/c.png'"):
        labels("masks/a.png", "masks/c.png")
