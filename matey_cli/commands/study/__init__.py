r"""Ask of a model, and of settings, what they are worth.

\b
  matey study criterion
  matey study criterion --without-model --data ./data
  matey study equal-cost --plan
  matey study low-sample --data ./data --new ./new --plan
  matey study run my-study.toml --jobs 2
"""
