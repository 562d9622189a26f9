"""Input functions."""
