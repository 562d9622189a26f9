"""Estimators that are ready."""
