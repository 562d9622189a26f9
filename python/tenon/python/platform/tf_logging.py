"""tf.logging: messages with a level, to standard error."""

import logging as _logging
import sys
import threading

from tenon.python.util.tf_export import tf_export

DEBUG, INFO, WARN, ERROR, FATAL = 10, 20, 30, 40, 50
TF_EXPORTS = {"logging.DEBUG": "DEBUG", "logging.INFO": "INFO", "logging.WARN": "WARN", "logging.ERROR": "ERROR",
              "logging.FATAL": "FATAL"}  # fmt: skip
_LEVELS = {FATAL: "FATAL", ERROR: "ERROR", WARN: "WARN", INFO: "INFO", DEBUG: "DEBUG"}
_logger = None
_lock = threading.Lock()
_counts = {}


class _Stderr:
    """Whatever sys.stderr is when something is written."""

    def write(self, text):
        sys.stderr.write(text)

    def flush(self):
        sys.stderr.flush()


def get_logger():
    """The logger, called "tensorflow" as programs expect."""
    global _logger
    if _logger is None:
        with _lock:
            if _logger is None:
                logger = _logging.getLogger("tensorflow")
                if not _logging.getLogger().handlers and not logger.handlers:
                    handler = _logging.StreamHandler(_Stderr())
                    handler.setFormatter(_logging.Formatter(_logging.BASIC_FORMAT, None))
                    logger.addHandler(handler)
                    logger.propagate = False
                if logger.level == _logging.NOTSET:
                    logger.setLevel(WARN)
                _logger = logger
    return _logger


tf_export("get_logger")(get_logger)


@tf_export("logging.log")
def log(level, msg, *args, **kwargs):
    """Logs MSG % ARGS at LEVEL."""
    get_logger().log(level, msg, *args, **kwargs)


@tf_export("logging.debug")
def debug(msg, *args, **kwargs):
    """Logs MSG % ARGS for those who look for faults."""
    get_logger().debug(msg, *args, **kwargs)


@tf_export("logging.info")
def info(msg, *args, **kwargs):
    """Logs MSG % ARGS as information."""
    get_logger().info(msg, *args, **kwargs)


@tf_export("logging.warn")
def warn(msg, *args, **kwargs):
    """Logs MSG % ARGS as a warning."""
    get_logger().warning(msg, *args, **kwargs)


@tf_export("logging.warning")
def warning(msg, *args, **kwargs):
    """Logs MSG % ARGS as a warning."""
    get_logger().warning(msg, *args, **kwargs)


@tf_export("logging.error")
def error(msg, *args, **kwargs):
    """Logs MSG % ARGS as an error."""
    get_logger().error(msg, *args, **kwargs)


@tf_export("logging.fatal")
def fatal(msg, *args, **kwargs):
    """Logs MSG % ARGS as the worst of errors; the program goes on."""
    get_logger().fatal(msg, *args, **kwargs)


@tf_export("logging.vlog")
def vlog(level, msg, *args, **kwargs):
    """Logs MSG % ARGS at LEVEL."""
    get_logger().log(level, msg, *args, **kwargs)


@tf_export("logging.TaskLevelStatusMessage")
def TaskLevelStatusMessage(msg):
    """Logs MSG as an error."""
    error(msg)


@tf_export("logging.flush")
def flush():
    """Nothing: what is logged is written at once."""


def _count(msg):
    _counts[msg] = _counts.get(msg, -1) + 1
    return _counts[msg]


@tf_export("logging.log_every_n")
def log_every_n(level, msg, n, *args):
    """Logs the first of every N calls with the same MSG."""
    log_if(level, msg, not _count(msg) % n, *args)


@tf_export("logging.log_first_n")
def log_first_n(level, msg, n, *args):
    """Logs the first N calls with the same MSG."""
    log_if(level, msg, _count(msg) < n, *args)


@tf_export("logging.log_if")
def log_if(level, msg, condition, *args):
    """Logs MSG % ARGS at LEVEL if CONDITION holds."""
    if condition:
        log(level, msg, *args)


@tf_export("logging.get_verbosity")
def get_verbosity():
    """The level from which on messages are written."""
    return get_logger().getEffectiveLevel()


@tf_export("logging.set_verbosity")
def set_verbosity(v):
    """Sets the level from which on messages are written: a number, or its name."""
    get_logger().setLevel(v)


def level_name(level):
    """The name of a level."""
    return _LEVELS.get(level, str(level))
