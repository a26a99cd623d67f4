"""`matey study arena`, as typed."""

import json
from pathlib import Path

import pytest

from tests.command import Matey
from tests.support import tiny_store

ARMS = (
    'arms={fno={settings={model={variant="fno",width=8,modes=4}},learning_rates=[1e-3,4e-3]},'
    'unet={settings={model={variant="unet",width=8,levels=2}}}}'
)
LINE = ("study", "arena", "--data", "data", "--seconds", 0.2, "--seeds", 2, "--set", ARMS)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a store on a line and one on a plane."""
    folder = tmp_path_factory.mktemp("arena")
    tiny_store(folder / "data", name="line_periodic", shape=(32,), samples=6, frames=10)
    tiny_store(folder / "data", name="plane_periodic", samples=6, frames=10)
    return folder


@pytest.mark.slow
def test_an_arena_on_stores_of_ones_own(matey: Matey, place: Path) -> None:
    plan = matey(*LINE, "--plan", "--json", cwd=place)
    assert plan.returncode == 0, plan.stderr
    # On both stores two learning rates are tried, and two models have two seeds.
    assert (json.loads(plan.stdout)["cells"], json.loads(plan.stdout)["finished"]) == (12, 0)

    done = matey(*LINE, "--json", cwd=place)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["cells"], report["finished"]) == (12, 12)
    assert [table["data"] for table in report["tables"]] == ["line_periodic", "plane_periodic"]
    for table in report["tables"]:
        by_name = {row["name"]: row for row in table["rows"]}
        assert list(by_name) == ["fno", "unet", "persistence", "linear", "local_linear"]
        assert by_name["fno"]["cost"]["learning_rate"] in (1e-3, 4e-3)
        assert by_name["fno"]["cost"]["parameters"] > 100
        assert list(by_name["fno"]["errors"]) == ["one step", "5", "6"]
        best = min(by_name[name]["errors"]["5"]["median"] for name in list(by_name)[2:])
        loses = by_name["unet"]["errors"]["5"]["median"] > best
        assert ("5" in by_name["unet"]["beaten"]) == loses

    shown = matey(*LINE, cwd=place)
    assert "12 cells, 12 of them finished" in shown.stderr
    assert "line_periodic: " in shown.stdout
    assert "Wrote runs/study-arena/report.md" in shown.stdout
    assert max(map(len, shown.stdout.splitlines())) <= 80


def test_mistakes_are_sentences(matey: Matey, place: Path) -> None:
    wrong = matey(*LINE, "--store", "plain_periodic", cwd=place)
    assert wrong.returncode == 2
    text = " ".join(wrong.stderr.split())
    assert "no store 'plain_periodic'; there are line_periodic, plane_periodic" in text
    unknown = matey("study", "arena", "--set", "second=3", cwd=place)
    assert unknown.returncode == 2
    assert "did you mean 'seconds'?" in " ".join(unknown.stderr.split())
