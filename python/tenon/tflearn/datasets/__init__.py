"""Data sets of TFLearn."""
