"""Tests of the Python API: programs that run with Tenon and with TensorFlow."""
