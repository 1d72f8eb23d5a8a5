"""Layer 4: questions about a number that is out, with the store opened read-only: why, from where,
what it touched.

Must not happen here: writing to the store. Exports and snapshots are files of their own.
"""
