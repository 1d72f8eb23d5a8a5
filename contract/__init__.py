"""Layer 0: what all packages agreed on. Frames (schema, key, grain), params, days, levels,
quantiles, errors.
"""
