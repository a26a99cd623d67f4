r"""Compare models, settings and criteria by experiment.

\b
  matey study arena --data ./data --seconds 60
  matey study criterion
  matey study criterion --without-model --data ./data
  matey study equal-cost --plan
  matey study low-sample --data ./data --new ./new --plan
  matey study run my-study.toml --jobs 2
"""
