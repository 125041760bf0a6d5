import pytest

from unlabeled.conformance import checks_for
from unlabeled_medical.plugin import plugin


@pytest.mark.parametrize("check", list(checks_for(plugin)), ids=lambda check: check.name)
def test_contract(check):
    check.run()
