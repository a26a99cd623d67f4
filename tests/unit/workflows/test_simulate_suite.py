"""`matey simulate suite`: what it consists of, and what is kept when it is called again."""

from pathlib import Path

import pytest

from matey_core.errors import ConfigError
from matey_core.simulators import SIMULATORS
from matey_core.workflows import simulate_suite
from matey_core.workflows.simulate import target
from matey_core.workflows.simulate_suite import SuiteConfig, entries
from matey_core.workflows.simulate_suite.entries import SUITES, Member

SMALL = (
    Member(use="pretraining", simulator="shallow_water", samples=2, grid=16, steps=2),
    Member(use="finetuning", simulator="mhd_cavity", samples=2, grid=16, steps=2),
)


@pytest.mark.parametrize("scale", SUITES)
def test_every_member_can_be_built_and_has_a_file_of_its_own(
    scale: entries.Scale, tmp_path: Path
) -> None:
    config = SuiteConfig(scale=scale, out=tmp_path)
    jobs = [simulate_suite._job(config, member) for member in SUITES[scale]]
    paths = [
        target(job.model_copy(update={"store": store}), job.resolved().build())
        for job in jobs
        for store in (False, True)
    ]
    assert len(set(paths)) == 2 * len(jobs)
    assert {member.use for member in SUITES[scale]} == {"pretraining", "finetuning"}
    assert {member.simulator for member in SUITES[scale]} <= set(SIMULATORS.names())


def test_the_published_size_is_the_solvers_default() -> None:
    for member in SUITES["paper"]:
        assert (member.grid, member.steps) == (None, None)


@pytest.mark.parametrize("store", [False, True])
def test_members_that_are_there_are_kept_if_they_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: bool
) -> None:
    monkeypatch.setitem(SUITES, "tiny", SMALL)
    config = SuiteConfig(out=tmp_path, store=store)
    first = simulate_suite.simulate_suite(config)
    assert [member.report.samples for member in first.members if member.report] == [2, 2]
    assert all(member.path.exists() for member in first.members)
    again = simulate_suite.simulate_suite(config)
    assert [member.report for member in again.members] == [None, None]
    with pytest.raises(ConfigError, match="was made with seed 0, not 5"):
        simulate_suite.simulate_suite(SuiteConfig(out=tmp_path, store=store, seed=5))
    more = simulate_suite.simulate_suite(
        SuiteConfig(out=tmp_path, store=store, seed=5, overwrite=True)
    )
    assert all(member.report for member in more.members)
