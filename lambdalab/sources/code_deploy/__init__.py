"""AWS CodeDeploy for functions: an alias moves from one version to another, in steps."""
