"""The devices that steps may use."""

from tenon.python.util.tf_export import tf_export


class _DeviceAttributes:
    """A device of a session."""

    def __init__(self, name, device_type, memory_limit_bytes=0, incarnation=1):
        self.name = name
        self.device_type = device_type
        self.memory_limit_bytes = memory_limit_bytes
        self.incarnation = incarnation

    def __repr__(self):
        return f"_DeviceAttributes({self.name}, {self.device_type}, {self.memory_limit_bytes}, {self.incarnation})"


def session_devices(session):
    """The devices of a session."""
    return [_DeviceAttributes("/job:localhost/replica:0/task:0/device:CPU:0", "CPU", 268435456)]


def list_local_devices(session_config=None):
    """The devices of this machine, as DeviceAttributes."""
    from tenon.python.framework.proto import DeviceAttributes

    return [DeviceAttributes(name="/device:CPU:0", device_type="CPU", memory_limit=268435456, incarnation=1)]


@tf_export("config.list_physical_devices", "config.experimental.list_physical_devices")
def list_physical_devices(device_type=None):
    """The devices of this machine of a type."""
    found = list_local_devices()
    return [d for d in found if device_type in (None, d.device_type)]
