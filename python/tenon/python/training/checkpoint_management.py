"""The `checkpoint` file of a folder: which checkpoints there are and which is the newest."""

import contextlib
import os
import re
import time

from tenon.python.framework import proto as messages
from tenon.python.framework import proto_text
from tenon.python.lib.io import anywhere
from tenon.python.platform import tf_logging as logging
from tenon.python.util.tf_export import tf_export


def _state_path(folder, latest_filename):
    return os.path.join(os.fspath(folder), latest_filename or "checkpoint")


@tf_export("train.generate_checkpoint_state_proto")
def generate_checkpoint_state_proto(
    save_dir,
    model_checkpoint_path,
    all_model_checkpoint_paths=None,
    all_model_checkpoint_timestamps=None,
    last_preserved_timestamp=None,
):
    """A CheckpointState; paths are made relative to SAVE_DIR where that is relative."""
    paths = list(all_model_checkpoint_paths or [])
    if all_model_checkpoint_timestamps and len(all_model_checkpoint_timestamps) != len(paths):
        raise ValueError("all_model_checkpoint_timestamps, if provided, must match all_model_checkpoint_paths")
    if model_checkpoint_path not in paths:
        logging.info("%s is not in all_model_checkpoint_paths. Manually adding it.", model_checkpoint_path)
        paths.append(model_checkpoint_path)
        if all_model_checkpoint_timestamps:
            all_model_checkpoint_timestamps = [*all_model_checkpoint_timestamps, time.time()]
    if not anywhere.isabs(save_dir):
        paths = [path if anywhere.isabs(path) else os.path.relpath(path, save_dir) for path in paths]
        if not anywhere.isabs(model_checkpoint_path):
            model_checkpoint_path = os.path.relpath(model_checkpoint_path, save_dir)
    return messages.get("tensorflow.CheckpointState")(
        model_checkpoint_path=model_checkpoint_path,
        all_model_checkpoint_paths=paths,
        all_model_checkpoint_timestamps=all_model_checkpoint_timestamps,
        last_preserved_timestamp=last_preserved_timestamp,
    )


@tf_export("train.update_checkpoint_state")
def update_checkpoint_state(
    save_dir,
    model_checkpoint_path,
    all_model_checkpoint_paths=None,
    latest_filename=None,
    all_model_checkpoint_timestamps=None,
    last_preserved_timestamp=None,
):
    """Writes the `checkpoint` file of SAVE_DIR."""
    update_checkpoint_state_internal(
        save_dir, model_checkpoint_path, all_model_checkpoint_paths, latest_filename, False,
        all_model_checkpoint_timestamps, last_preserved_timestamp,
    )  # fmt: skip


def update_checkpoint_state_internal(
    save_dir, model_checkpoint_path, all_model_checkpoint_paths=None, latest_filename=None, save_relative_paths=False,
    all_model_checkpoint_timestamps=None, last_preserved_timestamp=None, lease=None,
):  # fmt: skip
    """The same; with SAVE_RELATIVE_PATHS names in the file are relative to the folder. LEASE: of the chief."""
    state_path = _state_path(save_dir, latest_filename)
    everything = list(all_model_checkpoint_paths or [])
    if save_relative_paths:

        def relative(path):
            return os.path.relpath(path, save_dir) if anywhere.isabs(path) or os.path.dirname(path) else path

        model_checkpoint_path, everything = relative(model_checkpoint_path), [relative(path) for path in everything]
        state = messages.get("tensorflow.CheckpointState")(
            model_checkpoint_path=model_checkpoint_path,
            all_model_checkpoint_paths=everything,
            all_model_checkpoint_timestamps=all_model_checkpoint_timestamps,
            last_preserved_timestamp=last_preserved_timestamp,
        )
    else:
        state = generate_checkpoint_state_proto(
            save_dir, model_checkpoint_path, everything, all_model_checkpoint_timestamps, last_preserved_timestamp
        )
    if state_path == state.model_checkpoint_path:
        raise RuntimeError(f"Save path '{model_checkpoint_path}' conflicts with path used for checkpoint state.  "
                           "Please use a different save path.")  # fmt: skip
    # Written beside it and renamed: whoever reads sees the old file or the new one.
    name = latest_filename or "checkpoint"
    try:
        anywhere.atomic_write(lease.staged(name) if lease else state_path, proto_text.MessageToString(state))
    except OSError:
        if lease:
            lease.check()
        raise
    if lease:
        lease.publish(name)


