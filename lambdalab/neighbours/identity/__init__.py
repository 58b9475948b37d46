"""IAM, STS, Cognito user pools."""
