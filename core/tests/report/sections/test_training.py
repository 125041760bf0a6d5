from reported import Checked, a_run, read, with_steps

from unlabeled.report.sections.training import figures_of, health, training


def test_the_loss_comes_first_and_health_explains_itself(tmp_path):
    run = a_run(tmp_path / "run")
    rank = {"health_effective_rank": 7.5}
    with_steps(run, [{"lr": 0.1, "loss_part": 1.0, "loss": 2.0, **rank} for _ in range(3)])
    found = figures_of(read(run), ("loss", "lr"))
    assert [each.name for each in found] == ["loss", "loss part", "lr"]
    assert found[0].last == 2.0
    assert "how many directions" in Checked(health(read(run)).body).text


def test_a_run_without_a_step_says_so_and_has_no_health(tmp_path):
    run = read(a_run(tmp_path / "run"))
    assert "No step was recorded yet" in training(run).body
    assert health(run) is None
