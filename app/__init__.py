"""The planner's app: pages and forms over queries/ and stages/. It reads the dashboards' copy of
the store; what somebody changes is a short transaction in the store itself.
"""
