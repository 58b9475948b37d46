"""The cold start anatomy: published ranges and real measurements."""
