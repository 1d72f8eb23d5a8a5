"""Layer 1: what may be known at an origin. A panel in, training and future frames out.

Must not happen here: reading a file, a clock or a seed; learning anything; two code paths for
training and serving.
"""
