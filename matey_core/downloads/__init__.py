"""Published data sets: files chosen from a list, fetched by HTTP and checked by their MD5."""
