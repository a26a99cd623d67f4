"""The paper variant where the published code has no values: extension, padding, refusals."""

from dataclasses import replace

import pytest
import torch

from matey_core.batches import FieldBatch
from matey_core.config import validate
from matey_core.errors import ConfigError, ShapeError
from matey_core.models.paper import PaperConfig, PaperModel, PaperTokenizerConfig
from matey_core.models.paper.blocks import by_sequence, drop_path
from matey_core.models.paper.canvas import pad
from matey_core.tokens import Segments
from matey_core.workflows.pretrain import PretrainConfig
from tests.formula import batch_of, fill_by_formula, spec_of

MILLIONS = {
    ("ti", "full"): 5.84,
    ("ti", "factorized"): 7.63,
    ("ti", "axial"): 7.62,
    ("s", "full"): 23.2,
    ("s", "factorized"): 30.4,
    ("s", "axial"): 30.3,
    ("b", "full"): 92.7,
    ("b", "factorized"): 121.1,
    ("b", "axial"): 121.0,
    ("l", "full"): 316.0,
    ("l", "factorized"): 416.9,
    ("l", "axial"): 416.7,
}
"""Section 4.1 of the specification: 12 fields, one patch of 16×16."""


def build(
    *,
    scheme: str = "full",
    tokenizer: str = "adap_mix",
    axes: tuple[int, ...] = (2,),
    **more: object,
) -> PaperModel:
    settings = {"name": tokenizer, "patch": (8, 4), "gamma": 0.3} | more
    position = settings.pop("position", "none")
    config = PaperConfig(
        width=24,
        depth=2,
        heads=3,
        scheme=scheme,
        position=position,
        tokenizer=PaperTokenizerConfig(**settings),
    )
    model = config.build(fields=("density", "velocity_x", "pressure"), num_axes=axes)
    assert isinstance(model, PaperModel)
    return fill_by_formula(model)


@torch.inference_mode()
def predict(model: PaperModel, batch: FieldBatch) -> torch.Tensor:
    return model(batch).values


@pytest.mark.parametrize(("preset", "scheme"), MILLIONS)
def test_sizes_are_the_published_ones(preset: str, scheme: str) -> None:
    config = PaperConfig(
        preset=preset,
        scheme=scheme,
        tokenizer=PaperTokenizerConfig(name="uniform", patch=(16,)),
    )
    with torch.device("meta"):
        model = config.build(fields=[str(index) for index in range(12)], num_axes=(2,))
    count = sum(weight.numel() for weight in model.parameters()) / 1e6
    assert count == pytest.approx(MILLIONS[preset, scheme], rel=2e-3)


@pytest.mark.parametrize("scheme", ["full", "factorized", "axial"])
def test_new_fields_and_axes_leave_every_old_weight_and_prediction(scheme: str) -> None:
    model = build(scheme=scheme, tokenizer="adap_mul")
    batch = batch_of(spec_of((16, 24), fields=3))
    before, weights = predict(model, batch), model.state_dict()
    model.extend(fields=("pressure", "energy", "height"), num_axes=(2, 3))
    assert model.fields == ("density", "velocity_x", "pressure", "energy", "height")
    assert model.num_axes == (2, 3)
    grown = model.state_dict()
    for name, old in weights.items():
        new = grown[name]
        cut = tuple(slice(size) for size in old.shape)
        assert torch.equal(new[cut], old), name
    torch.testing.assert_close(predict(model, batch), before, rtol=0, atol=0)
    assert predict(model, batch_of(spec_of((8, 16, 16), fields=3))).isfinite().all()


@pytest.mark.parametrize("tokenizer", ["uniform", "adap_mix", "adap_mul"])
@pytest.mark.parametrize(("shape", "position"), [((21,), "none"), ((19, 21), "fourier")])
def test_odd_grids_are_padded_by_the_boundary_and_cropped_back(
    tokenizer: str, shape: tuple[int, ...], position: str
) -> None:
    model = build(tokenizer=tokenizer, axes=(len(shape),), position=position)
    batches = [batch_of(spec_of(shape, boundary=kind)) for kind in ("periodic", "outflow")]
    values = [predict(model, batch) for batch in batches]
    assert values[0].shape == (3, 1, 2, *shape)
    assert all(part.isfinite().all() for part in values)
    assert not torch.allclose(*values)


def test_padding_wraps_or_repeats_the_edge() -> None:
    values = torch.arange(12.0).view(1, 1, 1, 1, 3, 4)
    padded = pad(values, (1, 2, 3), (True, False))
    assert padded[0, 0, 0, 0, :, 0].tolist() == [0, 4, 8, 0]
    assert padded[0, 0, 0, 0, 0].tolist() == [0, 1, 2, 3, 3, 3]


@pytest.mark.parametrize("tokenizer", ["uniform", "adap_mix", "adap_mul"])
def test_several_lead_times_equal_one_at_a_time(tokenizer: str) -> None:
    model = build(tokenizer=tokenizer)
    batch = batch_of(spec_of((16, 24)), leads=2)
    both = predict(model, batch)
    for index in range(2):
        lead = batch.lead_steps[:, index : index + 1]
        single = replace(batch, lead_steps=lead, targets=None)
        torch.testing.assert_close(predict(model, single), both[:, index : index + 1])
    assert not torch.allclose(both[:, 0], both[:, 1])


