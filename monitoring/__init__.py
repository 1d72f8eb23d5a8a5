"""Compares, never changes: what arrived and what was forecast against what happened since ->
findings.
"""
