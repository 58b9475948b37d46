"""The learner's handle on one cloud: ``start()`` and the ``Lab`` it returns."""

from lambdalab.lab.handle import Lab, start

__all__ = ["Lab", "start"]
