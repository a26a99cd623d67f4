"""What `profile` measures: models and the batches that they are fed."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import repeat
from typing import Any

from matey_core.attention import SCHEMES
from matey_core.batches import FieldBatch
from matey_core.config import validate
from matey_core.data import Mixture, Windows
from matey_core.errors import ConfigError, DataError
from matey_core.fields import FieldSpec
from matey_core.models import AdaptiveConfig, Model, ModelConfig, adaptive_config
from matey_core.profiling import SyntheticBatches
from matey_core.runs.folder import newest_run
from matey_core.runs.settings import TrainingConfig
from matey_core.runs.sources import open_stores
from matey_core.runs.store_choice import by_name
from matey_core.runs.trained import HISTORY, find_trained, moving_stores
from matey_core.store import Store
from matey_core.workflows.profile.method import method_of
from matey_core.workflows.profile.settings import ProfileConfig

NUM_FIELDS = 2
SIZES = ("width", "depth", "heads", "channels_per_point", "half_blocks", "modes")
"""Settings that take the place of what a model's preset says."""
POINTS = 128
"""Points per axis where neither a store nor an option says how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A model and, where it cuts cells, its scheme and tokenization."""

    base: ModelConfig
    scheme: str = ""
    tokenizer: str = ""
    patch: tuple[int, ...] = ()

    @property
    def label(self) -> str:
        """Scheme and tokenization, or the model's own name."""
        if not self.tokenizer:
            return self.base.label
        return f"{self.scheme} · {self.tokenizer} {list(self.patch)}"

    def model(self) -> ModelConfig:
        """Put scheme and tokenization into the base settings.

        Raises:
            ConfigError: they do not fit together.
        """
        if not self.tokenizer:
            return self.base
        values = self.base.model_dump(mode="json", exclude_none=True)
        values["scheme"] = self.scheme
        values["tokenizer"] |= {"name": self.tokenizer, "patch": list(self.patch)}
        if self.tokenizer == "uniform":
            values["tokenizer"].pop("budget")  # of the adaptive ones beside it
        return validate(ModelConfig, values, source="model")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileSubject:
    """The case asked for, and the data that every case is measured on."""

    case: Case
    method: TrainingConfig
    """How the run trains: its loss, objective and optimizer."""
    spec: FieldSpec
    history: int
    batch_size: int
    fields: tuple[str, ...]
    """Fields that the models know; those of the data are among them."""
    store: Store | None
    """Where batches come from; None for fields made by formula."""

    def build(self, case: Case) -> Model:
        """Make a fresh model.

        Raises:
            ConfigError: the settings do not fit together.
        """
        fields = (*self.fields, *self.method.objective.answers)
        return case.model().build(fields=fields, num_axes=(self.spec.grid.num_axes,))

    def batches(self) -> Iterator[FieldBatch]:
        """Start an endless stream of batches: the one that training uses, or synthetic ones.

        Batches have the targets of a last step of training, when all calls of the model are made.
        """
        objective = self.method.objective
        if self.store is None:
            made = SyntheticBatches(
                self.spec.names,
                self.spec.grid.shape,
                history=self.history,
                batch_size=self.batch_size,
                leads=objective.lead_steps(1, progress=1.0),
            )
            return repeat(next(made))  # to make others would count as loading
        windows = Windows(
            self.store.reading(objective.reads),
            self.store.samples("train"),
            history=self.history,
            max_lead=1,
            extra_frames=objective.extra_frames,
        )
        return Mixture(
            [windows],
            batch_size=self.batch_size,
            seed=0,
            targets=lambda lead, step: objective.lead_steps(lead, progress=1.0),
        )

    def comparison(self) -> list[Case]:
        """Every scheme with coarse, fine, mixed and two-pass tokens.

        Raises:
            ConfigError: the model cuts no cells.
        """
        adaptive_config(self.case.base, what="A comparison of schemes")
        coarse, fine = self._coarse_and_fine()
        tokenizations = [
            ("uniform", (coarse,)),
            ("uniform", (fine,)),
            ("adap_mix", (coarse, fine)),
            ("adap_mul", (coarse, fine)),
        ]
        return [
            Case(base=self.case.base, scheme=scheme, tokenizer=tokenizer, patch=patch)
            for scheme in SCHEMES.names()
            for tokenizer, patch in tokenizations
        ]

    def _coarse_and_fine(self) -> tuple[int, int]:
        patch = self.case.patch
        return (patch[0], patch[-1]) if len(patch) > 1 else (2 * patch[0], patch[0])


def subject_of(config: ProfileConfig) -> ProfileSubject:
    """Choose model and data: what is asked for, then the newest run's, then defaults.

    A newest run that knows no store of the data leaves its place to a new model.

    Raises:
        ConfigError: an option that cannot be, or a store beside a grid or a number of fields.
        DataError: the store asked for is not there.
        CheckpointError: the run asked for is no run.
    """
    base, history = ModelConfig.standard(), HISTORY
    known: tuple[str, ...] = ()
    trained = None
    if config.run is not None or newest_run(config.runs) is not None:
        trained = find_trained(config.run, runs=config.runs)
        model = trained.load()
        base, history, known = model.config, trained.history, model.fields
    store = _store(config, known)
    if store is None and config.run is None and (store := _store(config, ())):
        trained, base, history, known = None, ModelConfig.standard(), HISTORY, ()
    history = config.history or history
    spec = store.spec if store else _synthetic(config, history).spec
    return ProfileSubject(
        case=_case(config, base),
        method=method_of(trained, store),
        spec=spec,
        history=history,
        batch_size=config.batch_size,
        fields=known if set(spec.names) <= set(known) else spec.names,
        store=store,
    )


def _case(config: ProfileConfig, base: ModelConfig) -> Case:
    values: dict[str, Any] = base.model_dump(mode="json", exclude_none=True)
    if config.preset is not None:
        for size in SIZES:
            values.pop(size, None)
        values["preset"] = config.preset
    budget = config.model_dump(include={"gamma", "ratio", "tokens"}, exclude_none=True)
    asked = config.model_dump(include={"scheme", "tokenizer", "patch"}, exclude_none=True)
    if budget and "tokenizer" in values:
        values["tokenizer"].pop("budget")
        values["tokenizer"] |= budget
    base = validate(ModelConfig, values, source="profile")
    if asked or budget:
        adaptive_config(base, what=", ".join(f"--{key}" for key in (*asked, *budget)))
    if not isinstance(base, AdaptiveConfig) or not base.has_tokens:
        return Case(base=base)
    return Case(
        base=base,
        scheme=config.scheme or base.scheme,
        tokenizer=config.tokenizer or base.tokenization.name,
        patch=config.patch or base.tokenization.patch,
    )


def _store(config: ProfileConfig, known: tuple[str, ...]) -> Store | None:
    """The store asked for, or the first that has the grid and that the run's model knows."""
    if config.store is not None:
        return _named_store(config, config.store)
    if config.fields is not None:
        return None
    for store in moving_stores(config.data):
        has_grid = config.grid in (None, store.spec.grid.shape)
        is_known = not known or set(store.spec.names) <= set(known)
        if store.samples("train") and has_grid and is_known:
            return store
    return None


def _named_store(config: ProfileConfig, name: str) -> Store:
    given = [key for key in ("grid", "fields") if getattr(config, key) is not None]
    if given:
        raise ConfigError(
            f"--store {name} has its own grid and fields: --{' and --'.join(given)} cannot hold "
            "beside it.",
            remedy="Leave one of them out.",
        )
    stores = [
        store
        for store in open_stores(config.data)
        if not store.is_static and store.samples("train")
    ]
    if all(store.name != name for store in stores):
        others = ", ".join(store.name for store in stores) or "none"
        raise DataError(
            f"{config.data} has no store {name!r} with several times to train on; such are: "
            f"{others}.",
            remedy="Name another with --store, or their folder with --data.",
        )
    return by_name(stores, (name,))[name]


def _synthetic(config: ProfileConfig, history: int) -> SyntheticBatches:
    names = [f"field_{number}" for number in range(1, (config.fields or NUM_FIELDS) + 1)]
    grid = config.grid or (POINTS, POINTS)
    return SyntheticBatches(names, grid, history=history, batch_size=config.batch_size)
