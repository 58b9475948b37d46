"""Function URLs: from a web request to a function and back, without anything in between.

Source: https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
"""
