"""REST and HTTP APIs as moto keeps them."""
