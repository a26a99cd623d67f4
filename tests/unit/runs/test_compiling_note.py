"""What a run that compiles says about what it does not compile."""

from matey_core.models import ModelConfig
from matey_core.models.matey import MateyConfig
from matey_core.runs.token_plan import TokenPlan
from matey_core.tokenizers import TokenizerConfig

WITH_THRESHOLD = MateyConfig(tokenizer=TokenizerConfig(gamma=0.3))
WITH_NUMBER = MateyConfig(tokenizer=TokenizerConfig(gamma=None, tokens=40))


def plan(model: ModelConfig, *varying: str) -> TokenPlan:
    return TokenPlan(model=model, inputs=(), varying=varying)


def test_stores_whose_shapes_change_are_named_with_the_reason() -> None:
    assert plan(WITH_NUMBER).compiling_note(recompute=False) == ""
    note = plan(WITH_THRESHOLD, "walls").compiling_note(recompute=False)
    assert note.startswith("Not compiled on walls: with γ the number of tokens changes")
    note = plan(WITH_NUMBER, "walls", "line").compiling_note(recompute=False)
    assert note.startswith("Not compiled on walls, line: numbers of tokens, or of cells at padded")


def test_with_recompute_one_such_store_is_enough_for_nothing_to_be_compiled() -> None:
    note = plan(WITH_THRESHOLD, "walls").compiling_note(recompute=True)
    assert note.startswith("Nothing is compiled, because of walls: with γ")
