"""The site's own hooks: what is asked of a service of theirs before and after a node changes sides.

Here may not be a judgement about what the answer means for the hand-over, or more than one try: whoever asks, asks
again.
"""
