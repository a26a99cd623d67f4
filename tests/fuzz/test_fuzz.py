"""Random damage: no traceback, no hang, no bomb, nothing half-written, nothing elsewhere.

`FUZZ_CASES=20000 FUZZ_SEED=1 python -m pytest -m slow tests/fuzz`; `tests.fuzz` says the rest.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.timeout(0)
def test_whatever_is_damaged_ends_well(tmp_path: Path) -> None:
    cases, seed = os.environ.get("FUZZ_CASES", "300"), os.environ.get("FUZZ_SEED", "0")
    command = ["-m", "tests.fuzz", "--cases", cases, "--seed", seed, "--keep", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    sys.stdout.write(done.stdout)
    assert done.returncode == 0, f"seed {seed}\n{done.stdout}{done.stderr}"
    first, last = map(json.loads, done.stdout.splitlines())
    assert (first["cases"], last["cases"], last["findings"]) == (int(cases), int(cases), 0)
