"""One run: its folder, its stores, its token plan, how it is fitted and kept."""
