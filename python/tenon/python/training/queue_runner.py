"""The names of queue_runner_impl."""

from tenon.python.training.queue_runner_impl import QueueRunner, add_queue_runner, start_queue_runners

__all__ = ["QueueRunner", "add_queue_runner", "start_queue_runners"]
