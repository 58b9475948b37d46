"""The environment theatre: a run in slow motion."""
