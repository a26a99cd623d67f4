"""Windows that a large lead time costs are named, and can be had back."""

from pathlib import Path

from matey_core.runs.sources import sources_of
from matey_core.store import open_store
from tests.support import tiny_store


def test_many_lost_windows_are_said_and_leads_available_has_them(tmp_path: Path) -> None:
    store = open_store(tiny_store(tmp_path, samples=5, frames=12, split=(0.8, 0.2, 0)))
    counts, said = {}, {}
    for max_lead in (4, 10):
        for leads in ("all", "available"):
            (source,), notes = sources_of(
                [store],
                history=2,
                max_lead=max_lead,
                choose=lambda store: store.samples("train"),
                leads=leads,
            )
            counts[max_lead, leads] = len(source.training)
            said[max_lead, leads] = " ".join(notes)
            assert source.validation is not None
            assert len(source.validation) == 12 - 2 - max_lead + 1  # all errors of the same windows
    assert counts == {
        (4, "all"): 4 * 7,
        (4, "available"): 4 * 10,
        (10, "all"): 4,
        (10, "available"): 4 * 10,
    }
    assert said.pop((10, "all")) == (
        "tiny_periodic: 4 of 40 windows have every lead time up to 10. Train on all with "
        "--leads available."
    )
    assert not any(said.values())
