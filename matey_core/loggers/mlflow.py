"""MLflow: a run of an experiment, on the server or in the folder that MLFLOW_TRACKING_URI names."""

import math
import re
from collections.abc import Mapping
from itertools import islice
from typing import Any, Literal

from matey_core.loggers import LOGGERS, LoggedRun, LoggerConfig

MOST_PARAMETERS = 100
"""Parameters that one call may log."""
LONGEST = 500
"""Characters of a parameter's value that every version takes."""
KEY = "matey.key"
"""Tag by which a run that goes on is found."""
FORBIDDEN = re.compile(r"[^A-Za-z0-9_. -]")
"""Characters that names of metrics and parameters must not have."""


@LOGGERS.register("mlflow")
class MlflowConfig(LoggerConfig):
    """A run of MLflow."""

    package = "mlflow"
    name: Literal["mlflow"] = "mlflow"
    experiment: str = "matey"
    """Experiment that the run belongs to; it is made if there is none."""

    def open(self, run: LoggedRun) -> "MlflowLogger":
        """Begin a run with all settings as parameters, or go on with it."""
        import mlflow

        client = mlflow.MlflowClient()
        experiment = client.get_experiment_by_name(self.experiment)
        number = (
            experiment.experiment_id if experiment else client.create_experiment(self.experiment)
        )
        known = client.search_runs([number], filter_string=f"tags.`{KEY}` = '{run.key}'")
        if known:
            return MlflowLogger(client, known[0].info.run_id)
        began = client.create_run(number, run_name=run.name, tags={KEY: run.key})
        logger = MlflowLogger(client, began.info.run_id)
        logger.describe(run.settings)
        return logger


class MlflowLogger:
    """Adds to a run of MLflow."""

    def __init__(self, client: Any, run_id: str) -> None:
        """Take a client and the run's number there."""
        self._client, self._run_id = client, run_id

    def describe(self, settings: Mapping[str, Any]) -> None:
        """Log settings as parameters, so many at once as are allowed."""
        from mlflow.entities import Param

        rest = iter(settings.items())
        while some := list(islice(rest, MOST_PARAMETERS)):
            parameters = [Param(_name(key), str(value)[:LONGEST]) for key, value in some]
            self._client.log_batch(self._run_id, params=parameters)

    def log(self, values: Mapping[str, float], *, step: int) -> None:
        """Add metrics; stores of MLflow differ in what they do with NaN, so it is left out."""
        for name, value in values.items():
            if math.isfinite(value):
                self._client.log_metric(self._run_id, _name(name), value, step=step)

    def close(self) -> None:
        """Say that the run has ended."""
        self._client.set_terminated(self._run_id)


def _name(text: str) -> str:
    # A folder of runs keeps a metric as a file, so `loss` and `loss/STORE` cannot both be there.
    return FORBIDDEN.sub("_", text.replace("/", "."))
