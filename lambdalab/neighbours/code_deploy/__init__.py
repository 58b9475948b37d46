"""CodeDeploy as moto keeps it, and what moto lacks of it."""
