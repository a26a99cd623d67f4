"""The model still computes what it computed when its values were recorded."""

import json

import pytest

from tests.golden.record import CASES, RECORDED, fingerprint


@pytest.mark.parametrize("case", CASES)
def test_predictions_are_as_recorded(case: str) -> None:
    recorded = json.loads(RECORDED.read_text())
    assert case in recorded, f"No values for {case}. Record them: python -m tests.golden.record"
    assert fingerprint(case) == pytest.approx(recorded[case], rel=2e-4, abs=2e-5)
