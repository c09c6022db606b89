"""Arrays of models are those of the engine."""

from vivace.engine.aligned import CACHE_LINE, HUGE, LARGE, Room, aligned

__all__ = ["CACHE_LINE", "HUGE", "LARGE", "Room", "aligned"]
