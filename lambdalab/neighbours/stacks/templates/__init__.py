"""Templates of CloudFormation: read, checked before anything starts, and evaluated."""
