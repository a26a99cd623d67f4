"""Profiles: counts against formulas, shares that add up, combinations that cannot be."""

from pathlib import Path

import pytest
import torch

from matey_core.errors import ConfigError, DataError, ShapeError
from matey_core.models import ModelConfig
from matey_core.models.fno import FnoConfig
from matey_core.models.matey import MateyConfig
from matey_core.models.pyramid import PyramidConfig
from matey_core.models.pyramid.settings import PYRAMID_PRESETS
from matey_core.models.unet import UnetConfig
from matey_core.profiling import PARTS, SyntheticBatches, count_flops
from matey_core.tokenizers import TokenizerConfig
from matey_core.workflows.profile import profile
from matey_core.workflows.profile.settings import ProfileConfig
from matey_core.workflows.profile.subject import subject_of
from tests.support import tiny_store
from tests.unit.workflows.runs import tiny_run


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    tiny_run(folder, tiny_store(folder, shape=(16, 24), samples=4))
    return folder


@pytest.fixture
def config(project: Path) -> ProfileConfig:
    return ProfileConfig(
        runs=project / "runs", data=project, batch_size=2, precision="float32", seconds=0.05
    )


def stages_flops(rows: int, width: int, channels: int) -> int:
    """Forward operations of a 2-D stem or head on `rows` cells of 8 points a side."""
    inner, factor = width // 4, 2 * 2
    points = rows * 8**2
    finest = 2 * points * channels * inner + 2 * factor * channels * inner * inner
    middle = 2 * points // factor * inner * inner
    coarsest = 2 * rows * factor * inner * width
    return finest + middle + coarsest


def test_counted_operations_of_uniform_full_attention_equal_the_formula() -> None:
    width, depth, batch, frames, channels = 96, 3, 2, 3, 2
    settings = TokenizerConfig(name="uniform", patch=(8,))
    config = MateyConfig(width=width, depth=depth, heads=3, scheme="full", tokenizer=settings)
    model = config.build(fields=["u", "v"], num_axes=[2])
    data = next(SyntheticBatches(["u", "v"], (64, 48), history=frames, batch_size=batch))
    cells = 8 * 6
    assert model.count_tokens(data).tolist() == [cells] * batch
    counted = count_flops(lambda: model(data).values.sum())

    rows = batch * cells * frames
    linear = 2 * rows * 12 * width**2 * depth
    attention = 4 * batch * (cells * frames) ** 2 * width * depth
    stem = stages_flops(rows, width, 2 * channels)
    head = stages_flops(batch * cells, width, channels)
    condition = 2 * batch * (7 * width**2 + 34 * width)
    position = 2 * batch * cells * width * (117 + width)
    forward = linear + attention + stem + head + condition + position
    assert counted.forward == pytest.approx(forward, rel=0.01)
    # Backward, every product is done for its inputs and its weights; attention also
    # computes its scores anew. Fields, places and lead times need no gradient themselves.
    inputs = 2 * rows * 8**2 * 2 * channels * width // 4 + position / 2
    backward = 2 * (forward - attention) + 2.5 * attention - inputs
    assert counted.backward == pytest.approx(backward, rel=0.01)


def test_the_newest_run_and_its_data_are_measured(config: ProfileConfig) -> None:
    report = profile(config)
    (row,) = report.rows
    cost = row.cost
    assert cost is not None
    assert (report.data, report.grid, report.history) == ("tiny_periodic", (16, 24), 3)
    assert (row.scheme, row.tokenizer, row.patch) == ("full", "adap_mix", (8, 4))
    assert set(cost.shares) == set(PARTS) - {"blocks"}
    assert sum(cost.shares.values()) == pytest.approx(1, abs=1e-9)
    assert min(cost.shares[part] for part in ("loader", "stem", "attention", "mlp", "head")) > 0
    assert 6 <= cost.tokens <= 24
    assert cost.samples_per_second == pytest.approx(2 / cost.step_seconds)
    assert cost.peak_fraction == pytest.approx(
        cost.flops.total / cost.step_seconds / report.matmul_peak
    )
    assert 1e8 < cost.peak_memory < 8e9
    assert cost.num_steps >= 3


def test_parameters_are_all_there(config: ProfileConfig) -> None:
    cost = profile(config).rows[0].cost
    assert cost is not None
    torch.manual_seed(0)
    model = MateyConfig(width=24, depth=1, heads=3, tokenizer=TokenizerConfig(patch=(8, 4))).build(
        fields=["density", "velocity_x"], num_axes=[2]
    )
    assert sum(cost.parameters.values()) == sum(p.numel() for p in model.parameters())
    assert set(cost.parameters) == {"stem", "head", "fields", "attention"}


def test_compare_names_what_is_impossible(config: ProfileConfig) -> None:
    report = profile(config.model_copy(update={"compare": True, "tokens": 12}))
    rows = {(row.scheme, row.tokenizer, row.patch): row for row in report.rows}
    assert len(rows) == 12
    impossible = [key for key, row in rows.items() if row.cost is None]
    assert impossible == [("axial", "adap_mix", (8, 4))]
    assert "no grid" in rows[impossible[0]].impossible
    tokens = {key[1:]: row.cost.tokens for key, row in rows.items() if row.cost}
    assert tokens["uniform", (8,)] == 2 * 3
    assert tokens["uniform", (4,)] == 4 * 6
    assert tokens["adap_mix", (8, 4)] == 12
    full = {key[1:]: row.cost.flops.total for key, row in rows.items() if key[0] == "full"}
    assert full["uniform", (8,)] < full["adap_mix", (8, 4)] < full["uniform", (4,)]


