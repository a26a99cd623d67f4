"""Files of unknown origin that hold arrays: opened, listed, read in parts, never trusted."""
