"""The verbs, one file each: parse, call one workflow, render.

The file's name is the command's name (`tokenize_inspect.py` answers to
`matey tokenize-inspect`), the first line of its docstring is the summary that
`matey --help` shows, and its function of the same name is the command.
"""
