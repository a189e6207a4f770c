"""Events on the wire: their bodies, their envelope, and what is published of both. Pure."""
