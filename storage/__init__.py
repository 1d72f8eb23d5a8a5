"""The only package that speaks SQL: schema, transactions, ledger, bitemporal facts, quarantine,
forecasts, the frozen panel.
"""
