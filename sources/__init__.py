"""Where rows come from: your own CSV or Parquet files, M5's files, the seeded simulator. Frames
out, no store, no clock.
"""
