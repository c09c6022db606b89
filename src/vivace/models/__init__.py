"""Models: a family and a weight model behind the four functions that the engine calls."""
