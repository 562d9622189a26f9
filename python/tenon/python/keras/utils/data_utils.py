"""Sequences of batches, and files from elsewhere."""

import concurrent.futures
import hashlib
import os
import queue
import random
import shutil
import tarfile
import threading
import urllib.request
import zipfile

from tenon.python.util.tf_export import tf_export


@tf_export("keras.utils.Sequence", "keras.utils.data_utils.Sequence")
class Sequence:
    """Base class: `len(s)` batches, `s[i]` is one: (inputs, targets)."""

    def __getitem__(self, index):
        raise NotImplementedError

    def __len__(self):
        raise NotImplementedError

    def on_epoch_end(self):
        """Called after each epoch."""

    def __iter__(self):
        return (self[i] for i in range(len(self)))


def _digest(path, algorithm):
    hasher = hashlib.new(algorithm)
    with open(path, "rb") as f:
        for chunk in iter(lambda: f.read(1 << 20), b""):
            hasher.update(chunk)
    return hasher.hexdigest()


def validate_file(path, file_hash, algorithm="auto"):
    """Whether a file has a digest."""
    if algorithm == "auto":
        algorithm = "sha256" if len(file_hash) == 64 else "md5"
    return _digest(path, algorithm) == file_hash


def local_file(*names):
    """The first of NAMES that is there in the folder TENON_DATA or shared/data; None if none is."""
    folders = [os.environ.get("TENON_DATA"), "shared/data", os.path.join("..", "shared", "data")]
    for folder in folders:
        for name in names if folder else ():
            path = os.path.join(folder, name)
            if os.path.exists(path):
                return path
    return None


def _extract(path, folder):
    if tarfile.is_tarfile(path):
        with tarfile.open(path) as archive:
            archive.extractall(folder, filter="data")
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            archive.extractall(folder)


@tf_export("keras.utils.get_file", "keras.utils.data_utils.get_file")
def get_file(fname, origin, untar=False, md5_hash=None, file_hash=None, cache_subdir="datasets", hash_algorithm="auto",
             extract=False, archive_format="auto", cache_dir=None):  # fmt: skip
    """The path of a file, which is fetched from ORIGIN if it is not there or not the right one."""
    if md5_hash is not None and file_hash is None:
        file_hash, hash_algorithm = md5_hash, "md5"
    base = os.path.expanduser(cache_dir or os.environ.get("KERAS_HOME") or os.path.join("~", ".keras"))
    folder = os.path.join(base, cache_subdir)
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, fname + (".tar.gz" if untar else ""))
    there = os.path.exists(path) and (file_hash is None or validate_file(path, file_hash, hash_algorithm))
    if not there:
        print("Downloading data from", origin)
        part = path + ".part"
        try:
            with urllib.request.urlopen(origin) as source, open(part, "wb") as target:
                shutil.copyfileobj(source, target)
        except OSError as error:
            raise Exception(f"URL fetch failure on {origin}: {error}") from error
        if file_hash is not None and not validate_file(part, file_hash, hash_algorithm):
            os.remove(part)
            raise ValueError(f"The file fetched from {origin} is not the one expected: its digest is not {file_hash}.")
        os.replace(part, path)
    if untar or extract:
        _extract(path, folder)
    return os.path.join(folder, fname)


class SequenceEnqueuer:
    """Base class: batches made ahead by threads, in a queue."""

    def __init__(self, sequence, use_multiprocessing=False):
        self.sequence, self.use_multiprocessing = sequence, use_multiprocessing
        self.queue = self.pool = None
        self.stop_signal = threading.Event()

    def is_running(self):
        """Whether batches are being made."""
        return self.queue is not None and not self.stop_signal.is_set()

    def start(self, workers=1, max_queue_size=10):
        """Starts making batches."""
        self.stop_signal.clear()
        self.queue = queue.Queue(max_queue_size)
        self.pool = concurrent.futures.ThreadPoolExecutor(max(workers, 1))
        self.run_thread = threading.Thread(target=self._run, daemon=True)
        self.run_thread.start()

    def _put(self, future):
        while not self.stop_signal.is_set():
            try:
                self.queue.put(future, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def _run(self):
        """Puts batches to come into the queue, in order."""
        raise NotImplementedError

    def stop(self, timeout=None):
        """Ends it; batches that are left are dropped."""
        self.stop_signal.set()
        self.run_thread.join(timeout)
        self.pool.shutdown(wait=True, cancel_futures=True)

    def get(self):
        """The batches, one after the other; an error in making one is raised here."""
        while self.is_running():
            try:
                future = self.queue.get(timeout=0.1)
            except queue.Empty:
                if not self.run_thread.is_alive() and self.queue.empty():
                    return
                continue
            try:
                yield future.result()
            except StopIteration:
                return


@tf_export("keras.utils.OrderedEnqueuer", "keras.utils.data_utils.OrderedEnqueuer")
class OrderedEnqueuer(SequenceEnqueuer):
    """The batches of a Sequence, epoch after epoch."""

    def __init__(self, sequence, use_multiprocessing=False, shuffle=False):
        super().__init__(sequence, use_multiprocessing)
        self.shuffle = shuffle

    def _run(self):
        while not self.stop_signal.is_set():
            order = list(range(len(self.sequence)))
            if self.shuffle:
                random.shuffle(order)
            last = None
            for i in order:
                last = self.pool.submit(self.sequence.__getitem__, i)
                if not self._put(last):
                    return
            if last is not None:
                concurrent.futures.wait([last])
            self.sequence.on_epoch_end()


@tf_export("keras.utils.GeneratorEnqueuer", "keras.utils.data_utils.GeneratorEnqueuer")
class GeneratorEnqueuer(SequenceEnqueuer):
    """The batches of a generator."""

    def start(self, workers=1, max_queue_size=10):
        """Starts making batches: by one thread, since a generator is no more than one."""
        super().start(1, max_queue_size)

    def _run(self):
        while not self.stop_signal.is_set():
            future = self.pool.submit(next, self.sequence)
            if not self._put(future) or isinstance(future.exception(), StopIteration):
                return


tf_export("keras.utils.SequenceEnqueuer", "keras.utils.data_utils.SequenceEnqueuer")(SequenceEnqueuer)