@pytest.mark.parametrize("tokenizer", ["adap_mix", "adap_mul"])
def test_a_constant_history_refines_nothing_and_equals_the_uniform_model(tokenizer: str) -> None:
    model = build(tokenizer=tokenizer)
    constant = batch_of(spec_of((16, 24)))
    constant = replace(constant, history=torch.full_like(constant.history, 0.7))
    assert model.count_tokens(constant).tolist() == [6, 6, 6]
    coarse = build(tokenizer="uniform", patch=(8,), gamma=None)
    weights = {
        name: model.state_dict()[name.replace("bed.0.", "bed.1.")] for name in coarse.state_dict()
    }
    coarse.load_state_dict(weights)
    torch.testing.assert_close(predict(model, constant), predict(coarse, constant))


def test_a_sample_that_refines_nothing_can_share_a_batch() -> None:
    model = build()
    batch = batch_of(spec_of((16, 24)))
    history = batch.history.clone()
    history[1] = 0.7
    mixed = replace(batch, history=history)
    counts = model.count_tokens(mixed)
    assert counts[1] == 6
    assert counts[0] > 6
    others = mixed.select(torch.tensor([0, 2]))
    torch.testing.assert_close(
        predict(model, mixed)[[0, 2]], predict(model, others), rtol=1e-4, atol=1e-5
    )


def test_fields_are_known_by_name_whatever_their_order() -> None:
    model = build()
    batch = batch_of(spec_of((16, 24), fields=3))
    order = [2, 0, 1]
    spec = replace(batch.spec, fields=tuple(batch.spec.fields[index] for index in order))
    shuffled = replace(batch, spec=spec, history=batch.history[:, :, order])
    torch.testing.assert_close(
        predict(model, shuffled), predict(model, batch)[:, :, order], rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("scheme", ["full", "factorized", "axial"])
def test_drop_path_drops_in_training_only(scheme: str) -> None:
    model = build(scheme=scheme, tokenizer="adap_mul")
    config = model.config.model_copy(update={"drop_path": 0.9})
    dropping = config.build(fields=model.fields, num_axes=(2,))
    dropping.load_state_dict(model.state_dict())
    batch = batch_of(spec_of((16, 24)))
    torch.manual_seed(0)
    assert torch.equal(predict(dropping.eval(), batch), predict(model, batch))
    assert not torch.allclose(predict(dropping.train(), batch), predict(model, batch))


def test_dropped_branches_are_whole_and_the_rest_is_scaled_up() -> None:
    torch.manual_seed(0)
    branch = torch.ones(2, 3000, 4)
    by_rows = drop_path(branch, 0.25, (2, 3000, 1))
    assert by_rows.unique().tolist() == pytest.approx([0.0, 4 / 3])
    assert by_rows.mean().item() == pytest.approx(1.0, abs=0.03)
    whole = by_sequence(branch, Segments((3,) * 1000), 0.25).view(2, 1000, 12)
    assert torch.equal(whole.amin(-1), whole.amax(-1))


def test_parts_cover_stem_head_fields_and_the_rest() -> None:
    model = build(position="fourier")
    parts = {name: model.part_of(name) for name, _ in model.named_parameters()}
    assert parts["space_bag.0.weight"] == "fields"
    assert parts["tokenizer_ensemble_heads.0.2d.embed.1.in_proj.0.weight"] == "stem"
    assert parts["tokenizer_ensemble_heads.0.2d.debed.0.out_head.bias"] == "head"
    rest = {name.split(".")[0] for name, part in parts.items() if part == "attention"}
    assert rest == {"ltimeMLP", "blocks", "posbias"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"scheme": "axial"}, "needs a full grid"),
        ({"scheme": "windowed"}, "model.scheme: input should be 'full', 'factorized' or 'axial'"),
        ({"tokenizer": {"tokens": 40}}, "refines by gamma or ratio, not tokens"),
        ({"tokenizer": {"patch": [16, 8, 4]}}, "should have at most 2 items"),
        ({"tokenizer": {"criterion": "gradient"}}, "unknown setting 'model.tokenizer.criterion'"),
        ({"measure": True}, r"unknown setting 'model.measure'.* \(matey and pyramid have it\)"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, object], message: str) -> None:
    values = {"model": {"variant": "paper", **settings}}
    with pytest.raises(ConfigError, match=message):
        validate(PretrainConfig, values, source="").model.build(fields=("u",), num_axes=(2,))


def test_a_width_without_a_three_dimensional_encoding_is_refused() -> None:
    config = PaperConfig(preset="l", position="fourier")
    with pytest.raises(ConfigError, match="341 of 1024, is odd"):
        config.build(fields=("density",), num_axes=(3,))


def test_grids_and_histories_too_small_for_the_norms_are_refused() -> None:
    with pytest.raises(ShapeError, match="A grid of 8×8 points"):
        predict(build(), batch_of(spec_of((8, 8))))
    with pytest.raises(ShapeError, match="at least two"):
        predict(build(scheme="factorized"), batch_of(spec_of((16, 24)), frames=1))


def test_autocast_keeps_the_input_and_output_layers_in_float32() -> None:
    model, batch = build(), batch_of(spec_of((16, 24)))
    exact = predict(model, batch)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = predict(model, batch)
    assert rough.dtype == torch.float32
    assert (rough - exact).norm() < 0.1 * exact.norm()
