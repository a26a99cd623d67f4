r"""Inspect data, and check it for defects.

\b
  matey data inspect data/zarr/2D_rdb_NA_NA.zarr
  matey data check
"""
