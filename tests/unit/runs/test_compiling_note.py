"""What a run that compiles says about what it does not compile."""

from pathlib import Path

from matey_core.models.matey import MateyConfig
from matey_core.runs.token_plan import compiling_note
from matey_core.tokenizers import TokenizerConfig
from matey_core.workflows.pretrain import PretrainConfig

WITH_THRESHOLD = MateyConfig(tokenizer=TokenizerConfig(gamma=0.3))
WITH_NUMBER = MateyConfig(tokenizer=TokenizerConfig(gamma=None, tokens=40))


def test_stores_whose_shapes_change_are_named_with_the_reason() -> None:
    config = PretrainConfig(data=Path("data"), compile=True)
    assert compiling_note(config, WITH_NUMBER, []) == []
    (note,) = compiling_note(config, WITH_THRESHOLD, ["walls"])
    assert note.startswith("Not compiled on walls: with γ the number of tokens changes")
    (note,) = compiling_note(config, WITH_NUMBER, ["walls", "line"])
    assert note.startswith("Not compiled on walls, line: numbers of tokens, or of cells at padded")


def test_with_recompute_one_such_store_is_enough_for_nothing_to_be_compiled() -> None:
    config = PretrainConfig(data=Path("data"), compile=True, recompute=True)
    (note,) = compiling_note(config, WITH_THRESHOLD, ["walls"])
    assert note.startswith("Nothing is compiled, because of walls: with γ")
