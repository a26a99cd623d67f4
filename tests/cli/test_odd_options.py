"""Options and settings that cannot be: one message, no fault of matey, nothing left behind."""

from pathlib import Path

import pytest

from tests.command import Matey
from tests.training import TOML

LONG = "x" * 300
TRAIN = ("pretrain", "--config", "settings.toml", "--steps", "1")
SETTINGS = (
    "optimizer.learning_rate=inf",
    "optimizer.learning_rate=nan",
    "clip=1e400",
    "weights.a=inf",
    "minutes=inf",
    "steps=2020-01-01",
    "steps=10:00:00",
    f"seed={10**30}",
    f"seed={10**300}",
    f"seed=1{'0' * 5000}",
    f"batch_size={10**11}",
    f"model.width={10**11}",
    "x=" + "[" * 5000,
    "a" + ".b" * 2000 + "=1",
    "name=" + LONG,
)
FILES = {
    "deep": b"a = " + b"[" * 100_000,
    "date": b"steps = 2020-01-01\n",
    "bytes": b"\xff\xfe",
    "number": b"seed = 1" + b"0" * 5000,
    "infinite": b"clip = inf\n",
}
LINES: tuple[tuple[str, ...], ...] = (
    *((*TRAIN, "--set", setting) for setting in SETTINGS),
    *(("pretrain", "--config", f"{name}.toml") for name in FILES),
    *(("study", "run", f"{name}.toml") for name in FILES),
    (*TRAIN, "--sequence-parallel", "1000000"),
    (*TRAIN, "--nproc", "1000000", "--batch-size", "1000000"),
    (*TRAIN, "--tokens-range", f"1,{10**20}"),
    (*TRAIN, "--runs", LONG),
    (*TRAIN, "--runs", "file"),
    (*TRAIN, "--runs", "file/runs"),
    (*TRAIN, "--data", LONG),
    (*TRAIN, "--name", LONG),
    ("pretrain", "--config", LONG),
    ("rollout", LONG),
    ("finetune", LONG),
    ("profile", LONG),
    ("profile", "--grid", "99999999,9999999"),
    ("tokenize-inspect", LONG),
    ("data", "inspect", LONG),
    ("data", "check", LONG),
    ("study", "run", LONG),
    ("prepare", "pdebench", LONG),
    ("prepare", "pdebench", "data", "--out", "file"),
    ("prepare", "pdebench", "data", "--out", "file/out"),
    ("simulate", "advection-1d", "--samples", "1", "--out", "file"),
    ("simulate", "advection-1d", "--samples", "1", "--out", LONG),
)


@pytest.mark.parametrize("line", LINES, ids=lambda line: " ".join(line)[:40])
def test_what_cannot_be_is_one_message(
    line: tuple[str, ...], project: Path, matey: Matey, tmp_path: Path
) -> None:
    (tmp_path / "data").symlink_to(project / "data")
    (tmp_path / "settings.toml").write_text(TOML)
    (tmp_path / "file").write_text("x")
    for name, content in FILES.items():
        (tmp_path / f"{name}.toml").write_bytes(content)
    before = sorted(tmp_path.iterdir())
    done = matey(*line, cwd=tmp_path)
    assert done.returncode in {1, 2}
    assert done.stderr.startswith("error: ")
    assert "fault of matey" not in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(tmp_path.iterdir()) == before
