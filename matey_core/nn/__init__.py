"""Small layers that more than one room needs."""
