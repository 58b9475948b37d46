"""Stacks of CloudFormation: their templates, their resources, and what becomes of them."""
