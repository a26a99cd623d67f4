"""Stores hand over what models are given beside the history."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from matey_core.data import Windows, given_of, measure_given
from matey_core.errors import ConfigError
from matey_core.runs.sources import sources_of
from matey_core.store import Store, open_store
from matey_core.workflows.prepare import PrepareConfig, prepare
from matey_core.workflows.simulate import SimulateConfig, simulate
from tests.support import tiny_store


@pytest.fixture(scope="module")
def poisson(tmp_path_factory: pytest.TempPathFactory) -> Store:
    out = tmp_path_factory.mktemp("poisson")
    simulate(SimulateConfig(simulator="poisson", out=out, grid=16, store=True, workers=1))
    return open_store(next((out / "zarr").iterdir()))


@pytest.fixture(scope="module")
def darcy(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """In the published layout, which has one frame."""
    out = tmp_path_factory.mktemp("darcy")
    simulate(SimulateConfig(simulator="darcy", out=out, grid=16, samples=4, workers=1))
    prepare(PrepareConfig(source=out, out=out / "stores"))
    return open_store(next((out / "stores").glob("**/*.zarr")))


def test_a_field_that_is_given_is_no_field_to_predict(poisson: Store) -> None:
    store = poisson.giving(("source", "k11", "nonsense"))
    assert store.spec.names == ("solution",)
    assert store.given == ("source", "k11")
    window = Windows(store, (3,), history=1, max_lead=1).batch([0], [[1]])
    both = poisson.read(3, 0, 2)
    assert torch.equal(window.given["source"][0], torch.from_numpy(both[0, 0]))
    assert window.given["k11"].tolist() == pytest.approx([poisson.parameters["k11"][3]])
    assert not window.history.any()
    assert window.targets is not None
    assert torch.equal(window.targets[0, 0, 0], torch.from_numpy(both[1, 1]))


def test_a_problem_of_one_frame_begins_with_zeros(darcy: Store) -> None:
    assert darcy.is_static
    assert darcy.giving(("nonsense",)).is_static
    store = darcy.giving(("diffusion_coefficient", "beta"))
    assert store.num_frames == 2
    assert np.diff(store.times()).tolist() == [store.spec.time_step]
    frames = store.read(1, 0, 2)
    assert not frames[0].any()
    assert np.array_equal(frames[1], darcy.read(1, 0, 1)[0])
    assert np.array_equal(store.read(1, 1, 2)[0], frames[1])
    given = store.read_given(1)
    assert np.array_equal(given["diffusion_coefficient"], darcy.read_static(1)[0])
    assert given["beta"] == 1.0


def test_positive_parameters_go_by_their_logarithm(poisson: Store) -> None:
    names = ("source", "k11", "k12", "mask", "nonsense")
    store, samples = poisson.giving(names), poisson.samples("train")
    scales = measure_given([(store, samples)], names)
    assert tuple(scales) == names[:-1]
    logs = np.log(poisson.parameters["k11"][list(samples)])
    assert scales["k11"].is_log
    assert scales["k11"].center == pytest.approx(logs.mean())
    assert scales["k11"].spread == pytest.approx(logs.std())
    assert scales["source"].spread == pytest.approx(poisson.statistics["source"]["std"])
    assert (scales["mask"].center, scales["mask"].spread) == (0.0, 1.0)
    assert all(scale.is_required for scale in scales.values())


def test_what_one_store_lacks_is_not_required(poisson: Store, darcy: Store) -> None:
    names = ("beta", "source")
    parts = [(each.giving(names), each.samples("train")) for each in (poisson, darcy)]
    scales = measure_given(parts, names)
    assert not any(scale.is_required for scale in scales.values())
    assert (scales["beta"].center, scales["beta"].spread) == (0.0, 1.0)  # log 1, without spread


def test_the_size_of_fields_is_in_units_of_the_training_data(poisson: Store) -> None:
    parts = [(poisson.giving(("size", "source")), poisson.samples("train"))]
    scales = measure_given(parts, ("size", "source"))
    assert tuple(scales) == ("size:solution", "source")
    own = poisson.statistics["solution"]
    assert scales["size:solution"].spread == pytest.approx(own["std"])
    assert not scales["size:solution"].is_required


def test_the_mask_is_where_cells_are_missing(tmp_path: Path) -> None:
    store = open_store(tiny_store(tmp_path)).giving(("mask",))
    history = torch.zeros(2, 3, 2, 4, 4)
    history[1, 2, 0, 1] = torch.nan
    history[1, 1, 0, 0] = torch.nan  # only in an earlier frame
    mask = given_of(store, (0, 1), history)["mask"]
    assert mask.sum().item() == 4
    assert mask[1, 1].tolist() == [1.0] * 4


def test_what_an_objective_reads_is_handed_over_and_not_given(poisson: Store) -> None:
    cut = partial(sources_of, [poisson], history=1, max_lead=1, choose=lambda s: s.samples("train"))
    (source,), notes = cut(given=("source",), reads=("k11", "mass", "solution"))
    assert source.store.spec.names == ("solution",)
    assert source.store.given == ("source", "k11")
    batch = source.training.batch([1, 0], [[1], [1]])
    first, second, *_ = source.training.samples
    expected = poisson.parameters["k11"][[second, first]].astype(np.float32)
    assert batch.given["k11"].tolist() == expected.tolist()
    assert "Given beside the history: source." in notes
    assert "No store has mass, solution, which is what the objective reads." in notes
    other = replace(poisson, parameters={})
    both = partial(cut.func, [poisson, other], **cut.keywords)
    assert f"{other.name} has nothing of what the objective reads." in both(reads=("k11",))[1]
    with pytest.raises(ConfigError, match=r"No store has mass.* parameters are e, k11, k12, k22"):
        cut(given=("source",), reads=("mass",))
