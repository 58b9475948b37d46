"""The Lambda service's data plane: admission, invocation, what it costs and what it counts."""
