"""Names of checkpoint files. Saving and restoring are tested in tests/oracle/test_checkpoint.py."""

import numpy as np

from oracle.api import bad, case

case("ShardedFilename", np.array(b"model", object), np.array(1, "int32"), np.array(12, "int32"))
case("ShardedFilename", np.array("模型".encode(), object), np.array(0, "int32"), np.array(100000, "int32"))
case("ShardedFilespec", np.array(b"model", object), np.array(3, "int32"))
bad("ShardedFilename", np.array([b"model"], object), np.array(1, "int32"), np.array(12, "int32"), code="INVALID_ARGUMENT")
