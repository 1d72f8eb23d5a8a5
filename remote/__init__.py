"""Databases and buckets of others: read from and written to."""
