"""The loader in use: settings reach it, its guide is true, a run goes on where it was."""

import json
import re
from pathlib import Path

import pytest

from matey_core.errors import CheckpointError, ConfigError
from matey_core.workflows.pretrain import PretrainConfig, pretrain, resume
from tests.support import tiny_store

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "loader.md"
SMALL = {
    "preset": "ti",
    "width": 32,
    "depth": 1,
    "heads": 2,
    "tokenizer": {"name": "uniform", "patch": [8]},
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two small stores in `data`."""
    for name in ("a_periodic", "b_periodic"):
        tiny_store(tmp_path / "data", name=name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def settings(**changes: object) -> PretrainConfig:
    values = {"history": 3, "max_lead": 2, "steps": 6, "batch_size": 2, "device": "cpu"}
    values |= {"precision": "float32", "objective": "one_step"}  # `auto` measures
    return PretrainConfig.model_validate({**values, "model": SMALL, **changes})


def stores_of(run: Path) -> list[str]:
    rows = [json.loads(line) for line in (run / "journal.jsonl").read_text().splitlines()]
    return [row["store"] for row in rows if row["event"] == "step"]


def test_the_guide_is_true(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    exec(compile(block, "loader.md", "exec"), {"__name__": "loader"})
    lines = capsys.readouterr().out.splitlines()
    # Two training trajectories of seven windows in each store: 28 windows, 4 batches.
    assert len(lines) == 4 + 1
    assert all("(8, 4, 2, 16, 16)" in line for line in lines[:-1])
    assert [line.split()[0] for line in lines[:-1]].count("a_periodic") == 3
    assert "'epoch': 1, 'position': 0" in lines[-1]


def test_weights_choose_stores_and_workers_change_nothing(project: Path) -> None:
    only = pretrain(settings(weights={"b_periodic": 0}, workers=0))
    assert set(stores_of(only.run)) == {"a_periodic"}
    runs = [pretrain(settings(workers=workers)).run for workers in (0, 3)]
    models = [(run / "model" / "model.safetensors").read_bytes() for run in runs]
    assert models[0] == models[1]
    with pytest.raises(ConfigError, match=r"weights names c; the stores are a_periodic, b_per"):
        pretrain(settings(weights={"c": 1}))


def test_a_run_with_other_weights_is_not_resumed(project: Path) -> None:
    report = pretrain(settings(validate_every=3, name="run"))
    pointer = report.run / "checkpoints" / "last"
    state = report.run / "checkpoints" / pointer.read_text().strip() / "state.json"
    saved = json.loads(state.read_text())["mixture"]
    assert (saved["seed"], saved["epoch"], saved["position"]) == (0, 0, 6)
    assert saved["stores"]["a_periodic"]["windows"] == 16
    config = report.run / "config.toml"
    text = config.read_text().replace("steps = 6", "steps = 8")
    config.write_text(text.replace("[weights]", "[weights]\na_periodic = 5.0"))
    with pytest.raises(CheckpointError, match="a_periodic had 8 batches an epoch, not 13"):
        resume(project / "runs", "run")
