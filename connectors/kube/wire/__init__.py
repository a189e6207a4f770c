"""What an API server answers, as far as it is read: frozen partial structs. The rest is passed over.

A struct has a default for all that a server may leave out or set to null, so that an odd object from a newer server
costs none of the others.
"""
