"""Specs to the documents that a workspace stores, and back."""
