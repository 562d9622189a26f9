"""Columns as plain values and back, as the configurations of layers keep them."""

from tenon.python.feature_column import base, categorical, dense, learnt, sequence
from tenon.python.framework import dtypes


def _plain(field, value):
    if isinstance(value, base.FeatureColumn):
        return serialize_feature_column(value)
    if isinstance(value, dtypes.DType):
        return value.name
    if isinstance(value, (list, tuple)) and any(isinstance(item, base.FeatureColumn) for item in value):
        return tuple(_plain(field, item) for item in value)
    if field == "initializer":
        from tenon.python.keras import initializers

        return initializers.serialize(value)
    return getattr(value, "__name__", value) if callable(value) else value


def serialize_feature_column(column):
    """{"class_name", "config"} of a column."""
    config = {field: _plain(field, value) for field, value in zip(column._fields, column)}
    return {"class_name": type(column).__name__, "config": config}


def _class(name):
    for module in (categorical, dense, learnt, sequence):
        if hasattr(module, name):
            return getattr(module, name)
    raise ValueError(f"Unknown feature column: {name}")


def _value(field, value, custom_objects):
    if isinstance(value, dict) and field == "initializer":
        from tenon.python.keras import initializers

        return initializers.deserialize(value, custom_objects)
    if isinstance(value, dict):
        return deserialize_feature_column(value, custom_objects)
    if isinstance(value, (list, tuple)):
        return tuple(_value(field, item, custom_objects) for item in value)
    if field == "dtype":
        return dtypes.as_dtype(value)
    if field == "normalizer_fn" and isinstance(value, str):
        if value not in (custom_objects or {}):
            raise ValueError(f"Unknown normalizer_fn: {value}; custom_objects has to have it")
        return custom_objects[value]
    return value


def deserialize_feature_column(config, custom_objects=None):
    """The column that CONFIG describes; functions are found in CUSTOM_OBJECTS by their names."""
    fields = {field: _value(field, value, custom_objects) for field, value in config["config"].items()}
    return _class(config["class_name"])(**fields)
