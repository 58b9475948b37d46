"""Lambda or EC2: the price of a month."""
