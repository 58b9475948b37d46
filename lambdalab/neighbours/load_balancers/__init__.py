"""Application Load Balancers as moto keeps them."""
