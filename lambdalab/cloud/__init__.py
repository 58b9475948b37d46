"""One cloud in one process, and the process around it."""
