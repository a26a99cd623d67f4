"""Help, suggestions, exit codes and streams of the command line."""

import json
import resource
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from matey_cli.lazy import summaries
from tests.command import Matey
from tests.support import tiny_source

COMMANDS = tuple(summaries())


def test_help_lists_every_command_with_a_summary(matey: Matey) -> None:
    result = matey("--help")
    assert result.returncode == 0
    for name, summary in summaries().items():
        assert name in result.stdout
        assert 10 < len(summary) <= 60
        assert summary.endswith(".")
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_help_shows_the_main_job_one_command_a_line(matey: Matey) -> None:
    text = matey("--help").stdout
    assert "\\b" not in text
    assert "\b" not in text
    assert "\n\n    matey prepare pdebench ./data\n    matey pretrain\n    matey finetune " in text


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_shows_examples_and_global_options(matey: Matey, command: str) -> None:
    result = matey(command, "--help")
    assert ("laptop" in result.stdout) == (
        command in ("pretrain", "plan", "config")
    )  # its settings hold a model's
    assert result.returncode == 0
    assert f"  matey {command}" in result.stdout
    assert "\\b" not in result.stdout
    for option in ("--json", "--quiet", "--debug", "--help"):
        assert option in result.stdout


def test_without_arguments_shows_help(process: Matey) -> None:
    result = process()
    assert result.returncode == 0
    assert result.stdout.startswith("Usage: matey")


def test_help_is_fast(process: Matey) -> None:
    times = [processor_time_of_children()]
    for _ in range(3):
        process("--help")
        times.append(processor_time_of_children())
    assert min(after - before for before, after in pairwise(times)) < 0.6


def processor_time_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from matey_cli.app import _run\n"
        f"for command in {COMMANDS}: assert _run([command, '--help']) == 0\n"
        "assert _run(['--help']) == 0\n"
        "print(*{'torch', 'zarr', 'xarray', 'h5py', 'numpy'} & set(sys.modules),"
        " file=sys.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0
    assert result.stderr.strip() == ""


@pytest.mark.parametrize("arguments", [["--version"], ["prepare", "--version"]])
def test_version_before_and_after_the_command(matey: Matey, arguments: list[str]) -> None:
    from matey_core import __version__

    assert matey(*arguments).stdout == f"matey {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "suggestion"),
    [
        (["prepar"], "prepare, report"),
        (["tokenize-inspct"], "tokenize-inspect"),
        (["tokenize-inspect", "--gama", "0.1"], "--gamma"),
        (["prepare", "pdebench", "--dryrun"], "--dry-run"),
    ],
)
def test_mistyped_names_are_suggested(matey: Matey, arguments: list[str], suggestion: str) -> None:
    result = matey(*arguments)
    assert result.returncode == 2
    assert result.stderr.startswith("error: ")
    assert f"Did you mean {suggestion}?".replace("'", "") in result.stderr.replace("'", "")
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_a_users_mistake_is_one_message_and_a_remedy(matey: Matey) -> None:
    result = matey("tokenize-inspect", "nowhere.h5")
    assert result.returncode == 2
    assert result.stderr.splitlines() == [
        "error: nowhere.h5 does not exist, and data has no store of that name.",
        "  Name a store, a source file, or a folder with stores.",
    ]


@pytest.mark.parametrize("place", ["before", "after"])
def test_errors_are_json_where_asked_for(matey: Matey, place: str) -> None:
    command = ["tokenize-inspect", "nowhere.h5"]
    result = matey(*(["--json", *command] if place == "before" else [*command, "--json"]))
    assert result.stdout == ""
    found = json.loads(result.stderr)
    assert found["exit_code"] == result.returncode == 2
    assert "nowhere.h5" in found["error"]
    assert found["remedy"]


def test_debug_shows_the_traceback(matey: Matey) -> None:
    result = matey("tokenize-inspect", "nowhere.h5", "--debug")
    assert result.returncode == 2
    assert "Traceback" in result.stderr
    assert "DataError" in result.stderr


def test_completion_names_commands_and_options(process: Matey) -> None:
    def complete(words: str, index: int) -> list[str]:
        found = process(_MATEY_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=str(index))
        return found.stdout.split()

    assert complete("matey prof", 1) == ["profile"]
    assert "--gamma" in complete("matey tokenize-inspect --ga", 2)


def test_a_closed_pipe_is_quiet() -> None:
    code = f"{sys.executable} -m matey_cli --help | true"
    result = subprocess.run(
        ["bash", "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert result.stderr == ""


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
@pytest.mark.parametrize("command", ["--version", "--quiet data inspect data"])
def test_closed_streams_are_no_fault(tmp_path: Path, closed: str, command: str) -> None:
    tiny_source(tmp_path / "data" / "a.hdf5")
    code = f"{sys.executable} -m matey_cli {command} {closed}"
    result = subprocess.run(
        ["bash", "-c", code], capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path
    )
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_output_to_a_full_disk_ends_with_an_error_only() -> None:
    code = f"{sys.executable} -m matey_cli --help > /dev/full"
    result = subprocess.run(
        ["bash", "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 1
    assert "The disk is full" in result.stderr
    assert "Traceback" not in result.stderr
