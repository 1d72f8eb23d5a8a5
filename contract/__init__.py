"""Floor 0: what all rooms agreed on. Frames (schema, key, grain), params, days, levels, quantiles,
errors.
"""
