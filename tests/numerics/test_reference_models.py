"""Whole published models: imported, and run against their predictions in float64.

`python -m tests.numerics.test_reference_models` prints the largest error of each.
"""

from pathlib import Path

import numpy as np
import pytest
import torch

from matey_core.batches import FieldBatch
from matey_core.errors import CheckpointError
from matey_core.fields import Field, FieldSpec, Grid
from matey_core.models.paper import PaperModel, import_published
from tests.numerics.reference import arrays

FIELDS = ("density", "pressure", "velocity_x", "velocity_y", "energy")
MODELS = (
    "vit_single",
    "vit_mix",
    "vit_mul",
    "svit_single",
    "svit_mix",
    "svit_mul",
    "avit_single",
    "avit_mul",
)


def reference_batch(stored: dict[str, np.ndarray], dtype: torch.dtype) -> FieldBatch:
    """The input that all models of models.npz share."""
    names = [FIELDS[index] for index in stored["labels"][0]]
    grid = Grid(
        axes=("y", "x"), shape=(64, 64), spacing=(1.0, 1.0), boundary=("periodic", "outflow")
    )
    return FieldBatch(
        spec=FieldSpec(fields=tuple(Field(name=n) for n in names), grid=grid, time_step=1.0),
        history=torch.from_numpy(stored["x"]).squeeze(3).transpose(0, 1).to(dtype),
        lead_steps=torch.from_numpy(stored["leadtime"]).long(),
    )


def weights(stored: dict[str, np.ndarray], model: str) -> dict[str, np.ndarray]:
    """Parameters of one model by their published names."""
    prefix = f"{model}/w/"
    return {k.removeprefix(prefix): stored[k] for k in stored if k.startswith(prefix)}


def imported(stored: dict[str, np.ndarray], model: str) -> PaperModel:
    """One model of models.npz."""
    return import_published(
        weights(stored, model),
        fields=FIELDS,
        tokenizer="adap_mul" if model.endswith("mul") else None,
        gamma=float(stored["gamma"]),
    )


@torch.inference_mode()
def errors(stored: dict[str, np.ndarray], model: str, dtype: torch.dtype) -> dict[str, float]:
    """Largest difference from each published prediction, and the largest value itself."""
    net = imported(stored, model).to(dtype).eval()
    values = net(reference_batch(stored, dtype)).values.squeeze(1).double()
    found = {}
    for key in ("y_fp64", "y"):
        if f"{model}/{key}" in stored:
            expected = torch.from_numpy(stored[f"{model}/{key}"]).squeeze(2).double()
            found[key] = float((values - expected).abs().max())
            found["largest"] = float(expected.abs().max())
    return found


@pytest.mark.parametrize("model", MODELS)
def test_predictions_equal_the_published_ones_in_float64(reference: Path, model: str) -> None:
    stored = arrays(reference / "models.npz")
    error = errors(stored, model, torch.float64)
    assert error["y_fp64"] <= 1e-6 * error["largest"]


@pytest.mark.parametrize("model", MODELS)
def test_predictions_equal_the_published_ones_in_float32(reference: Path, model: str) -> None:
    stored = arrays(reference / "models.npz")
    error = errors(stored, model, torch.float32)
    # Norms over two frames amplify rounding in SViT; its tolerance is relative.
    tolerance = 1e-2 * error["largest"] if model.startswith("svit") else 1e-4
    assert error["y_fp64"] <= tolerance


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_mixed_model_with_positions_equals_the_published_one(
    reference: Path, dtype: torch.dtype
) -> None:
    stored = arrays(reference / "models.npz")
    error = errors(stored, "vit_mix_posarea", dtype)
    assert "y_fp64" not in error
    assert error["y"] <= 1e-4 * error["largest"]


def test_tokens_are_counted_as_published(reference: Path) -> None:
    stored = arrays(reference / "models.npz")
    batch = reference_batch(stored, torch.float32)
    counts = torch.tensor(imported(stored, "vit_mix").cells(batch).counts)
    assert counts.min() > 0
    assert imported(stored, "vit_single").count_tokens(batch).tolist() == [16, 16]
    assert torch.equal(imported(stored, "vit_mix").count_tokens(batch), 16 + 15 * counts)
    assert torch.equal(imported(stored, "vit_mul").count_tokens(batch), 16 + 16 * counts)


def test_one_message_names_everything_that_does_not_match(reference: Path) -> None:
    state = weights(arrays(reference / "models.npz"), "vit_single")
    del state["blocks.1.spatialtemporal.mlp.fc1.bias"], state["ltimeMLP.0.fc2.bias"]
    state["extra.weight"] = np.zeros(3, np.float32)
    state["blocks.0.spatialtemporal.gamma_att"] = np.zeros(7, np.float32)
    with pytest.raises(CheckpointError) as caught:
        import_published(state)
    text = str(caught.value)
    assert "2 missing: ltimeMLP.0.fc2.bias, blocks.1.spatialtemporal.mlp.fc1.bias" in text
    assert "1 unexpected: extra.weight" in text
    assert "gamma_att (7,) instead of (24,)" in text


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("blocks.", "no blocks of a ViT"),
        ("space_bag.", "no array named"),
        ("tokenizer_ensemble_heads.", "0 tokenizer heads"),
    ],
)
def test_what_is_no_such_model_is_refused(reference: Path, pattern: str, message: str) -> None:
    state = weights(arrays(reference / "models.npz"), "vit_single")
    state = {name: array for name, array in state.items() if not name.startswith(pattern)}
    with pytest.raises(CheckpointError, match=message):
        import_published(state)


def test_the_hierarchical_model_is_named_as_such(reference: Path) -> None:
    with pytest.raises(CheckpointError, match="hierarchical TurbT"):
        import_published(weights(arrays(reference / "models.npz"), "turbt_2level"))


def test_number_of_field_names_is_checked(reference: Path) -> None:
    state = weights(arrays(reference / "models.npz"), "vit_single")
    with pytest.raises(CheckpointError, match="knows 5 fields; 2 names"):
        import_published(state, fields=("density", "pressure"))


def table(folder: Path) -> None:
    """Print the largest absolute errors, model by model."""
    stored = arrays(folder / "models.npz")
    for model in (*MODELS, "vit_mix_posarea"):
        double, single = (errors(stored, model, d) for d in (torch.float64, torch.float32))
        key = "y_fp64" if "y_fp64" in double else "y"
        print(  # noqa: T201
            f"| {model} | {key} | {double['largest']:.2f} | {double[key]:.1e} | {single[key]:.1e} |"
        )


if __name__ == "__main__":
    table(Path(__file__).resolve().parents[3] / "shared" / "spec" / "reference")
