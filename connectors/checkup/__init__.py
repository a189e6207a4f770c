"""What the checkups of all schedulers share: how one check is kept from spoiling others, how names and times are told.

No word of any scheduler here.
"""
