"""What a change that should change no result is proven with."""
