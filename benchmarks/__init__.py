"""Beside the house: speed and memory measured, side by side with peers in one run. Imports doors and rooms, imported by nobody."""
