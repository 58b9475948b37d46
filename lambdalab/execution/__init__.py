"""Execution environments: the processes in which functions run, and the Runtime API they speak."""
