"""How chunks lie on disk and come off it: metadata, layouts, files, what was read last."""