@tf_export("train.get_checkpoint_state")
def get_checkpoint_state(checkpoint_dir, latest_filename=None):
    """The CheckpointState of a folder with its paths made whole; None where there is none that can be read."""
    if isinstance(checkpoint_dir, os.PathLike):
        checkpoint_dir = os.fspath(checkpoint_dir)
    if not checkpoint_dir:
        return None
    path = _state_path(checkpoint_dir, latest_filename)
    try:
        state = proto_text.Merge(anywhere.read(path, "utf-8"), messages.get("tensorflow.CheckpointState")())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError, proto_text.ParseError) as error:
        logging.warning("%s: %s", path, error)
        return None
    if not state.model_checkpoint_path:
        raise ValueError(f"Invalid checkpoint state loaded from {checkpoint_dir}")
    # The state file may lie in a folder that is relative to the working one; its paths are relative to the state file.
    if not anywhere.isabs(state.model_checkpoint_path):
        state.model_checkpoint_path = os.path.join(checkpoint_dir, state.model_checkpoint_path)
    for i, name in enumerate(state.all_model_checkpoint_paths):
        if not anywhere.isabs(name):
            state.all_model_checkpoint_paths[i] = os.path.join(checkpoint_dir, name)
    return state


def _prefix_to_checkpoint_path(prefix, format_version):
    return prefix + ".index" if format_version == 2 else prefix


@tf_export("train.latest_checkpoint")
def latest_checkpoint(checkpoint_dir, latest_filename=None):
    """The prefix of the newest checkpoint of a folder whose files are there, or None."""
    state = get_checkpoint_state(checkpoint_dir, latest_filename)
    if state and state.model_checkpoint_path:
        if checkpoint_exists(state.model_checkpoint_path):
            return state.model_checkpoint_path
        logging.error("Couldn't match files for checkpoint %s", state.model_checkpoint_path)
    return None


@tf_export("train.checkpoint_exists")
def checkpoint_exists(checkpoint_prefix):
    """Whether there is a checkpoint with this prefix (which may be a pattern), of either format."""
    prefix = os.fspath(checkpoint_prefix)
    return bool(anywhere.glob(prefix + ".index")) or bool(anywhere.glob(prefix))


@tf_export("train.get_checkpoint_mtimes")
def get_checkpoint_mtimes(checkpoint_prefixes):
    """When each checkpoint that exists was written, in seconds."""
    times = []
    for prefix in checkpoint_prefixes:
        found = anywhere.glob(prefix + ".index") or anywhere.glob(prefix)
        if found:
            times.append(int(anywhere.getmtime(found[0])))
    return times


@tf_export("train.remove_checkpoint")
def remove_checkpoint(checkpoint_prefix, checkpoint_format_version=2, meta_graph_suffix="meta"):
    """Removes the files of a checkpoint."""
    remove_checkpoint_internal(checkpoint_prefix, checkpoint_format_version, meta_graph_suffix, anywhere.remove)


def remove_checkpoint_internal(checkpoint_prefix, checkpoint_format_version, meta_graph_suffix, remove):
    """The same; REMOVE removes a file."""
    _delete(meta_graph_filename(checkpoint_prefix, meta_graph_suffix), remove)
    if checkpoint_format_version == 2:
        _delete(checkpoint_prefix + ".index", remove)
        _delete(checkpoint_prefix + ".data-?????-of-?????", remove)
    else:
        _delete(checkpoint_prefix, remove)


def _delete(pattern, remove):
    for path in anywhere.glob(pattern) or ([pattern] if anywhere.exists(pattern) else []):
        with contextlib.suppress(FileNotFoundError):
            remove(path)


def meta_graph_filename(checkpoint_filename, meta_graph_suffix="meta"):
    """The name of the MetaGraphDef that is saved beside a checkpoint; a sharded name's `-?????-of-...` goes."""
    return re.sub(r"-[\d\?]+-of-\d+$", "", checkpoint_filename) + "." + meta_graph_suffix


@tf_export("train.checkpoints_iterator")
def checkpoints_iterator(checkpoint_dir, min_interval_secs=0, timeout=None, timeout_fn=None):
    """Yields the newest checkpoint of a folder whenever there is a new one, until none came for TIMEOUT seconds."""
    last = None
    while True:
        found = _wait_for_new_checkpoint(checkpoint_dir, last, timeout)
        if found is None:
            if not timeout_fn or timeout_fn():
                return
            continue
        start = time.time()
        last = found
        yield found
        rest = start + min_interval_secs - time.time()
        if rest > 0:
            time.sleep(rest)


def _wait_for_new_checkpoint(folder, last, timeout, seconds_to_sleep=0.2):
    stop = None if timeout is None else time.time() + timeout
    while True:
        found = latest_checkpoint(folder)
        if found is not None and found != last:
            return found
        if stop is not None and time.time() + seconds_to_sleep > stop:
            return None
        time.sleep(seconds_to_sleep)
