"""Renders what others measured: one offline page and terminal tables. Sums and sorts for the eye;
scores nothing.
"""
