"""API Gateway's REST APIs: resources and methods, authorizers, mapping, gateway responses."""
