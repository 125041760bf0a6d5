import csv

from unlabeled_medical.readers.reports import Reports
from unlabeled_medical.synthetic_reports import WORDS, write_reports


def test_the_same_seed_writes_the_same_reports(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        write_reports(tmp_path / name, count=9, seed=2)
    one, other = ((tmp_path / n / "reports.csv").read_text() for n in "ab")
    assert one == other


def test_a_report_names_signs_of_its_label_alone(tmp_path):
    write_reports(tmp_path, count=16, seed=0)
    with (tmp_path / "labels.csv").open() as file:
        labels = {row["item"]: row["label"] for row in csv.DictReader(file)}
    for item in Reports().index(tmp_path):
        [text] = Reports().read(item)
        named = {kind for kind, signs in WORDS.items() if any(sign in text for sign in signs)}
        assert named == {labels[item.id]}
