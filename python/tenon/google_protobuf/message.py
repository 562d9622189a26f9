"""google.protobuf.message: the base class of messages, and what reading them raises."""

from tenon.python.framework.proto_message import DecodeError, Message
from tenon.python.framework.proto_wire import Error


class EncodeError(Error):
    """A message that cannot be written; ours always can."""


__all__ = ["DecodeError", "EncodeError", "Error", "Message"]
