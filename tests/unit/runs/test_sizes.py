"""Which size a new model gets where a time is given and no size."""

from typing import get_args

import pytest

from matey_core.models import MODELS, ModelConfig, Preset
from matey_core.runs.project import Project
from matey_core.runs.sizes import (
    GROWTH,
    PRESETS,
    STEPS,
    largest_worthwhile,
    may_be_chosen,
    steps_needed,
)
from matey_core.workflows.pretrain import PretrainConfig
from matey_core.workflows.profile import ProfileConfig


def test_the_table_and_its_law_ask_larger_sizes_for_more_steps() -> None:
    needed = [steps_needed(preset) for preset in PRESETS[1:]]
    assert needed == sorted(needed)
    last = max(STEPS, key=PRESETS.index)
    beyond = PRESETS[PRESETS.index(last) + 1]
    assert steps_needed(beyond) == GROWTH * STEPS[last]


def test_the_largest_size_with_enough_steps_is_chosen_and_no_further_one_measured() -> None:
    asked: list[Preset] = []

    def step_seconds(preset: Preset) -> float:
        asked.append(preset)
        return 0.1 * 2.0 ** PRESETS.index(preset)

    for count in range(1, 5):
        asked.clear()
        # Enough for the size with this number, not for the one above it.
        seconds = 1.01 * 0.1 * 2.0**count * steps_needed(PRESETS[count])
        assert largest_worthwhile(PRESETS, seconds, step_seconds) == PRESETS[count]
        assert asked == list(PRESETS[1 : count + 2])


def test_little_time_gets_the_smallest_size() -> None:
    assert largest_worthwhile(PRESETS, 1e-3, lambda _: 1.0) == PRESETS[0]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"minutes": 1.0}, True),
        ({"minutes": 1.0, "model": {"variant": "unet"}}, True),
        ({"minutes": 1.0, "model": {"tokenizer": {"name": "uniform"}}}, True),
        ({"minutes": 1.0, "model": {"preset": "ti"}}, False),
        ({"minutes": 1.0, "model": {"width": 32}}, False),
        ({"minutes": 1.0, "model": {"depth": 0}}, False),
        ({"minutes": 1.0, "model": {"heads": 2}}, False),
        ({"minutes": 1.0, "model": {"channels_per_point": 8}}, False),
        ({"minutes": 1.0, "model": {"half_blocks": 1}}, False),
        ({"minutes": 1.0, "model": {"variant": "matey", "heads": 2}}, False),
        ({"minutes": 1.0, "model": {"variant": "fno", "modes": 4}}, False),
        ({"minutes": 1.0, "model": {"variant": "unet", "depth": 1}}, False),
        ({"minutes": 1.0, "model": {"variant": "paper"}}, False),
        ({"steps": 400}, False),
        ({}, False),
    ],
)
def test_a_size_is_chosen_only_where_a_time_is_given_and_no_size(
    settings: dict[str, object], expected: bool
) -> None:
    config = PretrainConfig.model_validate(settings)
    assert may_be_chosen(config, config.model) is expected


def test_whoever_names_presets_names_all() -> None:
    assert get_args(Project.model_fields["preset"].annotation) == PRESETS
    (of_profile, _) = get_args(ProfileConfig.model_fields["preset"].annotation)
    assert get_args(of_profile) == PRESETS


@pytest.mark.parametrize("variant", MODELS.names())
def test_presets_grow(variant: str) -> None:
    sizes = []
    for preset in PRESETS[:5]:
        settings = ModelConfig.choose({"variant": variant, "preset": preset})
        model = settings.build(fields=("a", "b"), num_axes=(2,))
        sizes.append(sum(parameter.numel() for parameter in model.parameters()))
    assert sizes == sorted(sizes)
    assert len(set(sizes)) == len(sizes)
