"""Compares Tenon's ops with TensorFlow's."""
