"""A model card: what a shared run is, for people who did not train it."""

import math
from collections.abc import Sequence

from matey_core.catalog import RunRecord
from matey_core.hubs import SCHEME
from matey_core.runs.folder import StoreRecord
from matey_core.runs.scores import StoreScore


def model_card(run: RunRecord, *, name: str, data_license: str | None) -> str:
    """Write the README.md of a shared run.

    Args:
        run: what its files say.
        name: OWNER/NAME.
        data_license: of the training data; None for what the stores say.
    """
    model = run.model
    assert model is not None
    recorded = ", ".join(dict.fromkeys(store.license for store in run.stores if store.license))
    lines = [
        "---",
        "library_name: matey",
        "tags: [physics, surrogate, pde]",
        "---",
        "",
        f"# {name}",
        "",
        f"A {model.variant} model of matey {model.matey} with {model.parameters:,} parameters. It "
        f"predicts {_listed(model.fields)} on grids of {_listed(map(str, model.num_axes), 'or')} "
        f"axes from {run.history or 'a few'} past frames.",
        "",
        "```python",
        "import matey_core",
        "",
        f'model = matey_core.load("{SCHEME}{name}")',
        "forecast = model.predict(dataset, steps=20)",
        "```",
        "",
        "## Training data",
        "",
        "| store | fields | grid | boundary | time step | trajectories | fingerprint |",
        "|---|---|---|---|---|---|---|",
        *map(_data_row, run.stores),
        "",
        f"License of the data: {_text(data_license or recorded or 'not recorded')}.",
        "",
        "## Scores",
        "",
        *_scores(run.scores),
        "",
        f"Trained by `matey {run.kind}` for {run.steps:,} steps, started {run.started[:16]} UTC. "
        "All settings are in config.toml, all versions in versions.json.",
        "",
    ]
    return "\n".join(lines)


def _listed(names: "Sequence[str] | map[str]", word: str = "and") -> str:
    *others, last = map(_text, names)
    return f"{', '.join(others)} {word} {last}" if others else last


def _text(value: object) -> str:
    """Text of a file, in one cell of a table and without markup."""
    text = " ".join(str(value).split())
    return "".join("\\" + sign if sign in "|<>`[]*_#" else sign for sign in text)


def _data_row(store: StoreRecord) -> str:
    units = dict(zip(store.fields, store.units, strict=False))
    fields = [f"{name} ({units[name]})" if units.get(name) else name for name in store.fields]
    cells = (
        store.name,
        ", ".join(fields),
        "×".join(map(str, store.shape)) or "–",
        ", ".join(dict.fromkeys(store.boundary)) or "–",
        store.time_step_in_words or "–",
        len(store.samples),
        store.fingerprint,
    )
    return f"| {' | '.join(map(_text, cells))} |"


def _scores(scores: Sequence[StoreScore]) -> list[str]:
    if not scores:
        return ["No validation was kept."]
    rows = [
        f"| {_text(score.store)} | {score.lead_steps}{' (rollout)' if score.is_rollout else ''} | "
        f"{score.error:.3g} | {_text(score.forecast.replace('_', ' '))} | "
        f"{_number(score.forecast_error)} | {_number(score.ratio)} |"
        for score in scores
    ]
    return [
        "nRMSE on validation trajectories, beside the best forecast that needs no training. A "
        "ratio below 1 is better than it.",
        "",
        "| store | lead in frames | nRMSE | best forecast | its nRMSE | ratio |",
        "|---|---|---|---|---|---|",
        *rows,
    ]


def _number(value: float) -> str:
    return f"{value:.3g}" if math.isfinite(value) else "–"
