"""Layer 6, when: daily, weekly, drill, replay, deploy. Wraps entry points and stages for Prefect,
and runs them without it; decides nothing about data.
"""
