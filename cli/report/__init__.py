"""The report: a comparison of replays as one HTML page that loads nothing.

Here is what turns outcomes into words, tables and charts. Here may not be a replay, or a figure that is not in the
outcomes or read straight off their timelines.
"""
