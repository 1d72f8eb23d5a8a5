"""Occasions: daily, weekly, drill, deploy. Wraps the doors for Prefect, and walks them without it;
decides nothing about data.
"""
