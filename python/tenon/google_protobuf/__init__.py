"""What programs import from google.protobuf, for our messages; it stands in for that package where it is absent."""
