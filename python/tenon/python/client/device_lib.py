"""The devices of this machine, by their place in TensorFlow."""

from tenon.python.client.devices import list_local_devices

__all__ = ["list_local_devices"]
