"""The pyramid: what its formula, its tokens and its convolutions promise."""

import json
import math
from pathlib import Path

import pytest
import torch

from matey_core.batches import FieldBatch
from matey_core.errors import ConfigError
from matey_core.models import load_model, save_model
from matey_core.models._cost import Inputs
from matey_core.models.pyramid import PyramidConfig, PyramidModel
from matey_core.nn.global_context import GlobalContext
from matey_core.profiling import count_flops
from matey_core.sequence_group import SequenceGroup
from matey_core.tokenizers import TokenizerConfig
from tests.formula import batch_of, spec_of

UNIFORM = TokenizerConfig(name="uniform", patch=(8,))


def build(axes: int = 2, **settings: object) -> PyramidModel:
    torch.manual_seed(0)
    config = PyramidConfig.tiny().model_copy(update={"tokenizer": UNIFORM, **settings})
    return PyramidConfig.model_validate(config.model_dump()).build(
        fields=("density", "velocity_x"), num_axes=(axes,)
    )


@pytest.mark.parametrize("shape", [(32,), (16, 24), (15, 24), (16, 8, 8)])
@pytest.mark.parametrize("depth", [0, 2])
@pytest.mark.parametrize("waves", [0, 3])
@pytest.mark.parametrize("boundary", ["periodic", "no_slip"])
def test_the_formula_counts_what_a_pass_costs(
    shape: tuple[int, ...], depth: int, waves: int, boundary: str
) -> None:
    model = build(len(shape), depth=depth, waves=waves)
    several = batch_of(spec_of(shape, boundary=boundary), leads=1)
    batch = FieldBatch(  # positions are computed once for all samples
        spec=several.spec, history=several.history[:1], lead_steps=several.lead_steps[:1]
    )
    counted = count_flops(lambda: model(batch).values.sum()).forward
    grid = batch.spec.grid
    inputs = Inputs(grid=shape, periodic=grid.periodic, fields=2, frames=batch.history.shape[1])
    assert model.flops(inputs) == pytest.approx(counted, rel=0.01)


def test_without_blocks_there_are_no_tokens() -> None:
    model, batch = build(depth=0), batch_of(spec_of((16, 24)))
    assert model.count_tokens(batch).tolist() == [0] * len(batch.history)
    assert not list(model.stems)
    assert not list(model.heads)
    model(batch).values.sum().backward()
    assert [name for name, weight in model.named_parameters() if weight.grad is None] == []
    assert build(depth=1).count_tokens(batch).tolist() == [6] * len(batch.history)


def reached(model: PyramidModel, part: str) -> float:
    """How far, in points along an axis, a change of the middle point's features is felt."""
    spec = spec_of((48, 48), boundary="no_slip")
    batch = batch_of(spec, leads=1)
    frame, leads = model._frame(batch)
    x = torch.randn(len(batch.history), 48, 48, 8)
    moved = x.clone()
    moved[:, 24, 24] += 1.0

    def out(features: torch.Tensor) -> torch.Tensor:
        if part == "tokens":
            return model._far(features, frame, model._tree(frame), spec, leads)
        context = model.pyramid.context(torch.zeros(len(x), 8), spec.grid)
        features = model.pyramid.before_tokens(features, context, recompute=False)
        return model.pyramid.after_tokens(features, context, recompute=False)

    with torch.no_grad():
        felt = (out(moved) - out(x)).abs().amax((0, 3)) > 1e-7
    return float((felt.nonzero() - 24).abs().max())


def test_convolutions_see_near_and_waves_and_tokens_far() -> None:
    # two points a block at full resolution, four at half, and one where pairs are cut
    near = build(depth=0, waves=0, global_context=False).eval()
    assert reached(near, "pyramid") <= 2 + 4 + 1 + 2
    assert reached(build(depth=0, waves=3, global_context=False).eval(), "pyramid") >= 23
    assert reached(build(depth=1).eval(), "tokens") >= 23


def test_a_periodic_field_may_be_shifted_by_a_pair_of_points_without_tokens() -> None:
    model = build(depth=0).eval()
    batch = batch_of(spec_of((16, 24), boundary="periodic"), leads=1)
    moved = type(batch)(
        spec=batch.spec, history=batch.history.roll((2, 4), (3, 4)), lead_steps=batch.lead_steps
    )
    expected = model(batch).values.roll((2, 4), (3, 4))
    torch.testing.assert_close(model(moved).values, expected, rtol=1e-4, atol=1e-4)


def test_blocks_know_the_whole_sample_and_no_other() -> None:
    model = build(depth=0, waves=0).eval()
    assert model.pyramid.sample is not None
    torch.nn.init.normal_(model.pyramid.sample.mlp[2].weight)
    assert reached(model, "pyramid") >= 23
    batch = batch_of(spec_of((16, 24), boundary="periodic"), leads=1)
    alone = FieldBatch(spec=batch.spec, history=batch.history[:1], lead_steps=batch.lead_steps[:1])
    torch.testing.assert_close(model(batch).values[:1], model(alone).values, rtol=1e-4, atol=1e-5)
    assert build(global_context=False).pyramid.sample is None


def test_a_context_is_the_mean_and_the_size_of_every_channel() -> None:
    context = GlobalContext(2)
    torch.nn.init.normal_(context.mlp[2].weight)
    x = torch.tensor([[[1.0, 3.0], [3.0, -3.0]]])  # means 2 and 0; mean squares 5 and 9
    summary = torch.tensor([[2 / math.sqrt(5), 0.0, math.log(5) / 2, math.log(3)]])
    normalized = (summary - summary.mean()) / summary.std(correction=0)
    torch.testing.assert_close(context(x), context.mlp(normalized), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(context(x.flip(1)), context(x))
    assert context(torch.zeros(1, 4, 4, 2)).isfinite().all()


def test_a_context_stays_bounded_where_features_grow() -> None:
    context, x = GlobalContext(4).requires_grad_(False), torch.randn(1, 64, 4)
    torch.nn.init.normal_(context.mlp[2].weight)
    sizes = [context(scale * x).norm().item() for scale in (1e-4, 1.0, 1e4)]
    assert max(sizes) < 30 * min(sizes)


def test_a_sample_is_not_shared_among_processes() -> None:
    with pytest.raises(ConfigError, match="pyramid variant cannot share"):
        build().share_samples(SequenceGroup.__new__(SequenceGroup))


@pytest.mark.parametrize("depth", [0, 1])
def test_weights_of_the_first_days_are_loaded(depth: int) -> None:
    model, other = build(depth=depth), build(depth=depth)
    earlier = {name: value + 0.01 for name, value in model.state_dict().items()}
    for name, value in earlier.items():
        if name.startswith("pyramid.") and (
            ".enter." in name or ".leave." in name
        ):  # kernels had the axes of a convolution
            earlier[name] = value.unflatten(1, (len(value), 3, 3))
    if not depth:  # a processor was there even without tokens
        earlier |= {f"processor.{name}": value for name, value in earlier.items()}
    other.load_state_dict(earlier)
    for name, value in model.state_dict().items():
        torch.testing.assert_close(other.state_dict()[name], value + 0.01)


def test_a_model_from_before_the_context_has_none(tmp_path: Path) -> None:
    model = build(depth=0, global_context=False).eval()
    save_model(model, tmp_path)
    description = json.loads((tmp_path / "model.json").read_text("utf-8"))
    del description["config"]["global_context"]
    (tmp_path / "model.json").write_text(json.dumps(description), "utf-8")
    loaded, batch = load_model(tmp_path).eval(), batch_of(spec_of((16, 24)))
    assert torch.equal(loaded(batch).values, model(batch).values)
