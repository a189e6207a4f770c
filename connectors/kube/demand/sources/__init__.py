"""What pods do not show: work whose pods are not there yet, one file a kind of object that tells of it.

Each has ``needs``, a pure function of what was seen. It tells of the pods that its objects lack and of no others: those
that are there are told by themselves. Nothing here may tell of what a higher layer tells already.
"""
