import pytest

from unlabeled.errors import RecipeError
from unlabeled.evaluation.settings import EvaluationSettings
from unlabeled.validation import validate


def test_a_probe_is_a_section_with_a_name():
    with pytest.raises(RecipeError, match=r"expected a section \{name: NAME"):
        validate(EvaluationSettings, {"probe": {"metric": "accuracy"}}, "evaluation")


def test_settings_round_trip():
    settings = EvaluationSettings(probe={"name": "knn", "k": 5}, baselines=("a/b",), folds=3)
    again = validate(EvaluationSettings, settings.model_dump(mode="json"), "evaluation")
    assert again == settings
