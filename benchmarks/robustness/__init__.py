"""What becomes of the pipeline under faults and load."""
