"""Layer 4: what changes the store, or the files beside it, beyond the entry points' own work.

Take a file, replay or correct refused rows, fill, freeze, rebuild, publish, roll back, shadow,
recalibrate, take alerts on. Must not happen here: reading a clock, choosing a path or a seed; those
are arguments.
"""
