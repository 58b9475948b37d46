"""What helps to learn: checks, figures, notebooks."""
