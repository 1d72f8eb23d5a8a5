"""Finds what files nobody has described hold: tables in, findings out. See
docs/design/drafting.md.
"""
