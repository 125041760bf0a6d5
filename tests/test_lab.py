"""Methods of many kinds fit the contract: an outsider's plugin, installed by pip, with labels,
teachers, second networks, inner steps, rankings, letters, absent inputs and reference models."""

from __future__ import annotations

import pytest
from lab_plugin import installed

from unlabeled import discovery
from unlabeled.conformance import checks_for


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    with installed(tmp_path_factory.mktemp("lab")):
        [found] = [each for each in discovery.discover() if each.modality == "lab"]
        assert found.healthy, found.problem
        yield found.plugin


def test_every_method_keeps_the_contract(lab):
    failures = []
    for check in checks_for(lab):
        try:
            check.excused or check.run()
        except Exception as error:
            failures.append(f"{check.name}: {type(error).__name__}: {error}")
    assert not failures, "\n".join(failures)
