"""Heads: what a model gives, its loss and its metrics."""
