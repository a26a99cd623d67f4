"""Does a criterion choose the cells where the coarse pass is wrong? An audit, store by store."""

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from matey_core.cells import hashed
from matey_core.cells.log import JsonLines
from matey_core.criteria import CRITERIA, parts_of, scores_of
from matey_core.criteria._combined import ORACLE
from matey_core.errors import RunError
from matey_core.progress import OnProgress, Progress, silent
from matey_core.runs.sources import open_stores
from matey_core.runs.store_choice import candidates
from matey_core.runs.trained import HISTORY, Trained, find_trained
from matey_core.studies.criterion.measure import FoundError, Ledger, Mean
from matey_core.studies.criterion.picture import check_place, draw
from matey_core.studies.criterion.report import CriterionReport, StoreAudit, audit_from, plain
from matey_core.studies.criterion.settings import CriterionConfig
from matey_core.studies.criterion.stores import AuditWindows, audit_windows
from matey_core.studies.criterion.subject import Subject, coarse_pass, stand_in
from matey_core.tokenizers import TokenizerConfig

__all__ = [
    "CriterionConfig",
    "CriterionReport",
    "FoundError",
    "Mean",
    "StoreAudit",
    "study_criterion",
]

CHANCE = "random"
PICTURE = "study-criterion.png"
FORMAT = 1
"""Version of what an audit is: a change makes all of them new."""


def study_criterion(config: CriterionConfig, on_progress: OnProgress = silent) -> CriterionReport:
    """Measure how much of the true error lies in the cells that each criterion chooses.

    Every store is a cell of the study: what was found on it is kept in a line beside the
    picture, so that an audit that was stopped goes on.

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
    named = None if config.data is None else open_stores(config.data)
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
    stores = named or candidates(None if trained else Path("data"), trained)
    chosen, skipped = audit_windows(config, stores, model, history=history, side=subject.side)
    path = config.out or (trained.out if trained else Path()) / PICTURE
    check_place(path)
    log, audits = JsonLines(path.with_suffix(".jsonl")), []
    content = _identity(config, names, history, trained)
    for each in chosen:
        key = hashed({**content, "store": each.windows.store.fingerprint})
        audit = _kept(log, key) or _audit(each, subject, names, config, on_progress)
        if audit:
            _keep(log, key, audit)
            audits.append(audit)
        else:
            skipped[each.windows.store.name] = "no window of it has a finite error above 0"
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


def _kept(log: JsonLines, key: str) -> StoreAudit | None:
    return audit_from(log.rows[key]["audit"]) if key in log.rows else None


def _keep(log: JsonLines, key: str, audit: StoreAudit) -> None:
    if key not in log.rows:
        with suppress(RunError):  # tables can be had where nothing can be written
            log.append({"event": "cell", "key": key, "audit": plain(audit)})


def _identity(
    config: CriterionConfig, names: tuple[str, ...], history: int, trained: Trained | None
) -> dict[str, Any]:
    """All but the store that decides what is found on it."""
    settings = config.model_dump(
        mode="json", include={"split", "samples", "windows", "share", "lead", "patch"}
    )
    weights = sorted(each for each in trained.path.rglob("*") if each.is_file()) if trained else []
    return {
        "format": FORMAT,
        "settings": settings,
        "criteria": names,
        "history": history,
        "model": [hashlib.sha256(each.read_bytes()).hexdigest() for each in weights],
    }


def _criteria(config: CriterionConfig, subject: Subject) -> tuple[str, ...]:
    """What to compare beside oracle and chance, which always are."""
    known = [name for name in CRITERIA.names() if name != "learned" or subject.estimate is not None]
    names = [name for name in config.criteria or known if name not in (ORACLE, CHANCE)]
    for name in names:
        parts_of(name)
    return tuple(dict.fromkeys(names))


def _audit(
    each: AuditWindows,
    subject: Subject,
    names: tuple[str, ...],
    config: CriterionConfig,
    on_progress: OnProgress,
) -> StoreAudit | None:
    """Compare the criteria on one store; None if no window of it has an error to be found."""
    store, ledger, done, used = each.windows.store, Ledger(), 0, 0
    for batch, trajectories in each.batches(config.batch_size):
        on_progress(Progress(task=store.name, done=done, total=len(each.chosen), unit="windows"))
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
        trajectories=len(each.windows.samples),
        windows=used,
        left_out=done - used,
        criteria=(best, *others, chance),
    )