def test_options_replace_what_the_run_says(config: ProfileConfig) -> None:
    update = {"tokenizer": "uniform", "patch": (4,), "scheme": "axial", "grid": (16,), "fields": 3}
    report = profile(config.model_copy(update={**update, "history": 2}))
    (row,) = report.rows
    assert (report.data, report.history, len(report.fields)) == ("synthetic", 2, 3)
    assert (row.scheme, row.tokenizer) == ("axial", "uniform")
    assert row.cost is not None
    assert row.cost.tokens == 4


def test_a_preset_replaces_all_sizes_of_the_run(tmp_path: Path) -> None:
    own = {"width": 32, "depth": 1, "heads": 2, "channels_per_point": 12, "half_blocks": 1}
    settings = PyramidConfig(preset="s", tokenizer=TokenizerConfig(patch=(8, 4)), **own)
    tiny_run(tmp_path, tiny_store(tmp_path, shape=(16, 24), samples=4), settings=settings)
    asked = {"preset": "ti", "batch_size": 2, "precision": "float32", "seconds": 0.01}
    report = profile(ProfileConfig(runs=tmp_path / "runs", data=tmp_path, **asked))
    assert report.model.label == "ti (24, 96×2, pyramid)"
    assert report.model.dimensions == PYRAMID_PRESETS["ti"]


def test_a_budget_replaces_another(config: ProfileConfig) -> None:
    report = profile(config.model_copy(update={"tokens": 12}))
    assert report.model.tokenizer.tokens == 12
    assert report.rows[0].cost is not None
    assert report.rows[0].cost.tokens == 12


def test_a_newest_run_of_other_fields_does_not_keep_data_from_being_measured(
    config: ProfileConfig, tmp_path: Path
) -> None:
    tiny_store(tmp_path, name="other", fields=("height",))
    config = config.model_copy(update={"data": tmp_path})
    found = subject_of(config)
    assert found.store is not None
    assert (found.store.name, found.fields) == ("other", ("height",))
    assert found.case.base == ModelConfig.standard()
    run = next(path for path in config.runs.iterdir() if path.is_dir())
    assert subject_of(config.model_copy(update={"run": run})).store is None


def test_without_run_or_data_a_preset_is_measured_on_formula_fields(tmp_path: Path) -> None:
    config = ProfileConfig(
        runs=tmp_path, data=tmp_path, grid=(16, 16), batch_size=1, precision="float32", seconds=0.01
    )
    report = profile(config)
    assert report.model.sizes.width == 96
    assert report.data == "synthetic"
    batches = subject_of(config).batches()
    assert next(batches) is next(batches)  # made before the clock runs


@pytest.mark.parametrize(
    ("update", "error", "message"),
    [
        ({"scheme": "axial"}, ConfigError, "axial"),
        ({"scheme": "fulll"}, ConfigError, "fulll"),
        ({"patch": (8, 3)}, ConfigError, "coarse to fine"),
        ({"grid": (4, 4)}, ShapeError, "patch"),
        ({"grid": (8, 8, 8, 8)}, ConfigError, "8×8×8×8 points has 4 axes"),
        ({"store": "nothing"}, DataError, "no store 'nothing' .* such are: tiny_periodic"),
        ({"store": "tiny_periodic", "grid": (32, 32)}, ConfigError, "--grid cannot hold beside"),
        (
            {"store": "tiny_periodic", "fields": 3, "grid": (16, 24)},
            ConfigError,
            "--grid and --fields cannot hold beside",
        ),
        ({"store": "x", "data": Path("nowhere")}, DataError, "no store in nowhere: it does not"),
    ],
)
def test_mistakes_are_named(
    config: ProfileConfig, update: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        profile(config.model_copy(update=update))


def test_the_loss_objective_and_optimizer_are_the_runs_own(tmp_path: Path) -> None:
    store = tiny_store(tmp_path, shape=(16, 24), samples=4)
    method = {"loss": "relative_mse", "objective": {"name": "pushforward", "horizon": 3}}
    one_step = {"loss": "nrmse", "objective": "one_step"}
    plain = tiny_run(tmp_path / "plain", store, **one_step).path
    pushed = tiny_run(tmp_path / "pushed", store, **method).path
    asked = {"data": tmp_path, "batch_size": 2, "precision": "float32", "seconds": 0.01}
    once, thrice = (profile(ProfileConfig(run=run, **asked)) for run in (plain, pushed))
    assert once.method == "one_step of nrmse, muon"
    assert thrice.method == "pushforward of relative_mse, muon"
    assert once.rows[0].cost is not None
    assert thrice.rows[0].cost is not None
    ratio = thrice.rows[0].cost.flops.forward / once.rows[0].cost.flops.forward
    assert ratio == pytest.approx(3, rel=0.3)  # cells differ a little from call to call
    formula = profile(ProfileConfig(run=pushed, fields=2, grid=(16, 24), **asked))
    assert formula.data == "synthetic"
    assert formula.method == thrice.method


@pytest.mark.parametrize("settings", [FnoConfig.tiny(), UnetConfig.tiny()], ids=str)
def test_only_parts_that_a_model_has_are_listed(tmp_path: Path, settings: ModelConfig) -> None:
    tiny_run(tmp_path, tiny_store(tmp_path, shape=(16, 24), samples=4), settings=settings)
    report = profile(
        ProfileConfig(
            runs=tmp_path / "runs", data=tmp_path, batch_size=2, precision="float32", seconds=0.01
        )
    )
    assert report.rows[0].cost is not None
    shares = report.rows[0].cost.shares
    assert list(shares) == ["loader", "stem", "blocks", "head", "model", "optimizer", "other"]
    assert min(shares.values()) > 0
    assert sum(shares.values()) == pytest.approx(1, abs=1e-9)
