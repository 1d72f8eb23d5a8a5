"""Floor 2: one file's way from where it lies into the store and the archive: read, judged, written, moved.

The one room besides doors and flows that opens the store (system_design 11): a file is one transaction, and the steps around that
transaction must stand together to be read together. Must not happen here: choosing which files, logging, touching params.
"""
