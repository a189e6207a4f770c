"""What one machine gives: a lock file to lead by, and a file to keep the audit in. For embedded use, without a cluster.

Here may not be a decision, a schedule of any kind, or a file on a network: locks of files do not hold there.
"""
