"""Which chief a folder of checkpoints belongs to.

A chief that takes over makes a folder of its own in FOLDER/.tenon, epoch-N, with the next N, and puts a file in the
place of each one before it. All that a chief writes it writes into its own folder first and renames from there: the
system refuses that, at once and for good, when the folder is gone. So a chief that was frozen or cut off while another
took over cannot overwrite, or delete, what its successor saved, at whatever point it goes on.

Remote folders (hdfs://, s3://) have no such renames everywhere. There FOLDER/.tenon/owner names the chief, the last one
to come, and each file is written only after it was read: a chief that was frozen in between can still finish that file.
"""

import contextlib
import os
import shutil
import socket
import threading
import time
import uuid

from tenon.python.framework import errors
from tenon.python.lib.io import file_io, remote_io
from tenon.python.platform import tf_logging as logging

_leases = {}  # of this process, by real path


def claim(folder):
    """The Lease of this process on FOLDER: the first call takes it, later ones check that it still holds.

    None where the folder cannot be written to. FailedPreconditionError: another process took the folder over.
    """
    lease = lease_of(folder)
    if lease is not None:
        lease.check()
        return lease
    try:
        if remote_io.is_remote(folder):
            lease = RemoteLease(folder)
        else:
            os.makedirs(folder, exist_ok=True)
            lease = Lease(folder)
    except (PermissionError, errors.PermissionDeniedError) as error:
        logging.info("Checkpoints in %s are not protected from other chiefs: %s", folder, error)
        return None
    _leases[place(folder)] = lease
    return lease


def place(folder):
    """The one name of FOLDER."""
    folder = os.fspath(folder or ".")
    return folder.rstrip("/") if remote_io.is_remote(folder) else os.path.realpath(folder)


def lease_of(folder):
    """The Lease of this process on FOLDER, or None."""
    return _leases.get(place(folder)) if _leases else None


class Lease:
    """The right to write checkpoints into a folder, until another one is made."""

    def __init__(self, folder):
        self.folder = os.path.realpath(folder)
        self._root = os.path.join(folder, ".tenon")
        self.one_at_a_time = threading.RLock()  # a program's threads may save the same step
        os.makedirs(self._root, exist_ok=True)
        while True:
            self._epoch = max(self._epochs(), default=0) + 1
            with contextlib.suppress(FileExistsError):
                os.mkdir(self._path(self._epoch))
                break
        for epoch in self._epochs():
            if epoch < self._epoch:
                self._revoke(epoch)

    def _path(self, epoch):
        return os.path.join(self._root, f"epoch-{epoch}")

    def _epochs(self):
        names = os.listdir(self._root)
        return [int(name[6:]) for name in names if name.startswith("epoch-") and name[6:].isdigit()]

    def _revoke(self, epoch):
        """Puts a file where the folder of EPOCH is: nothing can be renamed from there, nor the folder made again."""
        path = self._path(epoch)
        while True:
            try:
                with open(path, "x", encoding="utf-8") as file:
                    now = time.strftime("%Y-%m-%d %H:%M:%S")
                    file.write(f"process {os.getpid()} of {socket.gethostname()} took over at {now} (epoch "
                               f"{self._epoch})")  # fmt: skip
                return
            except FileExistsError:
                if not os.path.isdir(path):
                    return
            aside = os.path.join(self._root, f"ended-{epoch}-{uuid.uuid4().hex}")
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                os.rename(path + os.sep, aside)  # with the separator: a folder or nothing
                shutil.rmtree(aside, ignore_errors=True)

    def check(self):
        """FailedPreconditionError if another chief has taken over."""
        path = self._path(self._epoch)
        if os.path.isdir(path):
            return
        by = "another process took over"
        with contextlib.suppress(OSError), open(path, encoding="utf-8") as file:
            by = file.read() or by
        raise errors.FailedPreconditionError(
            None, None, f"The checkpoints in {self.folder} belong to another chief now: {by}, while this one, process "
            f"{os.getpid()}, did not answer (epoch {self._epoch}). Nothing was overwritten.",
        )  # fmt: skip

    def staged(self, name):
        """Where to write what is to become NAME in the folder."""
        return os.path.join(self._path(self._epoch), name)

    def publish(self, name):
        """Moves what was written as NAME to the folder, in place of what is there."""
        self._rename(self.staged(name), os.path.join(self.folder, name))

    def publish_checkpoint(self, name):
        """Moves the files of the checkpoint NAME; its index, without which there is none, comes last."""
        try:
            found = [file for file in os.listdir(self._path(self._epoch)) if file.startswith(name)]
        except (FileNotFoundError, NotADirectoryError):
            self.check()
            raise
        for file in sorted(found, key=lambda file: (file.endswith(".index"), file)):
            if os.path.isfile(self.staged(file)):
                self.publish(file)

    def remove(self, path):
        """Removes a file of the folder, if it is there."""
        aside = self.staged(os.path.basename(path) + ".old")
        if os.path.exists(path):
            self._rename(path, aside)
            os.remove(aside)

    def _rename(self, source, target):
        try:
            os.replace(source, target)
        except OSError:
            self.check()
            raise


class RemoteLease:
    """The same at an address: files are written in their place, whole, after a look at who the owner is."""

    def __init__(self, folder):
        self.folder = place(folder)
        self.one_at_a_time = threading.RLock()
        self._file = f"{self.folder}/.tenon/owner"
        now = time.strftime("%Y-%m-%d %H:%M:%S")
        self._name = f"process {os.getpid()} of {socket.gethostname()} took over at {now} ({uuid.uuid4().hex})"
        file_io.write_string_to_file(self._file, self._name)

    def check(self):
        """FailedPreconditionError if another chief has taken over."""
        try:
            owner = file_io.read_file_to_string(self._file)
        except errors.NotFoundError:
            owner = f"{self._file} was removed"
        if owner != self._name:
            raise errors.FailedPreconditionError(
                None, None, f"The checkpoints in {self.folder} belong to another chief now: {owner}, while this one, "
                f"process {os.getpid()}, did not answer. Nothing was overwritten.",
            )  # fmt: skip

    def staged(self, name):
        """Where to write what is to become NAME in the folder."""
        self.check()
        return f"{self.folder}/{name}"

    def publish(self, name):
        """Nothing is left to do: the file is in its place."""

    def publish_checkpoint(self, name):
        """Nothing is left to do, as with publish."""

    def remove(self, path):
        """Removes a file of the folder, if it is there."""
        self.check()
        with contextlib.suppress(errors.NotFoundError):
            remote_io.remove(path)
