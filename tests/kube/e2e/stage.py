"""Scenes, of which several go on at once on one cluster; and what is done once, by whoever wants it first."""

import concurrent.futures
import queue
import threading
import time

WIDTH = 5  # scenes at once: they wait more than they compute


class Once:
    """What a function returns, or raises: called once, whoever asks."""

    def __init__(self, function):
        self.function, self.lock, self.outcome = function, threading.Lock(), None

    def __call__(self):
        with self.lock:
            if self.outcome is None:
                self.outcome = outcome_of(self.function)
        return self.outcome.result()


def outcome_of(function):
    outcome = concurrent.futures.Future()
    try:
        outcome.set_result(function())
    except BaseException as error:
        outcome.set_exception(error)
    return outcome


class Stage:
    """Threads that play scenes in the order in which they were added. They end with this process, whatever they do."""

    def __init__(self, width=WIDTH):
        self.scenes, self.times, self.began = queue.SimpleQueue(), [], time.monotonic()
        for _ in range(width):
            threading.Thread(target=self.play, daemon=True).start()

    def add(self, name, function):
        """Has FUNCTION called; a future of what it returns."""
        scene = concurrent.futures.Future()
        self.scenes.put((name, function, scene))
        return scene

    def play(self):
        while True:
            name, function, scene = self.scenes.get()
            began = time.monotonic() - self.began
            done = outcome_of(function)
            self.times.append((name, began, time.monotonic() - self.began))
            if done.exception():
                scene.set_exception(done.exception())
            else:
                scene.set_result(done.result())
