"""The formula of a forward pass against operations counted while one runs."""

from dataclasses import replace

import pytest
import torch

from matey_core.errors import ConfigError
from matey_core.models import Inputs
from matey_core.models.matey import MateyConfig
from matey_core.models.paper import PaperConfig
from matey_core.nn.shift import Shift
from matey_core.profiling import SyntheticBatches, count_flops
from matey_core.tokenizers import TokenizerConfig
from tests.formula import batch_of, spec_of

SCHEMES = ("full", "factorized", "axial")
TOKENIZERS = (
    {"name": "uniform", "patch": (4,)},
    {"name": "adap_mix", "patch": (8, 4), "tokens": 31},
    {"name": "adap_mix", "patch": (8, 4), "ratio": 0.5, "keep_parents": True},
    {"name": "adap_mix", "patch": (16, 8, 4), "tokens": 31},
    {"name": "adap_mix", "patch": (16, 8, 4), "ratio": 1.0},
    {"name": "adap_mul", "patch": (8, 4), "tokens": 30},
    {"name": "adap_mul", "patch": (8, 4), "ratio": 0.25},
    {"name": "adap_mul", "patch": (16, 8, 4), "ratio": 0.5},
)
NAMES = ["u", "v", "p"]


def inputs_of(grid: tuple[int, ...], *, frames: int = 3) -> Inputs:
    return Inputs(grid=grid, periodic=(True,) * len(grid), fields=3, frames=frames)


def counted(config: MateyConfig, inputs: Inputs, *, samples: int) -> int:
    """Operations of a real forward pass of some samples."""
    model = config.build(fields=NAMES, num_axes=[len(inputs.grid)])
    batches = SyntheticBatches(NAMES, inputs.grid, history=inputs.frames, batch_size=samples)
    batch = next(batches)
    return count_flops(lambda: model(batch).values.sum()).forward


def can_be(scheme: str, tokenizer: dict[str, object]) -> bool:
    return scheme != "axial" or tokenizer["name"] != "adap_mix"


@pytest.mark.parametrize("tokenizer", TOKENIZERS, ids=str)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_formula_is_what_is_counted(scheme: str, tokenizer: dict[str, object]) -> None:
    if not can_be(scheme, tokenizer):
        pytest.skip("cannot be")
    config = MateyConfig(
        width=48, depth=2, heads=2, scheme=scheme, tokenizer=TokenizerConfig(**tokenizer)
    )
    inputs = inputs_of((32, 48))
    cost = config.cost(inputs)
    assert cost.flops == pytest.approx(counted(config, inputs, samples=1), rel=1e-9)
    # The fields' kernels are made once for a batch, not once for each of its samples.
    assert cost.flops == pytest.approx(counted(config, inputs, samples=3) / 3, rel=0.01)


@pytest.mark.parametrize("grid", [(40,), (16, 24), (16, 8, 16)])
@pytest.mark.parametrize(
    "changes",
    [
        {"position": "fourier", "conditioning": "first_block"},
        {"position": "none", "trend": False},
        {"innovation": False, "trend": False, "details": False},
        {"measure": True, "kernel": "math"},
        {"measure": True, "scheme": "factorized"},
    ],
    ids=str,
)
def test_in_all_dimensions_with_all_switches(
    grid: tuple[int, ...], changes: dict[str, object]
) -> None:
    tokenizer = TokenizerConfig(patch=(8, 4), ratio=0.5)
    config = MateyConfig.model_validate(
        {"width": 32, "depth": 2, "heads": 2, "tokenizer": tokenizer, **changes}
    )
    inputs = inputs_of(grid, frames=2)
    cost = config.cost(inputs)
    assert cost.flops == pytest.approx(counted(config, inputs, samples=1), rel=1e-9)


def test_tokens_are_those_of_the_model() -> None:
    config = MateyConfig(
        width=32, depth=1, heads=2, tokenizer=TokenizerConfig(patch=(8, 4), tokens=37)
    )
    assert config.cost(inputs_of((48, 40))).tokens == 37


def test_with_padding_the_numbers_of_noise_stand_for_those_of_fields() -> None:
    config = MateyConfig(
        width=32, depth=2, heads=2, tokenizer=TokenizerConfig(patch=(16, 8, 4), tokens=40)
    )
    inputs = inputs_of((37, 42))
    torch.manual_seed(0)
    cost = config.cost(inputs)
    assert cost.tokens == 40
    assert cost.flops == pytest.approx(counted(config, inputs, samples=2) / 2, rel=0.1)


# With tokens, the cells of nothing but padding, which never exist, depend on the fields.
@pytest.mark.parametrize(("budget", "close"), [({"ratio": 1.0}, 1e-9), ({"tokens": 45}, 0.02)])
def test_where_cells_move_the_shift_that_takes_most_counts(
    budget: dict[str, object], close: float
) -> None:
    config = MateyConfig(
        width=32, depth=2, heads=2, tokenizer=TokenizerConfig(patch=(8, 4), **budget)
    )
    batch = batch_of(spec_of((32, 24), fields=3, boundary="no_slip"), samples=1, frames=2)
    model = config.build(fields=batch.spec.names, num_axes=[2])
    inputs = Inputs(grid=(32, 24), periodic=(False, False), fields=3, frames=2, moves=True)
    cost = config.cost(inputs)

    def flops(*points: int) -> int:
        shift = Shift.of(points, shape=inputs.grid, periodic=inputs.periodic, side=8)
        with model.shifted(shift):
            return count_flops(lambda: model(batch).values.sum()).forward

    assert cost.flops == pytest.approx(flops(7, 7), rel=close)
    unmoved = config.cost(replace(inputs, moves=False)).flops
    assert unmoved == pytest.approx(flops(0, 0), rel=1e-9)
    if "ratio" in budget:
        assert unmoved < 0.8 * cost.flops


def test_the_published_variant_has_no_formula() -> None:
    with pytest.raises(ConfigError, match="paper variant"):
        PaperConfig().cost(inputs_of((32, 32)))
