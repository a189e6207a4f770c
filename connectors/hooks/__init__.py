"""The site's own hooks: what is asked of a service of theirs, or of a program, before and after a node changes sides.

``asking.py`` is what is told, ``http.py`` and ``command.py`` are the two ways to tell it, ``running.py`` is one run of
a program, and ``site_hook.py`` is the port. Here may not be a judgement about what the answer means for the hand-over,
or more than one try: whoever asks, asks again.
"""
