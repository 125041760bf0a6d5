import json
from dataclasses import replace

from reported import Checked, a_run, evaluated, judged, read

from unlabeled.report.sections.evaluation import bars, evaluation


def test_every_table_has_a_chart_of_what_is_defined(tmp_path):
    run = a_run(tmp_path / "run")
    evaluated(run, judged())
    found = Checked(evaluation(read(run)).body)
    assert found.tags.count("svg") == 2
    assert "HD95, mm, labels 5" in found.text
    assert bars(judged().further[0]).count("<circle") == 1  # that of random ones is undefined


def test_a_restoration_is_not_sent_to_a_probe(tmp_path):
    run = a_run(tmp_path / "run")
    assert "--labels labels.csv" in evaluation(read(run)).body
    run.encoder.mkdir()
    config = {"provenance": {"kind": "restoration"}}
    (run.encoder / "config.json").write_text(json.dumps(config))
    assert "restores its input" in evaluation(read(run)).body


def test_scores_at_numeric_conditions_are_curves_beside_the_tables(tmp_path):
    run, found = a_run(tmp_path / "run"), judged()
    few = tuple(replace(found.headline, at={"labels": count}) for count in (1, 5, 20))
    evaluated(run, replace(found, further=few))
    body = evaluation(read(run)).body
    assert f"{found.headline.heading} by labels" in Checked(body).text
    assert body.count('class="band random"') == 1
