"""The Lambda service's control plane: its model, its validation, its functions and their states."""
