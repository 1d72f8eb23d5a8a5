"""How good the forecasts and their quantiles are, and what each part is worth."""
