"""Families: the likelihood of one component. `base` states the contract."""
