"""Rollouts with moving patches: what the report, the states and the terminal say."""

import json
from pathlib import Path

import pytest
import xarray as xr

from matey_cli.commands.rollout import _artifact
from matey_core.errors import ConfigError
from matey_core.inference import Artifact, PatchPower
from matey_core.models.paper import PaperConfig
from matey_core.tokenizers import TokenizerConfig
from matey_core.workflows.rollout import RolloutReport, document_of, rollout
from matey_core.workflows.rollout.settings import RolloutConfig
from tests.support import tiny_store
from tests.unit.workflows.runs import TINY, tiny_run


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    store = tiny_store(folder, samples=4, shape=(32, 32), frames=7, split=(0.5, 0.25, 0.25))
    tiny_run(folder, store)
    return folder


def report(project: Path, **settings: object) -> RolloutReport:
    out = project / "-".join(map(str, settings.values()))
    config = {"runs": project / "runs", "out": out, "windows": 1, **settings}
    return rollout(RolloutConfig(**config))  # type: ignore[arg-type]


def test_shifts_follow_the_seed_and_are_written_down(project: Path) -> None:
    one, same, other, plain = (
        report(project, jitter=jitter, seed=seed, batch_size=size)
        for jitter, seed, size in ((True, 1, 8), (True, 1, 7), (True, 2, 8), (False, 1, 8))
    )

    def errors(each: RolloutReport) -> list[float]:
        return [lead.mean["nrmse"].error for lead in each.stores[0].rollout]

    assert errors(one) == errors(same)
    assert errors(one) != errors(other)
    assert errors(one) != errors(plain)
    assert one.stores[0].one_step == plain.stores[0].one_step
    with xr.open_zarr(one.stores[0].path) as states:
        assert states.attrs["provenance"]["jitter_seed"] == 1
    document = document_of(one)
    assert (document["jitter"], document["seed"], document["cycle"]) == (True, 1, None)
    lead = document["stores"][0]["rollout"][-1]
    assert set(lead["patch_power"]) == {"4", "8"}
    json.dumps(document["stores"][0]["artifacts"])


def test_a_model_of_two_sizes_cycles(project: Path) -> None:
    results = [report(project, cycle=cycle).stores[0] for cycle in (None, "ladder", "sizes")]
    errors = [[lead.mean["nrmse"].error for lead in result.rollout] for result in results]
    assert errors[0][0] == errors[1][0]
    assert errors[0][1] != errors[1][1]
    assert errors[0][0] != errors[2][0]


def test_what_cannot_move_is_refused(project: Path) -> None:
    one_size = TokenizerConfig(name="uniform", patch=(8,))
    of_one_size = TINY.model_copy(update={"tokenizer": one_size})
    store = project / "zarr/tiny_periodic.zarr"
    for number, (model, settings, message) in enumerate(
        [
            (PaperConfig.tiny(), {"jitter": True}, "cannot shift its patches"),
            (of_one_size, {"cycle": "ladder"}, "nothing to cycle through"),
        ]
    ):
        folder = project / f"other-{number}"
        folder.mkdir()
        tiny_run(folder, store, settings=model)
        with pytest.raises(ConfigError, match=message):
            rollout(RolloutConfig(runs=folder / "runs", **settings))  # type: ignore[arg-type]
        assert not list(folder.rglob("*.partial"))


LADDER = TINY.model_copy(
    update={"tokenizer": TokenizerConfig(name="adap_mix", patch=(16, 8, 4), tokens=70)}
)


@pytest.fixture(scope="module")
def bounded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on 64×64 points between walls: 16 cells of 16 points, or 25 where they move."""
    folder = tmp_path_factory.mktemp("bounded")
    store = tiny_store(
        folder, name="walls", samples=4, shape=(64, 64), frames=9, split=(0.5, 0.25, 0.25)
    )
    tiny_run(folder, store, settings=LADDER)
    return folder


def test_a_ladder_whose_cells_move_has_room_for_the_widest_shift(bounded: Path) -> None:
    """Cells of 8 points are 64, but 81 where they move: more than 70 tokens."""
    result = report(bounded, cycle="ladder", jitter=True).stores[0]
    assert result.steps == 6
    for lead in result.rollout:
        assert not any(score.not_finite for score in lead.mean.values())


def test_what_a_later_call_could_not_do_is_refused_before_the_first(bounded: Path) -> None:
    """25 tokens are the cells of the widest shift, and no tree on 20 roots has as many."""
    out = bounded / "refused"
    with pytest.raises(ConfigError, match="No tree of cells has 25 tokens"):
        rollout(RolloutConfig(runs=bounded / "runs", jitter=True, tokens=25, out=out))
    assert not out.exists()
    assert report(bounded, tokens=25, windows=2).stores[0].steps == 6


def test_a_cycle_says_which_of_its_calls_exceed_the_budget(bounded: Path) -> None:
    settings = {"steps": 1, "tokens": 70}
    plain, ladder, sizes, moved = (
        report(bounded, **settings, **more).budget
        for more in (
            {},
            {"cycle": "ladder"},
            {"cycle": "sizes"},
            {"cycle": "sizes", "jitter": True},
        )
    )
    assert plain.startswith("The budget of 70 tokens allows 70 tokens a frame")
    assert ladder == (
        f"{plain} Uniform passes of --cycle ladder have up to 256 tokens a frame, whatever the "
        "budget."
    )
    assert "--cycle sizes have up to 256 tokens" in sizes
    assert "--cycle sizes have up to 289 tokens" in moved
    enough = report(bounded, steps=1, tokens=256, cycle="ladder").budget
    assert "Uniform passes" not in enough
    assert report(bounded, steps=1, cycle="ladder").budget == ""


def test_the_sentence_names_field_patch_lead_and_what_to_do(project: Path) -> None:
    found = PatchPower(field="height", axis="x", patch=8, kind="edges", ratio=14.2, sigmas=9.0)
    plain, moved = (report(project, jitter=jitter) for jitter in (False, True))
    assert _artifact(Artifact(last=found, since=12), plain) == (
        "the error of height has 14 times the power of its surroundings at the edges of 8-point "
        "patches along x from lead 12 on: try --jitter."
    )
    assert _artifact(Artifact(last=found, since=12), moved).endswith(
        "train with --set jitter=true."
    )
