"""Layer 2: forecasters, their intervals, the backtest that compares them, the scores, the gate.

Must not happen here: reading a store, a clock, or a path beyond the bundle folder an entry point
hands in.
"""
