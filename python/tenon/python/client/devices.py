"""The devices that steps may use."""

from tenon.python.util.tf_export import tf_export

_MEMORY = 268435456  # what TensorFlow says of a CPU


class _DeviceAttributes:
    """A device of a session."""

    def __init__(self, name, device_type, memory_limit_bytes=0, incarnation=1):
        self.name = name
        self.device_type = device_type
        self.memory_limit_bytes = memory_limit_bytes
        self.incarnation = incarnation

    def __repr__(self):
        return f"_DeviceAttributes({self.name}, {self.device_type}, {self.memory_limit_bytes}, {self.incarnation})"


def session_devices(names):
    """The devices of a session, by their names."""
    return [_DeviceAttributes(name, name.split(":")[-2], _MEMORY, index + 1) for index, name in enumerate(names)]


def list_local_devices(session_config=None):
    """The devices of this machine, as DeviceAttributes."""
    from tenon.python.framework.proto import DeviceAttributes

    counts = session_config.device_count if session_config is not None else {}
    n = counts.get("CPU", 1)
    return [DeviceAttributes(name=f"/device:CPU:{i}", device_type="CPU", memory_limit=_MEMORY, incarnation=i + 1)
            for i in range(n)]  # fmt: skip


@tf_export("config.list_physical_devices", "config.experimental.list_physical_devices")
def list_physical_devices(device_type=None):
    """The devices of this machine of a type."""
    found = list_local_devices()
    return [d for d in found if device_type in (None, d.device_type)]
