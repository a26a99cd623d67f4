r"""Look at data, and find what is wrong with it.

\b
  matey data inspect data/zarr/2D_rdb_NA_NA.zarr
  matey data check
"""
