"""API Gateway's HTTP APIs: routes, authorizers, and the events of both payload formats."""
