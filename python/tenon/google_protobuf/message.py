"""google.protobuf.message: the base class of messages, and what reading them raises."""

from tenon.python.framework.proto_message import DecodeError, Message


class Error(Exception):
    """What is wrong with a message."""


class EncodeError(Error):
    """A message that cannot be written; ours always can."""


__all__ = ["DecodeError", "EncodeError", "Error", "Message"]
