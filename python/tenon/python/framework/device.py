"""Device names: /job:worker/replica:0/task:1/device:GPU:0, any part of which may be left out."""

from tenon.python.util.tf_export import tf_export

_PARTS = ("job", "replica", "task", "device_type", "device_index")


@tf_export("DeviceSpec")
class DeviceSpec:
    """A device, or what is known about it."""

    def __init__(self, job=None, replica=None, task=None, device_type=None, device_index=None):
        device_type = device_type.upper() if device_type in ("cpu", "gpu") else device_type
        numbers = (None if n is None else int(n) for n in (replica, task, device_index))
        self._replica, self._task, self._device_index = numbers
        self._job, self._device_type = job, device_type

    @staticmethod
    def from_string(spec):
        """The DeviceSpec of a device's name."""
        return DeviceSpec().parse_from_string(spec)

    def parse_from_string(self, spec):
        """Takes everything from SPEC; returns self. ValueError if it is not a device's name."""
        self.__init__()
        for part in (spec or "").split("/"):
            if part:
                self._take(part, part.split(":"), spec)
        return self

    def _take(self, part, fields, spec):
        if fields[0] in ("job", "replica", "task") and len(fields) == 2:
            if fields[1] != "*":
                setattr(self, fields[0], fields[1] if fields[0] == "job" else _number(fields[1], spec))
            return
        if fields[0] == "device" and len(fields) in (2, 3):
            fields = fields[1:]
        elif fields[0].lower() not in ("cpu", "gpu", "tpu") or len(fields) != 2:
            raise ValueError(f"Unknown attribute: '{fields[0]}' in '{spec}'")
        if self.device_type is not None:
            raise ValueError(f"Cannot specify multiple device types: {spec}")
        if fields[0] != "*":
            self.device_type = fields[0].upper() if fields[0].lower() in ("cpu", "gpu", "tpu") else fields[0]
        if len(fields) == 2 and fields[1] != "*":
            self.device_index = _number(fields[1], spec)

    def merge_from(self, dev):
        """Takes over the parts that DEV has."""
        for name in _PARTS:
            if getattr(dev, name) is not None:
                setattr(self, name, getattr(dev, name))

    def make_merged_spec(self, dev):
        """A new DeviceSpec: this one with the parts that DEV has."""
        merged = self.replace()
        merged.merge_from(dev)
        return merged

    def replace(self, **kwargs):
        """A copy with some parts replaced."""
        return DeviceSpec(**{name: kwargs.get(name, getattr(self, name)) for name in _PARTS})

    def to_string(self):
        """The device's name."""
        text = "".join(f"/{name}:{getattr(self, name)}" for name in _PARTS[:3] if getattr(self, name) is not None)
        if self.device_type is not None:
            text += f"/device:{self.device_type}:{'*' if self.device_index is None else self.device_index}"
        return text

    def __str__(self):
        return self.to_string()

    def __eq__(self, other):
        return isinstance(other, DeviceSpec) and all(getattr(self, n) == getattr(other, n) for n in _PARTS)

    def __hash__(self):
        return hash(tuple(getattr(self, name) for name in _PARTS))

    def __repr__(self):
        return f"<DeviceSpec {self.to_string()!r}>"


def _part(name):
    return property(lambda self: getattr(self, "_" + name), lambda self, value: setattr(self, "_" + name, value),
                    doc=f"The {name}, None if it is left open.")  # fmt: skip


for _name in _PARTS:
    setattr(DeviceSpec, _name, _part(_name))


def _number(text, spec):
    if not text.isdigit():
        raise ValueError(f"'{text}' is not a number in device '{spec}'")
    return int(text)


def device_text(device):
    """The name of a device given as a name, a DeviceSpec or None, in its canonical form."""
    if device is None:
        return ""
    return device.to_string() if isinstance(device, DeviceSpec) else DeviceSpec.from_string(str(device)).to_string()


def canonical_name(device):
    """The canonical form of a device's name."""
    return device_text(device)


def merge_device(spec):
    """A device function that fills in what an operation's own device leaves open with SPEC."""
    spec = DeviceSpec.from_string(device_text(spec))

    def merge(op_or_text):
        own = op_or_text if isinstance(op_or_text, (str, DeviceSpec)) else getattr(op_or_text, "device", op_or_text)
        merged = spec.replace()
        merged.merge_from(DeviceSpec.from_string(device_text(own)))
        return merged.to_string()

    return merge
