"""Runs passed on: what of a run is shared, and the card that describes it."""

from matey_core.sharing.card import model_card
from matey_core.sharing.push import PushReport, push

__all__ = ["PushReport", "model_card", "push"]
