"""Layer 0: how a process runs. Command line, paths, memory, disk, JSON files, clock; nothing about
demand.

May import contract.errors alone: what the system refuses to do is refused in the project's own tree
of errors.
"""
