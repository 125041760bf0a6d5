"""The conformance kit over everything in the manifest."""

import pytest

from unlabeled.conformance import checks_for
from unlabeled_tabular.plugin import plugin

CHECKS = [
    pytest.param(check, id=check.name, marks=[pytest.mark.thorough] * check.repeated)
    for check in checks_for(plugin)
]


@pytest.mark.parametrize("check", CHECKS)
def test_contract(check):
    if check.expected_failure:
        pytest.skip(check.expected_failure)
    check.run()
