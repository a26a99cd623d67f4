"""What the README leads to, typed literally, ends with a picture, a report or a model."""

from pathlib import Path

import pytest

from tests.journeys.journeys import JOURNEYS, Journey
from tests.terminal import has_terminal, terminal

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not has_terminal(), reason="needs tmux, which draws the terminal"),
]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("journey", JOURNEYS, ids=lambda journey: journey.name)
def test_a_journey_ends_where_it_should(journey: Journey, tmp_path: Path) -> None:
    folder, scratch = tmp_path / "home", tmp_path / "scratch"
    folder.mkdir()
    scratch.mkdir()
    journey.prepare(folder)
    with terminal(folder, scratch) as shell:
        journey.walk(shell)
        text = shell.text()
    failed = [typed.line for typed in shell.typed if typed.code]
    # A file that does not say what its dims are is asked about once.
    assert failed == [shell.typed[0].line] * (journey.name in ("netcdf", "hdf5")), text
    assert "Traceback" not in text
    assert "fault of matey" not in text
    for pattern in journey.ends:
        assert list(folder.glob(pattern)), f"{pattern}\n{text}"
