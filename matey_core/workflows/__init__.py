"""The verbs of the command line: settings in, frozen report out."""
