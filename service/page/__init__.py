"""The status page and the API: one model of what is known, built purely from what the bus tells, and a web server.

It only reads, but for the orders of persons, which it writes beside the lock or the lease by the commands' own code.
"""
