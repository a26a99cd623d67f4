"""`matey simulate` as it is typed."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import pytest

from matey_cli.app import main

Typed = Callable[[str], tuple[object, str, str]]


@pytest.fixture
def typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Typed:
    """Run a command line in an empty folder; return exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def run(line: str) -> tuple[object, str, str]:
        monkeypatch.setattr(sys, "argv", ["matey", *line.split()])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, *capsys.readouterr()

    return run


def test_json_is_one_document_about_the_file(typed: Typed, tmp_path: Path) -> None:
    code, out, _ = typed("simulate diffusion-reaction --samples 2 --grid 8 --json")
    report = json.loads(out)
    assert code == 0
    assert report["shape"] == [101, 8, 8, 2]
    assert report["diverged"] == []
    with h5py.File(tmp_path / report["path"]) as file:
        assert list(file) == ["0000", "0001"]


def test_the_table_says_where_it_is(typed: Typed) -> None:
    code, out, err = typed("simulate diffusion-reaction --samples 1 --grid 8 --out there")
    assert code == 0
    assert "there/2D/diffusion-reaction/2D_diff-react_NA_NA.h5" in out
    assert "101×8×8×2" in out
    assert err == ""


def test_list_names_what_can_be_typed(typed: Typed) -> None:
    code, out, _ = typed("simulate --list --json")
    assert code == 0
    assert "diffusion-reaction" in [entry["name"] for entry in json.loads(out)["simulators"]]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("simulate", "No simulator is named"),
        ("simulate difusion-reaction", "Did you mean"),
        ("simulate diffusion-reaction --samples 0", "--samples"),
        ("simulate diffusion-reaction --seed 9995", "four digits"),
    ],
)
def test_mistakes_end_with_code_2_and_one_message(
    typed: Typed, tmp_path: Path, line: str, message: str
) -> None:
    code, out, err = typed(line)
    assert (code, out) == (2, "")
    assert message in err
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []
