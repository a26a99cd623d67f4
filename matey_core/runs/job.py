"""What a run trains: a model, its data and settings, and the folder that all goes to."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from matey_core.data import Ranges, measure_given
from matey_core.finetuning import FinetuneModeConfig
from matey_core.models import AdapterBase, Model
from matey_core.objectives import Objective
from matey_core.runs.folder import RunFolder
from matey_core.runs.settings import TrainingConfig
from matey_core.runs.sources import StoreWindows
from matey_core.runs.start import StoreFacts
from matey_core.runs.token_plan import TokenPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingJob:
    """What to train, on what, into which run."""

    task: str
    config: TrainingConfig
    model: Model
    """On the CPU, with `requires_grad` set as it shall be."""
    sources: Sequence[StoreWindows]
    tokens: TokenPlan
    facts: tuple[StoreFacts, ...]
    notes: Sequence[str]
    run: RunFolder
    mode: FinetuneModeConfig | None = None
    """What the model was prepared by; None where it is pretrained."""
    base: AdapterBase | None = None
    """What the weights are saved apart from; None where they are saved whole."""
    resumes: bool = False
    size_reason: str = ""
    """Why the model is of its size, where a time decided it."""
    ranges: Ranges = field(default_factory=dict)
    """What the data showed that the model was trained on before."""
    validates_start: bool = False
    """Whether the weights are scored and saved before the first step, since they may be best."""

    @property
    def starts_with_validation(self) -> bool:
        """Whether there is a validation before the first step of this start."""
        return self.validates_start and not self.resumes

    @property
    def unvalidated_note(self) -> str:
        """Why no validation chooses among the weights; nothing where one does."""
        if self.config.objective.predicts_states:
            return ""
        return (
            f"The objective {self.config.objective.part} predicts no later state: there is no "
            "validation, and the weights of the last step are the model."
        )

    def objective(self) -> Objective:
        """Make the objective, with the scales of what it reads."""
        settings = self.config.objective
        parts = [(each.store, each.training.samples) for each in self.sources]
        scales = measure_given(parts, settings.reads)
        return settings.build_with(self.config.loss.build(), scales)

    def step_tokens(self, step: int, store: str) -> float | None:
        """Tokens of the whole batch of a step; None where no cells are cut.

        Where the number of cells follows from the fields, it is the mean that was counted before
        the first step.

        Args:
            step: index of the step, the first one 0.
            store: that its batch is of.
        """
        facts = next(each for each in self.facts if each.name == store)
        if facts.tokens is None or facts.most_tokens is None:
            return None
        drawn = self.tokens.number_at(step)
        frame = facts.tokens if drawn is None else min(drawn, facts.most_tokens)
        source = next(each for each in self.sources if each.store.name == store)
        return frame * source.training.history * self.config.batch_size
