"""Failure on purpose: faults, what comes out of them, and the grade. No production code imports
this package.
"""
