"""Does a criterion choose the cells where the coarse pass is wrong? An audit, store by store."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from pydantic import Field, PositiveInt

from matey_core.config import Config
from matey_core.criteria import CRITERIA, parts_of, scores_of
from matey_core.criteria._combined import ORACLE
from matey_core.locations import Location
from matey_core.progress import OnProgress, Progress, silent
from matey_core.runs.store_choice import candidates
from matey_core.runs.trained import HISTORY, find_trained
from matey_core.studies.criterion.measure import Found, Ledger, Mean
from matey_core.studies.criterion.picture import check_place, draw
from matey_core.studies.criterion.stores import Sight, sights_of
from matey_core.studies.criterion.subject import Subject, coarse_pass, stand_in
from matey_core.tokenizers import TokenizerConfig

__all__ = ["CriterionConfig", "CriterionReport", "Found", "Mean", "StoreAudit", "study_criterion"]

CHANCE = "random"
PICTURE = "study-criterion.png"


class CriterionConfig(Config):
    """Whose errors, where, and which criteria shall find them."""

    run: Path | None = None
    """Run or model directory; by default the newest run."""
    runs: Path = Path("runs")
    """Folder of the runs."""
    without_model: bool = False
    """Look at the errors of persistence instead of a model's coarse pass."""
    data: Location | None = None
    """Folder of stores, instead of the stores that the run was trained on."""
    store: tuple[str, ...] = ()
    """Names of the stores to take; by default all that fit."""
    split: Literal["train", "validation", "test", "all"] = "test"
    """Which trajectories."""
    samples: PositiveInt | None = None
    """Take at most this many trajectories of each store, the first ones."""
    windows: PositiveInt = 16
    """Windows of each trajectory, evenly spread."""
    criteria: tuple[str, ...] = ()
    """Criteria, or sums of several such as `gradient+innovation`; by default all there are."""
    share: float = Field(default=0.25, gt=0, le=1)
    """Share of the cells that are chosen."""
    lead: PositiveInt = 1
    """Frames ahead."""
    patch: PositiveInt | None = None
    """Points per axis of a cell; without a model only, which has its own."""
    history: PositiveInt | None = None
    """Frames of a history, instead of those that the run was trained with."""
    batch_size: PositiveInt = 8
    """Windows at once; changes memory and speed, never a result."""
    out: Path | None = None
    """The picture, as .png, .pdf or .svg; by default `study-criterion.png` in the run, or here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreAudit:
    """What was found on one store."""

    store: str
    grid: tuple[int, ...]
    patch: tuple[int, ...]
    """Points per axis of a cell."""
    cells: tuple[int, ...]
    """Cells per axis."""
    num_cells: int
    """All that hold a point of the grid."""
    chosen: int
    """How many of them are chosen."""
    trajectories: int
    windows: int
    left_out: int
    """Windows without an error, or with one that is not finite."""
    criteria: tuple[Found, ...]
    """The oracle first and chance last, between them the best first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CriterionReport:
    """What was found on all stores."""

    subject: str
    """Whose errors: the model's directory, or persistence."""
    is_stand_in: bool
    """Whether persistence stands in for a model."""
    share: float
    lead: int
    history: int
    split: str
    picture: Path | None
    no_picture: str
    """Why there is none."""
    stores: tuple[StoreAudit, ...]
    skipped: dict[str, str]
    """Store → why it was left out."""


def study_criterion(config: CriterionConfig, on_progress: OnProgress = silent) -> CriterionReport:
    """Measure how much of the true error lies in the cells that each criterion chooses.

    The error of a cell is the sum over its points of the squared error of the normalized
    fields, of a prediction with coarse cells everywhere. The oracle chooses by that error
    itself, so that nothing captures more; chance captures what it chooses.

    Raises:
        CheckpointError: there is no run, or it is damaged.
        ConfigError: a criterion or store that does not exist, a model with uniform tokens, or
            a picture of another kind.
        DataError: no store fits, or one is damaged.
        RunError: the picture cannot be written.
    """
    trained = None if config.without_model else find_trained(config.run, runs=config.runs)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = trained.load().to(device).eval() if trained else None
    subject = (
        coarse_pass(model, name=str(trained.path))
        if trained and model
        else stand_in(config.patch or TokenizerConfig().levels[0])
    )
    names = _criteria(config, subject)
    history = config.history or (trained.history if trained else HISTORY)
    data = config.data if trained else config.data or Path("data")
    stores = candidates(data, trained)
    sights, skipped = sights_of(config, stores, model, history=history, side=subject.side)
    path = config.out or (trained.out if trained else Path()) / PICTURE
    check_place(path)
    audits = []
    for sight in sights:
        if audit := _audit(sight, subject, names, config, on_progress):
            audits.append(audit)
        else:
            skipped[sight.windows.store.name] = "no window of it has a finite error above 0"
    whose = "the coarse pass" if trained else "persistence (no model)"
    title = f"Where the error of {whose} is found"
    no_picture = draw(audits, path, title=title, share=config.share)
    return CriterionReport(
        subject=str(trained.path) if trained else "persistence",
        is_stand_in=trained is None,
        share=config.share,
        lead=config.lead,
        history=history,
        split=config.split,
        picture=None if no_picture else path,
        no_picture=no_picture,
        stores=tuple(audits),
        skipped=skipped,
    )


def _criteria(config: CriterionConfig, subject: Subject) -> tuple[str, ...]:
    """What to compare beside oracle and chance, which always are."""
    known = [name for name in CRITERIA.names() if name != "learned" or subject.estimate is not None]
    names = [name for name in config.criteria or known if name not in (ORACLE, CHANCE)]
    for name in names:
        parts_of(name)
    return tuple(dict.fromkeys(names))


def _audit(
    sight: Sight,
    subject: Subject,
    names: tuple[str, ...],
    config: CriterionConfig,
    on_progress: OnProgress,
) -> StoreAudit | None:
    """Compare the criteria on one store; None if no window of it has an error to be found."""
    store, ledger, done, used = sight.windows.store, Ledger(), 0, 0
    for batch, trajectories in sight.batches(config.batch_size):
        on_progress(Progress(task=store.name, done=done, total=len(sight.chosen), unit="windows"))
        view = subject.view(batch)
        keep = view.total.isfinite() & (view.total > 0)
        kept = [who for who, is_kept in zip(trajectories, keep.tolist(), strict=True) if is_kept]
        for name in (CHANCE, *names):
            scores = view.listed(scores_of(name, view.history, view.patch))
            ledger.add(name, scores[keep], view.errors[keep], kept)
        ledger.add(ORACLE, view.errors[keep], view.errors[keep], kept)
        done, used = done + len(trajectories), used + len(kept)
    if not used:
        return None
    chosen = max(1, int(config.share * view.errors.shape[1]))
    best, chance, *others = (
        ledger.found(name, chosen=chosen, oracle=ORACLE) for name in (ORACLE, CHANCE, *names)
    )
    others.sort(key=lambda row: -row.captured.value)
    return StoreAudit(
        store=store.name,
        grid=store.spec.grid.shape,
        patch=view.patch,
        cells=view.cells,
        num_cells=view.errors.shape[1],
        chosen=chosen,
        trajectories=len(sight.windows.samples),
        windows=used,
        left_out=done - used,
        criteria=(best, *others, chance),
    )
