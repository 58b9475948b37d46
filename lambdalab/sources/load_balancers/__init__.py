"""Application Load Balancers: rules, and functions as targets.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html
"""
