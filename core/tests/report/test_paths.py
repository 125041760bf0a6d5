import pytest

from unlabeled.report.paths import shortened


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/home/me/data/a.csv", "…/a.csv"),
        ("read from '/home/me/my data.csv' twice", "read from '…/my data.csv' twice"),
        ("~/runs/birds", "…/birds"),
        ("C:\\Users\\me\\x.wav", "…/x.wav"),
        ("file:///srv/scans/17.nii", "…/17.nii"),
        ("table=/srv/x.csv", "table=…/x.csv"),
        ("graph/gin on clips/a.flac, 3/4", "graph/gin on clips/a.flac, 3/4"),
        ("arXiv:2210.02885", "arXiv:2210.02885"),
        ("items / second", "items / second"),
        ("data:image/png;base64,AA//B/C/", "data:image/png;base64,AA//B/C/"),
    ],
)
def test_folders_of_absolute_paths_are_left_out(text, shown):
    assert shortened(text) == shown
