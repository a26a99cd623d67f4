"""Every command that reads stores reads them from object storage."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.s3 import s3_bucket
from tests.support import tiny_source


def matey(folder: Path, *words: str) -> dict:
    done = subprocess.run(
        [sys.executable, "-m", "matey_cli", *words, "--json"],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "Unclosed" not in done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
def test_the_whole_job_on_a_bucket(tmp_path: Path) -> None:
    tiny_source(tmp_path / "flow.h5", shape=(32, 32), samples=8)
    small = ["--set", "model.depth=1", "--set", "model.width=32", "--set", "model.heads=2"]
    with s3_bucket() as bucket:
        url = f"{bucket}/stores"
        matey(tmp_path, "prepare", "pdebench", "flow.h5", "--out", url, "--compress", "zstd")
        run = matey(
            tmp_path, "pretrain", "--data", url, "--steps", "4", "--batch-size", "2", *small
        )
        assert run["steps"] == 4
        end = tmp_path / "runs/pretrain-001/config.toml"
        end.write_text(end.read_text().replace("steps = 4\n", "steps = 6\n"))
        assert matey(tmp_path, "pretrain", "--resume", "--data", url)["steps"] == 6
        tuned = matey(tmp_path, "finetune", "--data", url, "--steps", "2", "--batch-size", "2")
        assert tuned["steps"] == 2
        report = matey(tmp_path, "rollout", "--steps", "2", "--data", url)
        assert report["stores"]
        assert matey(tmp_path, "tokenize-inspect", f"{url}/flow.zarr")["source"].startswith(bucket)
        matey(tmp_path, "data", "check", url)
        matey(tmp_path, "data", "inspect", f"{url}/flow.zarr")
