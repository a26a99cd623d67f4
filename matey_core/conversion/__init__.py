"""From a source to the chunks of a store, by any number of workers.

Nothing is imported here: a worker process must start quickly.
"""
