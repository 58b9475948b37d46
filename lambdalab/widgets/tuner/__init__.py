"""The memory tuner: real runs at several memory sizes."""
