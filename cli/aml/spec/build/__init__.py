"""Checked documents to frozen dataclasses, a module for each family of kinds."""
